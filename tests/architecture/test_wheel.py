"""What happens when our wheel meets another project's package of the same name."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our wheel, built by the locked build backend, with nothing fetched."""
    out = tmp_path_factory.mktemp("wheel")
    source = out / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "router", "connectors", "policies"):
        (source / name).symlink_to(ROOT / name)
    build = "from setuptools import build_meta; import sys; print(build_meta.build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(out)], cwd=source, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def foreign_wheel(folder: Path) -> Path:
    """Somebody else's distribution that also brings a package called `router`."""
    path = folder / "other_router-1.0-py3-none-any.whl"
    info = "other_router-1.0.dist-info"
    files = {
        "router/__init__.py": "WHOSE = 'theirs'\n",
        "router/theirs.py": "",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: other-router\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def test_the_wheel_leaves_tests_and_bench_out(wheel: Path):
    """Only the three packages are installed."""
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert tops == {"router", "connectors", "policies", next(top for top in tops if top.endswith(".dist-info"))}


def test_a_foreign_package_called_router_is_noticed(wheel: Path, tmp_path: Path):
    """Both write into one folder: the last installed wins file by file, and `sor` refuses to run on the mixture."""
    python = fresh_environment(tmp_path / "env")
    install(python, wheel)
    assert run(python, "-c", "from router.whose import intruder; print(intruder())").stdout.strip() == "None"

    install(python, foreign_wheel(tmp_path))

    assert run(python, "-c", "import router; print(router.WHOSE)").stdout.strip() == "theirs"
    assert run(python, "-c", "import router.model, router.theirs").returncode == 0
    assert "router/__init__.py" in run(python, "-c", "from router.whose import intruder; print(intruder())").stdout
    refused = run(python, "-c", "from router.cli import main; main()")
    assert refused.returncode == 2
    assert "another distribution" in refused.stderr


def fresh_environment(folder: Path) -> Path:
    venv.create(folder, with_pip=False, system_site_packages=False)
    return folder / "bin" / "python"


def install(python: Path, wheel: Path) -> None:
    """What pip does, without asking any index: pip of this environment, installing into that one."""
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(python),
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            str(wheel),
        ],
        check=True,
    )


def run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(python), "-I", *arguments], capture_output=True, text=True, check=False)

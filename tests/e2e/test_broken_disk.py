"""The disk breaks under the journal, as the kernel reports it: an I/O error, a full one, one that may only be read."""

import asyncio
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from router.app.exits import ExitCode
from tests.e2e.desk import DONE, Desk, assert_done_once, desk_at
from tests.waiting import eventually

_SHIM = Path(__file__).with_name("diskfault.c")
_ROOT = Path(__file__).parents[2]
_WITHIN_S = 60.0
_FULL_BYTES = 24 << 20
FAULTS: Mapping[str, tuple[str, int, str]] = {
    "a sync fails once": ("sync", errno.EIO, "once"),
    "no sync succeeds": ("sync", errno.EIO, "always"),
    "a write fails once": ("write", errno.EIO, "once"),
    "no write succeeds": ("write", errno.EIO, "always"),
    "there is no room": ("write", errno.ENOSPC, "always"),
    "it may only be read": ("write", errno.EROFS, "always"),
}
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="faults are put before Linux's libc")


@dataclass(frozen=True, slots=True)
class Ran:
    """How a process ended."""

    code: int
    said: str


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that fails, built here."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler: the fault is put between SQLite and the kernel by a small library")
    built = tmp_path_factory.mktemp("shim") / "diskfault.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(built), str(_SHIM), "-ldl"], check=True)
    return built


@asynccontextmanager
async def _sor(desk: Desk, *arguments: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`sor` started as a shell does, so that the loader puts the faulty library before libc."""
    command, *rest = arguments
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SOR_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "router.cli", command, *rest, "--config", str(desk.config)),
        cwd=_ROOT,
        env={**kept, "PYTHONPATH": str(_ROOT), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _ended(process: asyncio.subprocess.Process) -> Ran:
    out, _ = await asyncio.wait_for(process.communicate(), _WITHIN_S)
    assert process.returncode is not None
    return Ran(process.returncode, out.decode())


def _says_so(ran: Ran) -> None:
    """It ended with its code, and a sentence instead of a traceback."""
    assert ran.code in {ExitCode.FAILED, ExitCode.IN_DOUBT}, ran
    assert "Traceback" not in ran.said
    last = ran.said.strip().splitlines()[-1]
    assert "disk" in last or "readonly" in last, ran.said


@pytest.mark.nightly
@pytest.mark.parametrize("what", FAULTS)
async def test_a_broken_disk_stops_the_driver_in_the_middle_of_an_order(tmp_path: Path, shim: Path, what: str) -> None:
    """Also one that fails once: what a sync did not promise is not believed. The next run does the rest, once."""
    plan = tmp_path / "plan"
    call, number, how_often = FAULTS[what]
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}") as desk:
        order = ("execute", "--order", str(desk.order()), "--wait", "30")
        async with _sor(desk, *order, LD_PRELOAD=str(shim), DISK_FAULT=str(plan)) as run:
            await eventually(lambda: _sent(desk), within_s=_WITHIN_S, every_s=0.002)
            plan.write_text(f"{call} {number} {how_often}")
            _says_so(await _ended(run))
        assert plan.exists() is (how_often == "always")
        plan.unlink(missing_ok=True)
        last = desk.execute("last", desk.order())
        assert await last.ended() in DONE, last.said()
        await assert_done_once(desk)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, with little room on it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_FULL_BYTES}", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("a file system cannot be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.nightly
async def test_a_file_system_that_is_full_stops_the_driver(tmp_path: Path, small_disk: Path) -> None:
    """The kernel's own ENOSPC, in the middle of an order; with room again, the same command does the rest."""
    async with desk_at(tmp_path, f"sqlite:///{small_disk / 'sor.db'}") as desk:
        async with _sor(desk, "execute", "--order", str(desk.order()), "--wait", "30") as run:
            await eventually(lambda: _sent(desk), within_s=_WITHIN_S, every_s=0.002)
            _fill(small_disk / "other people's files")
            # What is there of the log is written over: the order may come to its end before any room is needed.
            ran = await _ended(run)
        assert "Traceback" not in ran.said
        if ran.code not in DONE:
            _says_so(ran)
        async with _sor(desk, "submit", "--order", str(desk.order("R2"))) as refused:
            ran = await _ended(refused)
        (small_disk / "other people's files").unlink()
        assert ran.code in {ExitCode.OK, ExitCode.FAILED}, ran
        last = desk.execute("last", desk.order())
        assert await last.ended() in DONE, last.said()


@pytest.mark.nightly
async def test_a_file_system_that_may_only_be_read_is_refused_in_a_sentence(tmp_path: Path, small_disk: Path) -> None:
    """At the start: nothing is sent, and what was known is still there to be read."""
    async with desk_at(tmp_path, f"sqlite:///{small_disk / 'sor.db'}") as desk:
        first = desk.execute("first", desk.order())
        assert await first.ended() in DONE, first.said()
        before = await desk.control.orders("kraken")
        await _remount("ro", small_disk)
        async with _sor(desk, "execute", "--order", str(desk.order("R2")), "--wait", "5") as run:
            ran = await _ended(run)
        await _remount("rw", small_disk)
        _says_so(ran)
        assert await desk.control.orders("kraken") == before
        await assert_done_once(desk)


async def _remount(how: str, disk: Path) -> None:
    mounting = await asyncio.create_subprocess_exec("mount", "-o", f"remount,{how}", str(disk))
    assert await mounting.wait() == 0


def _fill(path: Path) -> None:
    try:
        with path.open("wb", buffering=0) as file:
            while file.write(bytes(4_096)):
                pass
    except OSError as error:
        assert error.errno == errno.ENOSPC  # noqa: PT017 - the loop has no other end


async def _sent(desk: Desk) -> bool:
    return bool(await desk.control.orders("kraken"))

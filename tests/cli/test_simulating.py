"""`sor simulate` as a shell sees it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from router.cli.commands import app
from router.simulate.many import Ran
from router.simulate.reach import RARE
from router.simulate.run import Outcome
from tests.simulate import mutants


@pytest.mark.parametrize("shell", ["engine", "live"])
def test_a_seed_of_either_shell_is_told(shell: str, tmp_path: Path) -> None:
    """What was sent, what was reached, and no breach."""
    command = [
        "simulate",
        "--seed",
        "3",
        "--profile",
        "calm",
        "--shell",
        shell,
        "--json",
        "--keep",
        str(tmp_path / "kept"),
    ]
    done = CliRunner().invoke(app, command)

    told = json.loads(done.stdout)
    assert (done.exit_code, told["shell"], told["seeds"], told["failed"]) == (0, shell, 1, [])
    assert told["children"] > 0
    assert not (tmp_path / "kept").exists()


def test_a_seed_that_fails_is_kept_with_the_command_that_runs_it_again(tmp_path: Path) -> None:
    """Once, however often it fails."""
    kept = tmp_path / "kept"
    with mutants.sent_before_it_is_durable():
        for _ in range(2):
            done = CliRunner().invoke(app, ["simulate", "--seed", "0", "--keep", str(kept)])

    assert done.exit_code == 1
    assert kept.read_text().splitlines() == ["sor simulate --seed 0 --profile default"]
    assert "sor simulate --seed 0 --profile default  # " in done.stdout


@pytest.mark.parametrize(("times", "code"), [(100, 0), (99, 1)])
def test_a_large_run_that_shows_too_little_fails(times: int, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each situation that matters a hundred times, or the run says which was missed. The seeds are not run here."""
    reached = dict.fromkeys(RARE, 100) | {"outage": times}
    outcome = Outcome(
        seed=0,
        profile="default",
        breaches=(),
        parents=1,
        children=100_000,
        accepted=1,
        quarantined=0,
        virtual_s=1.0,
        steps=1,
        reached=reached,
        digest="",
    )
    ran = Ran(seed=0, again="", breaches=(), outcome=outcome, cpu_s=1.0)
    monkeypatch.setattr("router.simulate.many.run_seeds", lambda *_args, **_named: iter([ran]))
    done = CliRunner().invoke(app, ["simulate", "--children", "100000", "--json"])

    told = json.loads(done.stdout)
    assert (done.exit_code, told["seldom"]) == (code, {"outage": 99} if code else {})


@pytest.mark.parametrize("option", ["--profile", "--shell"])
def test_a_name_nobody_knows_is_refused(option: str) -> None:
    """With those there are."""
    done = CliRunner().invoke(app, ["simulate", option, "dead"])

    assert done.exit_code == 2
    assert f"{option[2:]}: dead is not one of" in done.stderr

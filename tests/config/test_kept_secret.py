"""A secret of our own is there whole or not at all: a start that dies must not keep the next one from starting."""

import os
import secrets
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from router.config.secrets import kept_secret

DIES = """
import os, signal, sys
from pathlib import Path
from router.config.secrets import kept_secret
kept_secret("a_key", Path(sys.argv[1]), lambda: os.kill(os.getpid(), signal.SIGKILL))
"""


def test_a_process_that_dies_while_it_makes_one_leaves_none(tmp_path: Path) -> None:
    """Seen in the campaign of kills: an empty file of that name, and no start ever again."""
    died = subprocess.run([sys.executable, "-c", DIES, str(tmp_path)], check=False)
    assert died.returncode == -signal.SIGKILL

    assert kept_secret("a_key", tmp_path, lambda: "made later").reveal() == "made later"


def test_whoever_is_quickest_makes_it_for_all(tmp_path: Path) -> None:
    """Nobody reads another's half of a file, and all have the same."""
    for number in range(20):
        with ThreadPoolExecutor(8) as pool:
            names = [f"key_{number}"] * 8
            made = list(pool.map(lambda name: kept_secret(name, tmp_path, secrets.token_hex).reveal(), names))
        assert len(set(made)) == 1

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"key_{number}" for number in range(20))
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())


def test_a_disk_without_links_keeps_one_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems know no second name for a file."""

    def link(_source: object, _target: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)

    assert kept_secret("a_key", tmp_path, lambda: "made").reveal() == "made"
    assert kept_secret("a_key", tmp_path, lambda: "again").reveal() == "made"
    assert [path.name for path in tmp_path.iterdir()] == ["a_key"]

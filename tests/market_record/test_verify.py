"""`sor verify` walks both chains."""

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from router.cli.commands import app
from router.config import load
from tests.market_record.test_archive import filled


def test_a_block_that_was_changed_fails_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The journal is whole, and the exit code is 1 all the same; the sentence names the block."""
    monkeypatch.chdir(tmp_path)
    url = load(None).database_url

    async def fill() -> None:
        async with filled(url):
            pass

    asyncio.run(fill())
    whole = CliRunner().invoke(app, ["verify", "--json"])
    with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
        database.execute("UPDATE market_block SET last_ns = last_ns - 1 WHERE seq = 7")
    broken = CliRunner().invoke(app, ["verify"])

    assert (whole.exit_code, json.loads(whole.stdout)["market_record"]["blocks"]) == (0, 12)
    assert broken.exit_code == 1
    assert "journal verified" in broken.stdout
    assert "block 7" in broken.stdout

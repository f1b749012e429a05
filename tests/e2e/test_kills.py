"""The campaign of kills, whole: see `tests.e2e.kills`."""

import secrets
from pathlib import Path

import asyncpg
import pytest

from tests.e2e.kills import PROTOCOLS, Tally, cases, play

_KILLS_LEAST = 36
_TWICE_LEAST = 8
"""Per protocol and database: 14 of them come to 500 kills and 100 double ones, whatever moments never came."""


async def test_a_slice(tmp_path: Path) -> None:
    """One case by day, a restart killed too: `tests.e2e.test_kill` has more, of the three protocols of the demo."""
    told = await play(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}", cases("okx", seed=20_261_120)[-1])
    assert told.kills > 0


@pytest.mark.nightly
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_killed_at_every_step_at_random_and_twice(tmp_path: Path, database_url: str, protocol: str) -> None:
    """Whatever the moment, the same command again ends the order as the venues' own record says: once, and whole."""
    told = Tally()
    for number, case in enumerate(cases(protocol)):
        folder = tmp_path / secrets.token_hex(4)
        folder.mkdir()
        url = f"sqlite:///{folder / 'sor.db'}" if database_url.startswith("sqlite") else database_url
        await _empty(url)
        try:
            told.add(await play(folder, url, case))
        except AssertionError as error:
            raise AssertionError(f"case {number}: {case}") from error
    assert told.kills >= _KILLS_LEAST, told.told()
    assert told.twice >= _TWICE_LEAST, told.told()


async def _empty(url: str) -> None:
    """The same database for every case on a server: making one takes longer than a case needs."""
    if url.startswith("sqlite"):
        return
    server = await asyncpg.connect(url)
    try:
        await server.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    finally:
        await server.close()

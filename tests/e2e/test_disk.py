"""The disk is full, or the server that holds the journal is gone: nothing leaves that is not written down."""

import asyncio
import resource
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from router.app.exits import ExitCode
from tests.conftest import POSTGRES_URL
from tests.e2e.desk import DONE, assert_done_once, desk_at
from tests.store.cluster import cluster_of_ones_own
from tests.waiting import eventually

_NO_ROOM_BYTES = (0, 60_000)
"""What a file of the process may grow to: every write beyond fails, as on a full disk. At 0 no log can be written."""


@pytest.mark.nightly
@pytest.mark.parametrize("room_bytes", _NO_ROOM_BYTES)
async def test_a_full_disk_stops_the_driver_and_room_lets_it_go_on(tmp_path: Path, room_bytes: int) -> None:
    """It ends with its code, and a sentence where that can be written; the next run does the rest, once."""
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}") as desk:
        driver = desk.sor("serve", "serve")
        await eventually(lambda: driver.err.exists() and "gate opened" in driver.err.read_text())
        assert driver.process.pid is not None
        resource.prlimit(driver.process.pid, resource.RLIMIT_FSIZE, (room_bytes, resource.RLIM_INFINITY))
        asked = desk.sor("submit", "submit", "--order", str(desk.order()))
        assert await asked.ended() == ExitCode.OK
        assert await driver.ended() == ExitCode.FAILED, driver.said()
        assert "Traceback" not in driver.said()
        assert room_bytes == 0 or "disk" in driver.said(), driver.said()
        last = desk.execute("last", desk.order())
        assert await last.ended() in DONE, last.said()
        await assert_done_once(desk)


@pytest.mark.nightly
@pytest.mark.postgres
@pytest.mark.parametrize("away_s", [0.5, 8.0])
async def test_the_server_goes_away_and_comes_back(tmp_path: Path, postgres_url: str, away_s: float) -> None:
    """In the middle of an order every connection is ended and none is let in; then the same command again."""
    async with desk_at(tmp_path, postgres_url) as desk:
        run = desk.execute("first", desk.order())
        await eventually(lambda: _sent(desk.control), every_s=0.005)
        await _away(postgres_url, away_s)
        code = await run.ended()
        assert code in {*DONE, ExitCode.FAILED, ExitCode.IN_DOUBT}, run.said()
        assert "Traceback" not in run.said()
        last = desk.execute("last", desk.order())
        assert await last.ended() in DONE, last.said()
        await assert_done_once(desk)


@pytest.mark.nightly
@pytest.mark.postgres
@pytest.mark.timeout(300)
@pytest.mark.parametrize("away_s", [0.0, 8.0])
async def test_the_server_is_killed_and_started_again(tmp_path: Path, away_s: float) -> None:
    """`kill -9` of all of its processes in the middle of an order: nothing is lost, nothing is sent twice."""
    with cluster_of_ones_own() as cluster:
        async with desk_at(tmp_path, cluster.url) as desk:
            run = desk.execute("first", desk.order())
            await eventually(lambda: _sent(desk.control), every_s=0.002)
            await asyncio.to_thread(cluster.kill)
            await asyncio.sleep(away_s)
            await asyncio.to_thread(cluster.start)
            code = await run.ended()
            assert code in {*DONE, ExitCode.FAILED, ExitCode.IN_DOUBT}, run.said()
            assert "Traceback" not in run.said()
            assert code in DONE or any(word in run.said() for word in ("database", "connect")), run.said()
            last = desk.execute("last", desk.order())
            assert await last.ended() in DONE, last.said()
            await assert_done_once(desk)


async def _sent(control: object) -> bool:
    return bool(await control.orders("kraken"))  # type: ignore[attr-defined]


async def _away(url: str, away_s: float) -> None:
    """The database is there, and nobody may come in."""
    name = urlsplit(url).path.removeprefix("/")
    server = await asyncpg.connect(POSTGRES_URL)
    try:
        await server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await server.fetch("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        await asyncio.sleep(away_s)
        await server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    finally:
        await server.close()

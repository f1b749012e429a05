"""A database from before: the venues know more than it does, and that is what the order ends with."""

import json
import shutil
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from router.app.exits import ExitCode
from router.model.facts import ChildAdopted
from router.store import open_store
from tests.e2e.desk import DONE, assert_done_once, desk_at, printed
from tests.e2e.runner import Moment, Point

KILLED = -signal.SIGKILL


def back_up(folder: Path, backup: Path) -> None:
    backup.mkdir()
    for part in folder.glob("sor.db*"):
        shutil.copy(part, backup / part.name)


def put_back(folder: Path, backup: Path) -> None:
    for part in folder.glob("sor.db*"):
        part.unlink()
    for part in backup.iterdir():
        shutil.copy(part, folder / part.name)


@pytest.mark.nightly
@pytest.mark.parametrize("moment", [Moment(Point.AFTER_FILL, 1), Moment(Point.AFTER_SEND, 4)], ids=str)
async def test_a_backup_from_half_way_ends_with_the_venues_truth(tmp_path: Path, moment: Moment) -> None:
    """Killed half-way and copied; gone on to the end; the copy put back: nothing twice, no id used twice."""
    file = tmp_path / "sor.db"
    async with desk_at(tmp_path, f"sqlite:///{file}") as desk:
        order = desk.order()
        first = desk.execute("first", order, moment=moment)
        assert await first.ended() == KILLED, first.said()
        since = datetime.now(UTC).isoformat()
        back_up(tmp_path, tmp_path / "backup")
        ended = desk.execute("ended", order)
        assert await ended.ended() in DONE, ended.said()
        put_back(tmp_path, tmp_path / "backup")

        said = desk.sor("restored", "restored", "--since", since, "--json")
        assert await said.ended() == ExitCode.OK, said.said()
        assert json.loads(said.out.read_text())["incarnation"] == 2
        again = desk.execute("again", order, wait_s=60)
        assert await again.ended() in DONE, again.said()

        await assert_done_once(desk)
        assert printed(again)["filled"] == printed(ended)["filled"]
        store = await open_store(desk.database_url, "lab")
        rows = await store.read(0, 100_000)
        await store.close()
        assert any(isinstance(fact, ChildAdopted) for row in rows for fact in row.row.facts)
        replayed = desk.sor("replay", "replay")
        assert await replayed.ended() == ExitCode.OK, replayed.said()

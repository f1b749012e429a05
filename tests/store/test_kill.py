"""kill -9 in the middle of writing: what was acknowledged is there, what is there is whole."""

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

import pytest

from router.store import open_store
from router.store.audit import audit
from tests.store.conftest import Opener

ROOT = Path(__file__).resolve().parents[2]
KILLS = 4


@pytest.mark.timeout(120)
async def test_killed_writers_leave_a_clean_journal(database_url: str, opened: Opener):
    """One after another writes and is killed at a random moment; each goes on where the journal ends."""
    chance = random.Random(20261120)
    acknowledged = 0
    for turn in range(KILLS):
        acknowledged = await _write_until_killed(database_url, f"writer {turn}", chance) or acknowledged
        reader = await opened()
        found = await audit(reader)

        assert found.breaks == ()
        assert found.rows >= acknowledged
    assert acknowledged > KILLS


async def test_a_full_disk_stops_the_writer(tmp_path: Path):
    """COMMIT fails: it is not believed, not repeated, and the journal is clean up to there."""
    url = f"sqlite:///{tmp_path / 'sor.db'}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.store.filling_process", url),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    acknowledged, first, second = out.split()

    assert (first, second) == (b"AppendUnclear", b"AppendLost")
    store = await open_store(url, "lab")
    try:
        found = await audit(store)
        assert found.clean
        assert found.rows >= int(acknowledged) > 10
    finally:
        await store.close()


async def _write_until_killed(url: str, holder: str, chance: random.Random) -> int:
    """Let a process write, kill it a moment after some acknowledgement; the last one it gave."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.store.writing_process",
        url,
        holder,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    last = 0
    for _ in range(chance.randint(3, 30)):
        last = int(await process.stdout.readline())
    await asyncio.sleep(chance.uniform(0, 0.004))
    process.send_signal(signal.SIGKILL)
    rest, _ = await process.communicate()
    lines = [line for line in rest.split(b"\n")[:-1] if line]
    return int(lines[-1]) if lines else last

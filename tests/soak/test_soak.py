"""Half an hour of work under moderate faults: nothing grows that should not, and no doubt is forgotten."""

from pathlib import Path

import pytest

from tests.soak.soak import DOUBT_MS_MAX, soak

MINUTES = 30
_TASKS_GROWN_MOST = 1.2
_FILES_GROWN_MOST = 1.2
_MEMORY_GROWN_MOST = 1.15
"""Orders leave memory soon after their end; a leak on every message would be far beyond this."""


@pytest.mark.nightly
@pytest.mark.timeout(MINUTES * 60 + 600)
async def test_half_an_hour_of_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both sides agree in the end; memory, files and tasks of the last quarter are those of the second."""
    found = await soak(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}", MINUTES)
    with capsys.disabled():
        print(found.told())
    assert found.faults_fired > MINUTES, found.told()
    assert max(found.doubts_ms) < DOUBT_MS_MAX, found.told()
    assert found.grown("rss") < _MEMORY_GROWN_MOST, found.told()
    assert found.grown("files") < _FILES_GROWN_MOST, found.told()
    assert found.grown("tasks") < _TASKS_GROWN_MOST, found.told()
    assert found.grown("threads") <= 1, found.told()

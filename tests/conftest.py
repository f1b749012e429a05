"""What all tests share: databases to run on, and the places where recorded venue data may lie."""

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import settings

POSTGRES_URL = os.environ.get("SOR_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
POSTGRES_REQUIRED = os.environ.get("SOR_REQUIRE_POSTGRES", "") not in {"", "0"}
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The URL of a PostgreSQL server that answers. Without one the test is skipped, or fails where one is required."""
    why = asyncio.run(_unreachable(POSTGRES_URL))
    if why is None:
        return POSTGRES_URL
    sentence = f"no PostgreSQL at SOR_TEST_POSTGRES_URL ({why})"
    if POSTGRES_REQUIRED:
        pytest.fail(f"{sentence}, and SOR_REQUIRE_POSTGRES is set")
    pytest.skip(sentence)


async def _unreachable(url: str) -> str | None:
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        return type(error).__name__
    await connection.close()
    return None


@pytest.fixture
async def postgres_url(postgres_server: str) -> AsyncIterator[str]:
    """The URL of an empty database of one's own, dropped afterwards."""
    name = f"sor_test_{secrets.token_hex(6)}"
    await _run(postgres_server, f'CREATE DATABASE "{name}"')
    try:
        yield f"{postgres_server.rpartition('/')[0]}/{name}"
    finally:
        await _run(postgres_server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def _run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database: every test that asks for it runs on both kinds."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'sor.db'}"


@pytest.fixture(scope="session")
def recorded_data() -> Path:
    """The folder of recorded venue payloads and tapes: `SOR_DATA_DIR`, else `../shared/data` beside the checkout."""
    folder = Path(os.environ.get("SOR_DATA_DIR", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no recorded venue data: set SOR_DATA_DIR to the folder that holds it")
    return folder


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own SOR_ variables do not change what a test sees."""
    for name in list(os.environ):
        if name.startswith("SOR_") and name not in {"SOR_DATA_DIR", "SOR_REQUIRE_POSTGRES", "SOR_TEST_POSTGRES_URL"}:
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _library_loggers_as_they_were() -> Iterator[None]:
    """Opening a log points the root logger elsewhere; the next test gets it back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


# Shared machines pause; a deadline would make the clock part of the verdict.
settings.register_profile("sor", deadline=None, print_blob=True)
settings.load_profile("sor")

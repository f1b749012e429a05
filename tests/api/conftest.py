"""One lab and one driver for all tests here: each works on its own orders."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.api.rig import Office, office


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with office(tmp_path_factory.mktemp("desk")) as made:
        yield made

"""Volume curves in the database: there for ever as they were."""

import pytest

from router.model.errors import BadInput, WrongStore
from router.model.ids import Nanos
from tests.store.conftest import Opener, Sql


async def test_a_curve_is_kept_once(opened: Opener, sql: Sql):
    """The same again changes nothing; another under its name and day is refused; a changed one is not given out."""
    store, other = await opened(), await opened()
    assert await store.curve("btc", "2026-01-31") is None
    assert await store.keep_curve("btc", "2026-01-31", "one", Nanos(1))
    assert not await other.keep_curve("btc", "2026-01-31", "one", Nanos(2))
    with pytest.raises(BadInput, match="none is changed"):
        await other.keep_curve("btc", "2026-01-31", "two", Nanos(3))
    assert await other.keep_curve("btc", "2026-02-28", "two", Nanos(4))
    assert await other.keep_curve("abc", "2026-01-31", "three", Nanos(5))

    assert await store.curve("btc", "2026-01-31") == "one"
    assert await store.curves() == ("three", "two", "one")
    await sql("UPDATE volume_curve SET body = 'four' WHERE body = 'two'")
    with pytest.raises(WrongStore, match="digest does not fit"):
        await store.curve("btc", "2026-02-28")

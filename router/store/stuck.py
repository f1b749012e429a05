"""Throws out of a server the sessions whose processes stand still while others wait for the locks they hold.

`idle_in_transaction_session_timeout` ends who stops *between* two statements. Who stops *within* one (it was prepared
and its parameters never came, or a part of many rows did) is busy to the server, which waits for the rest for ever.
Such a session is told by three things together: one of ours waits for a lock of it, it waits for its own client, and
it has for `STUCK_S`. Ending it undoes its transaction; the process, if it ever wakes, finds its connection gone and
takes the same way as after any lost server.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from router.model.errors import StoreUnavailable
from router.store.dialect import Sql

STUCK_S = 3
EVERY_S = 1.0

_END_STUCK = Sql(f"""
    SELECT pg_terminate_backend(holder.pid)
    FROM pg_stat_activity AS waiting, unnest(pg_blocking_pids(waiting.pid)) AS blocking (pid),
        pg_stat_activity AS holder
    WHERE waiting.datname = current_database() AND waiting.application_name = 'sor' AND waiting.wait_event_type = 'Lock'
      AND holder.pid = blocking.pid AND holder.datname = current_database() AND holder.application_name = 'sor'
      AND holder.wait_event = 'ClientRead'
      AND holder.state_change < clock_timestamp() - INTERVAL '{STUCK_S} seconds'
""")  # noqa: S608 - a constant number


async def throw_out_for_ever(read: Callable[[Sql], Awaitable[object]]) -> None:
    """Look every second. A server that cannot be asked now holds nobody up that could be helped."""
    while True:
        await asyncio.sleep(EVERY_S)
        with suppress(StoreUnavailable):
            await read(_END_STUCK)

"""A process whose files may not grow, as on a full disk: it appends until it cannot. Run by test_kill.py."""

import asyncio
import resource
import sys
import time
from itertools import count

from router.model.errors import SorError
from router.store import open_store
from tests.store.makers import intended, row

LIMIT_BYTES = 1_000_000


async def main(url: str) -> None:
    store = await open_store(url, "lab")
    assert await store.take_lease("filler", 60_000) is not None
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, LIMIT_BYTES))
    try:
        for number in count(1):
            await store.append([row(intended(number), at_ns=time.time_ns())])
    except SorError as error:
        print(store.last_seq, type(error).__name__)
    try:
        await store.append([row(at_ns=time.time_ns())])
    except SorError as error:
        print(type(error).__name__)


asyncio.run(main(sys.argv[1]))

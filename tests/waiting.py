"""Waiting for a fact instead of sleeping for a time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(probe: Callable[[], T | Awaitable[T]], *, within_s: float = 20.0, every_s: float = 0.02) -> T:
    """Ask until the answer is true and return it; fail, naming the last answer, when it never is.

    `within_s` only bounds how long a broken run takes. It is no statement about speed.
    """
    gives_up = time.monotonic() + within_s
    while True:
        answer = probe()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        if time.monotonic() > gives_up:
            raise AssertionError(f"not so within {within_s} s; last answer: {answer!r}")
        await asyncio.sleep(every_s)

"""What a running driver shows of itself on loopback, for commands that are better with it and do without."""

from typing import Any

import aiohttp

from router.config import Config

_ASK_S = 1.0
Json = dict[str, Any]


async def books_shown(config: Config) -> dict[str, Json] | None:
    """Age in ms and reason of every book, by listing; None where nobody shows any."""
    status = config.status
    if not status.port:
        return None
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ASK_S)) as session,
            session.get(f"http://{status.host}:{status.port}/") as answer,
        ):
            answer.raise_for_status()
            found = await answer.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
    if not isinstance(found, dict) or found.get("deployment") != config.deployment:
        return None  # somebody else's page on our port
    books = found.get("books")
    return books if isinstance(books, dict) else None

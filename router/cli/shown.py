"""What a running driver shows of itself on loopback, for commands that are better with it and do without."""

from typing import Any

import aiohttp

from router.config import Config

_ASK_S = 1.0
Json = dict[str, Any]


async def driver_shown(config: Config) -> Json | None:
    """`books`: age in ms and reason of each, by listing; `streams`: what was odd, by account. None: nobody drives."""
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
    if not isinstance(found.get("books"), dict):
        return None
    return {"books": found["books"], "streams": found.get("streams", {})}

"""Our order id as each venue spells it, and back. Pure functions: nothing to look up, nothing to store (DESIGN D5)."""

import re
from collections.abc import Callable
from uuid import UUID

from router.model.ids import ClientOrderId

_HEX = re.compile(r"[0-9a-f]{32}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

Decode = Callable[[str | None], ClientOrderId | None]


def as_hex(client_id: ClientOrderId) -> str:
    """32 hex digits: binance (at most 36 of a wide charset), kraken's short UUID (RELIABILITY §3.1)."""
    return str(client_id)


def from_hex(text: str | None) -> ClientOrderId | None:
    """The inverse; None for an id that is not in our form."""
    return ClientOrderId(text) if text is not None and _HEX.fullmatch(text) else None


def as_uuid(client_id: ClientOrderId) -> str:
    """36 characters with hyphens: kraken's long UUID, coinbase."""
    return str(UUID(hex=client_id))


def from_uuid(text: str | None) -> ClientOrderId | None:
    """The inverse; None for an id that is not in our form."""
    return ClientOrderId(text.replace("-", "")) if text is not None and _UUID.fullmatch(text) else None

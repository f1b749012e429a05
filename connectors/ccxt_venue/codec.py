"""Our order id as each venue spells it, and back. Pure functions: nothing to look up, nothing to store (D5)."""

import base64
import re
from uuid import UUID

from router.model.ids import ClientOrderId

_GATE = re.compile(r"t-[a-z2-7]{26}")
_HEX = re.compile(r"[0-9a-f]{32}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def as_hex(client_id: ClientOrderId) -> str:
    """32 hex digits: binance (at most 36 of a wide charset), kraken's short UUID."""
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


def as_gate(client_id: ClientOrderId) -> str:
    """`t-` and 26 characters of lower-case base32: gate's `text` takes 28 in all."""
    return "t-" + base64.b32encode(bytes.fromhex(client_id)).decode().rstrip("=").lower()


def from_gate(text: str | None) -> ClientOrderId | None:
    """The inverse; None for an id that is not in our form."""
    if text is None or not _GATE.fullmatch(text):
        return None
    client_id = ClientOrderId(base64.b32decode(text[2:].upper() + "======").hex())
    return client_id if as_gate(client_id) == text else None  # the last character has two bits to spare


def as_int45(client_id: ClientOrderId) -> str:
    """The last 45 bits, as digits: bitfinex's `cid`. Not unique by itself and without an inverse: see `bitfinex`."""
    return str(int(client_id, 16) % 2**45)

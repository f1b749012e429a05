"""Who sent a Kraken REST call: API-Key, API-Sign (HMAC-SHA512) and a nonce that must grow with every call of a key."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from urllib.parse import parse_qsl

from connectors.lab.http import ApiKey

INVALID_KEY = "EAPI:Invalid key"
INVALID_SIGNATURE = "EAPI:Invalid signature"
INVALID_NONCE = "EAPI:Invalid nonce"


def signature(secret: str, path: str, nonce: str, body: str) -> str:
    """API-Sign: HMAC-SHA512, keyed with the decoded secret, of the path and SHA-256(nonce + body), in base64."""
    message = path.encode() + hashlib.sha256((nonce + body).encode()).digest()
    return base64.b64encode(hmac.new(base64.b64decode(secret), message, hashlib.sha512).digest()).decode()


def parse_body(body: str, content_type: str) -> dict[str, str]:
    """The call's fields: form by default, JSON when it says so. An unreadable body has none."""
    if not content_type.startswith("application/json"):
        return dict(parse_qsl(body, keep_blank_values=True))
    try:
        fields = json.loads(body)
    except ValueError:
        return {}
    if not isinstance(fields, dict):
        return {}
    return {str(key): value if isinstance(value, str) else json.dumps(value) for key, value in fields.items()}


class Gatekeeper:
    """Checks calls against the keys that are good now, and remembers each key's last nonce."""

    def __init__(self, keys: Mapping[str, ApiKey]) -> None:
        self._keys = keys
        self._last_nonce: dict[str, int] = {}
        self._let_in: set[tuple[str, str]] = set()

    def refuse(self, path: str, body: str, headers: Mapping[str, str], fields: Mapping[str, str]) -> str | None:
        """Kraken's error for this call, or None to let it in. Only a call with a valid signature uses up its nonce."""
        key, nonce = headers.get("API-Key", ""), fields.get("nonce", "")
        if (key, nonce) in self._let_in:
            self._let_in.remove((key, nonce))
            return None
        known = self._keys.get(key)
        if known is None:
            return INVALID_KEY
        if not _signed(known.secret, path, nonce, body, headers.get("API-Sign", "")):
            return INVALID_SIGNATURE
        if not nonce.isdigit() or int(nonce) <= self._last_nonce.get(key, -1):
            return INVALID_NONCE
        self._last_nonce[key] = int(nonce)
        return None

    def admit_early(self, path: str, body: str, headers: Mapping[str, str], fields: Mapping[str, str]) -> None:
        """Let a call in that reaches the engine only later: what comes in between does not make its nonce stale."""
        if self.refuse(path, body, headers, fields) is None:
            self._let_in.add((headers["API-Key"], fields["nonce"]))


def _signed(secret: str, path: str, nonce: str, body: str, given: str) -> bool:
    try:
        expected = signature(secret, path, nonce, body)
    except binascii.Error:
        return False
    return hmac.compare_digest(expected.encode(), given.encode())

"""Who asks Bitstamp: key, time stamp, a nonce used once, and an HMAC-SHA256 over all of it, the URL and the body."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import NoReturn

from connectors.lab.http import ApiKey, Ask, json_answer
from connectors.lab.venue import Refusal

_WINDOW_MS = 150_000
_PREFIX = "BITSTAMP "


def refuse(reason: object, *, code: str, status: int = 400) -> NoReturn:
    """Answer with the venue's error, nothing done. `reason` is a sentence, or sentences by field."""
    raise Refusal(json_answer({"status": "error", "reason": reason, "response_code": code}, status=status))


class Gatekeeper:
    """Checks calls against the keys the lab was started with; a nonce is good for one call within the window."""

    def __init__(self, keys: Mapping[str, ApiKey]) -> None:
        self._keys = keys
        self._seen: dict[tuple[str, str], int] = {}

    def admit(self, ask: Ask) -> ApiKey:
        """The key behind a private call, or the venue's refusal."""
        key = self._keys.get(ask.headers.get("X-Auth", "").removeprefix(_PREFIX))
        if key is None:
            _forbid("API0001", "API key not found")
        if not hmac.compare_digest(signature(key.secret, ask), ask.headers.get("X-Auth-Signature", "")):
            _forbid("API0005", "Invalid signature")
        self._check_fresh(key.key, ask)
        return key

    def _check_fresh(self, key: str, ask: Ask) -> None:
        now_ms = ask.now_ns // 1_000_000
        stamp, nonce = ask.headers.get("X-Auth-Timestamp", ""), ask.headers.get("X-Auth-Nonce", "")
        if not stamp.isdecimal() or abs(now_ms - int(stamp)) > _WINDOW_MS:
            _forbid("API0017", "X-Auth-Timestamp header is more than 150000 ms from current timestamp")
        self._seen = {known: at_ms for known, at_ms in self._seen.items() if now_ms - at_ms <= 2 * _WINDOW_MS}
        if not nonce or (key, nonce) in self._seen:
            _forbid("API0004", "Invalid nonce")
        self._seen[key, nonce] = now_ms


def signature(secret: str, ask: Ask) -> str:
    """Over host and path without the scheme at the real venue; a client of a lab leaves `http://` in, as it signs it.

    ccxt strips `https://` and nothing else.
    """
    path = f"{ask.path}?{ask.query_text}" if ask.query_text else ask.path
    parts = (
        ask.headers.get("X-Auth", ""),
        ask.method,
        f"http://{ask.headers.get('Host', '')}{path}",
        ask.headers.get("Content-Type", ""),
        ask.headers.get("X-Auth-Nonce", ""),
        ask.headers.get("X-Auth-Timestamp", ""),
        ask.headers.get("X-Auth-Version", ""),
        ask.body,
    )
    return hmac.new(secret.encode(), "".join(parts).encode(), hashlib.sha256).hexdigest()


def _forbid(code: str, reason: str) -> NoReturn:
    raise Refusal(json_answer({"status": "error", "reason": reason, "code": code}, status=403))

"""Who asks, and is the request fresh: key, passphrase, time, HMAC-SHA256; by REST headers or a socket login."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

from connectors.lab.http import ApiKey, Ask

_FRESH_NS = 30_000_000_000


def signature(secret: str, text: str) -> str:
    """HMAC-SHA256 in base64."""
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


def rest_trouble(ask: Ask, keys: Mapping[str, ApiKey]) -> tuple[str, str] | None:
    """(code, sentence) of the venue's refusal; None lets it in. Signed: time, method, path, query, body."""
    stamp = ask.headers.get("OK-ACCESS-TIMESTAMP", "")
    key = keys.get(ask.headers.get("OK-ACCESS-KEY", ""))
    if key is None:
        return "50111", "Invalid OK-ACCESS-KEY."
    at_ns = _nanoseconds(stamp)
    if at_ns is None:
        return "50112", "Invalid OK-ACCESS-TIMESTAMP."
    if abs(ask.now_ns - at_ns) > _FRESH_NS:
        return "50102", "Timestamp request expired."
    if ask.headers.get("OK-ACCESS-PASSPHRASE", "") != key.passphrase:
        return "50105", 'Request header "OK-ACCESS-PASSPHRASE" incorrect.'
    query = f"?{ask.query_text}" if ask.query_text else ""
    expected = signature(key.secret, f"{stamp}{ask.method}{ask.path}{query}{ask.body}")
    if not hmac.compare_digest(expected.encode(), ask.headers.get("OK-ACCESS-SIGN", "").encode()):
        return "50113", "Invalid signature."
    return None


def login_trouble(fields: Mapping[str, object], keys: Mapping[str, ApiKey], now_ns: int) -> tuple[str, str] | None:
    """The same for a socket's login, whose time stamp is in seconds."""
    key = keys.get(str(fields.get("apiKey")))
    stamp = str(fields.get("timestamp"))
    if key is None:
        return "60005", "Invalid apiKey"
    if not stamp.isdecimal():
        return "60004", "Invalid timestamp"
    if abs(now_ns - int(stamp) * 1_000_000_000) > _FRESH_NS:
        return "60006", "Timestamp request expired"
    if fields.get("passphrase") != key.passphrase:
        return "60024", "Wrong passphrase"
    expected = signature(key.secret, f"{stamp}GET/users/self/verify")
    if not hmac.compare_digest(expected.encode(), str(fields.get("sign")).encode()):
        return "60007", "Invalid sign"
    return None


def _nanoseconds(stamp: str) -> int | None:
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000

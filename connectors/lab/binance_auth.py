"""Who asks, and is the request fresh: API key, HMAC-SHA256 signature, `recvWindow`; with Binance's own refusals."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import NoReturn

from connectors.lab.http import ApiKey, Ask, json_answer
from connectors.lab.venue import Refusal

_DEFAULT_WINDOW_MS = 5_000
_WINDOW_MAX_MS = 60_000
_AHEAD_MS = 1_000


def refuse(code: int, text: str, status: int = 400) -> NoReturn:
    """Answer with a venue code, nothing done."""
    raise Refusal(json_answer({"code": code, "msg": text}, status=status))


def authenticated(ask: Ask, keys: Mapping[str, ApiKey]) -> ApiKey:
    """The key behind a signed REST request, which has to arrive inside its window; or the venue's refusal."""
    key = _known(ask.headers.get("X-MBX-APIKEY", ""), keys)
    signed, _, signature = (ask.body or ask.query_text).rpartition("&signature=")
    check_signature(key, signed, signature)
    check_window(ask.params, ask.now_ns)
    return key


def authenticated_socket(params: Mapping[str, object], keys: Mapping[str, ApiKey], now_ns: int) -> ApiKey:
    """The key behind a signed websocket request: its fields, sorted, are what is signed."""
    fields = {name: str(value) for name, value in params.items()}
    key = _known(fields.get("apiKey", ""), keys)
    signed = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "signature")
    check_signature(key, signed, fields.get("signature", ""))
    check_window(fields, now_ns)
    return key


def check_signature(key: ApiKey, signed: str, signature: str) -> None:
    """Refuse what was not signed with the key's secret."""
    expected = hmac.new(key.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        refuse(-1022, "Signature for this request is not valid.")


def check_window(fields: Mapping[str, str], now_ns: int) -> None:
    """Refuse what arrives at the engine after its window, or from the future."""
    try:
        timestamp_ms = int(fields["timestamp"])
        window_ms = int(float(fields.get("recvWindow", _DEFAULT_WINDOW_MS)))
    except (KeyError, ValueError):
        refuse(-1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.")
    if window_ms > _WINDOW_MAX_MS:
        refuse(-1131, "recvWindow must be less than 60000")
    now_ms = now_ns // 1_000_000
    if timestamp_ms >= now_ms + _AHEAD_MS:
        refuse(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - timestamp_ms > window_ms:
        refuse(-1021, "Timestamp for this request is outside of the recvWindow.")


def _known(name: str, keys: Mapping[str, ApiKey]) -> ApiKey:
    key = keys.get(name)
    if key is None:
        refuse(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
    return key

"""Who asks, and is the request fresh: Bybit's four headers, the websocket's `auth`, and Bybit's own refusals."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import NoReturn

from connectors.lab.bybit_render import millis
from connectors.lab.http import Answer, ApiKey, Ask, json_answer
from connectors.lab.venue import Refusal

_AHEAD_MS = 1_000


def envelope(code: int, text: str, result: object, now_ns: int) -> Answer:
    """Whatever it says, Bybit says it like this, and nearly always under HTTP 200."""
    return json_answer(
        {"retCode": code, "retMsg": text, "result": result, "retExtInfo": {}, "time": millis(now_ns)},
    )


def refuse(code: int, text: str, now_ns: int) -> NoReturn:
    """Answer with a venue code, nothing done."""
    raise Refusal(envelope(code, text, {}, now_ns))


def authenticated(ask: Ask, keys: Mapping[str, ApiKey]) -> ApiKey:
    """The key behind a signed request, which has to arrive at the gateway inside its window; or a refusal."""
    headers = {name.lower(): value for name, value in ask.headers.items()}
    key = keys.get(headers.get("x-bapi-api-key", ""))
    if key is None:
        refuse(10003, "API key is invalid.", ask.now_ns)
    stamp, window = headers.get("x-bapi-timestamp", ""), headers.get("x-bapi-recv-window", "5000")
    if not stamp.isdecimal() or not window.isdecimal():
        refuse(10001, "Request parameter error.", ask.now_ns)
    signed = f"{stamp}{key.key}{window}{ask.body if ask.method == 'POST' else ask.query_text}"
    if not hmac.compare_digest(_sign(key, signed), headers.get("x-bapi-sign", "")):
        refuse(10004, "Error sign, please check your signature generation algorithm.", ask.now_ns)
    now_ms = millis(ask.now_ns)
    if not now_ms - int(window) <= int(stamp) < now_ms + _AHEAD_MS:
        text = (
            "invalid request, please check your server timestamp or recv_window param. "
            f"req_timestamp[{stamp}],server_timestamp[{now_ms}],recv_window[{window}]"
        )
        refuse(10002, text, ask.now_ns)
    return key


def authenticated_socket(args: object, keys: Mapping[str, ApiKey], now_ns: int) -> ApiKey | None:
    """The key behind [key, expires, signature]; None when they do not fit or have expired."""
    if not isinstance(args, list) or [type(each) for each in args[1:]] not in ([str, str], [int, str]):
        return None
    key, expires = keys.get(str(args[0])), str(args[1])
    if key is None or not expires.isdecimal() or int(expires) <= millis(now_ns):
        return None
    return key if hmac.compare_digest(_sign(key, f"GET/realtime{expires}"), str(args[2])) else None


def _sign(key: ApiKey, text: str) -> str:
    return hmac.new(key.secret.encode(), text.encode(), hashlib.sha256).hexdigest()

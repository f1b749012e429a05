"""Who asks Gemini: a base64 payload in a header, signed with HMAC-SHA384; its nonce grows with every call of a key."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import NoReturn

from connectors.lab.http import ApiKey, Ask, json_answer
from connectors.lab.venue import Refusal

Payload = Mapping[str, object]


def refuse(reason: str, message: str, status: int = 400) -> NoReturn:
    """Answer with a venue reason, nothing done."""
    raise Refusal(json_answer({"result": "error", "reason": reason, "message": message}, status=status))


class Gatekeeper:
    """Checks calls and handshakes against the keys the lab was started with; remembers each key's last nonce."""

    def __init__(self, keys: Mapping[str, ApiKey]) -> None:
        self._keys = keys
        self._last_nonce: dict[str, int] = {}
        self._let_in: set[tuple[str, int]] = set()

    def admit(self, ask: Ask) -> tuple[ApiKey, Payload]:
        """The key behind a request and what it says, or the venue's refusal."""
        key, payload, nonce = self._read(ask)
        if (key.key, nonce) in self._let_in:
            self._let_in.remove((key.key, nonce))
            return key, payload
        if nonce <= self._last_nonce.get(key.key, -1):
            refuse("InvalidNonce", f"Nonce '{nonce}' has not increased since your last call to the Gemini API.")
        self._last_nonce[key.key] = nonce
        return key, payload

    def admit_early(self, ask: Ask) -> None:
        """Let a call in that reaches the engine only later: what comes in between does not make its nonce stale."""
        key, _ = self.admit(ask)
        self._let_in.add((key.key, self._read(ask)[2]))

    def _read(self, ask: Ask) -> tuple[ApiKey, Payload, int]:
        key = self._keys.get(ask.headers.get("X-GEMINI-APIKEY", ""))
        if key is None:
            refuse("InvalidSignature", "InvalidSignature")  # the venue tells a stranger no more than that
        text = ask.headers.get("X-GEMINI-PAYLOAD", "")
        expected = hmac.new(key.secret.encode(), text.encode(), hashlib.sha384).hexdigest()
        if not hmac.compare_digest(expected.encode(), ask.headers.get("X-GEMINI-SIGNATURE", "").encode()):
            refuse("InvalidSignature", "InvalidSignature")
        try:
            payload = json.loads(base64.b64decode(text))
        except (binascii.Error, ValueError):
            payload = None
        if not isinstance(payload, dict):
            refuse("InvalidJson", "The payload is not a JSON object.")
        if payload.get("request") != ask.path:
            refuse("EndpointMismatch", "EndpointMismatch")
        nonce = str(payload.get("nonce", ""))
        if not nonce.isdecimal():
            refuse("InvalidNonce", "Nonce is not a number.")
        return key, payload, int(nonce)

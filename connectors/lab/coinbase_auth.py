"""Who sent a Coinbase call: an ES256 token (cloud key), an EdDSA token (88-character secret) or the older HMAC headers.

Which one is used follows from the secret, as in ccxt. A PEM secret makes ES256 tokens; a secret of 88 characters, or
one that ends in '=', is an Ed25519 seed and makes EdDSA tokens for REST and HMAC for the websocket; any other makes
HMAC for both.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from connectors.lab.http import ApiKey

TOKEN_SECONDS = 120
CLOCK_SECONDS = 30

_EDDSA_SECRET_LENGTH = 88
_ES256_BYTES = 64


class _Verifier(Protocol):
    def __call__(self, signature: bytes, message: bytes) -> bool: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """What a REST signature covers. `query` starts with its question mark, if there is one."""

    method: str
    host: str
    path: str
    query: str
    body: str
    headers: Mapping[str, str]


class Gatekeeper:
    """Checks calls and subscriptions against the keys that are good now."""

    def __init__(self, keys: Mapping[str, ApiKey]) -> None:
        self._keys = keys

    def caller(self, call: Call, now_ns: int) -> str | None:
        """The key whose signature this call carries; None when it carries no valid one."""
        authorization = call.headers.get("Authorization", "")
        if authorization.startswith("Bearer "):
            return self._token_holder(
                authorization.removeprefix("Bearer "), now_ns, f"{call.method} {call.host}{call.path}"
            )
        key, stamp = call.headers.get("CB-ACCESS-KEY", ""), call.headers.get("CB-ACCESS-TIMESTAMP", "")
        # The older scheme signs the bare path in v3 and the query too in v2.
        payloads = {call.body, call.query}
        texts = [f"{stamp}{call.method}{call.path}{payload}" for payload in payloads]
        return self._hmac_holder(key, stamp, texts, call.headers.get("CB-ACCESS-SIGN", ""), now_ns)

    def subscriber(self, frame: Mapping[str, object], now_ns: int) -> str | None:
        """The key whose signature a subscription carries; None when it carries no valid one."""
        token = frame.get("jwt")
        if isinstance(token, str):
            return self._token_holder(token, now_ns, None)
        products = frame.get("product_ids")
        named = ",".join(str(product) for product in products) if isinstance(products, list) else ""
        key, stamp = str(frame.get("api_key", "")), str(frame.get("timestamp", ""))
        text = f"{stamp}{frame.get('channel', '')}{named}"
        return self._hmac_holder(key, stamp, [text], str(frame.get("signature", "")), now_ns)

    def _token_holder(self, token: str, now_ns: int, uri: str | None) -> str | None:
        """The holder of a valid token, which names the call it is for unless it is for the websocket."""
        try:
            head, claims, signature = _token_parts(token)
        except (ValueError, binascii.Error):
            return None
        key = head.get("kid")
        known = self._keys.get(key) if isinstance(key, str) else None
        verify = None if known is None else _token_verifier(known.secret)
        if verify is None or claims.get("sub") != key or not _in_time(claims, now_ns):
            return None
        if not verify(signature, token.rpartition(".")[0].encode()):
            return None
        if uri is not None and uri not in _uris(claims):
            return None
        return str(key)

    def _hmac_holder(self, key: str, stamp: str, texts: Sequence[str], given: str, now_ns: int) -> str | None:
        known = self._keys.get(key)
        if known is None or key.startswith("organizations/") or not stamp.isdigit():
            return None
        if abs(now_ns // 1_000_000_000 - int(stamp)) > CLOCK_SECONDS:
            return None
        expected = [hmac.new(known.secret.encode(), text.encode(), hashlib.sha256).hexdigest() for text in texts]
        return key if any(hmac.compare_digest(one.encode(), given.encode()) for one in expected) else None


@cache
def _token_verifier(secret: str) -> _Verifier | None:
    """How tokens of this secret are checked; None for a secret that makes none."""
    if secret.startswith("-----BEGIN"):
        return _es256_verifier(secret)
    if len(secret) == _EDDSA_SECRET_LENGTH or secret.endswith("="):
        return _eddsa_verifier(secret)
    return None


def _es256_verifier(pem: str) -> _Verifier:
    """From the public key, or from the private one, whichever the lab was given."""
    if "PRIVATE" in pem:
        private = serialization.load_pem_private_key(pem.encode(), password=None)
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        public = private.public_key()
    else:
        loaded = serialization.load_pem_public_key(pem.encode())
        assert isinstance(loaded, ec.EllipticCurvePublicKey)
        public = loaded

    def verify(signature: bytes, message: bytes) -> bool:
        if len(signature) != _ES256_BYTES:
            return False
        r, s = (int.from_bytes(half) for half in (signature[:32], signature[32:]))
        try:
            public.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    return verify


def _eddsa_verifier(secret: str) -> _Verifier:
    public = ed25519.Ed25519PrivateKey.from_private_bytes(base64.b64decode(secret)[:32]).public_key()

    def verify(signature: bytes, message: bytes) -> bool:
        try:
            public.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return verify


def _token_parts(token: str) -> tuple[dict[str, object], dict[str, object], bytes]:
    head, claims, signature = token.split(".")
    parsed = [json.loads(_unbase64(part)) for part in (head, claims)]
    if not all(isinstance(part, dict) for part in parsed):
        raise ValueError("not a token")
    return parsed[0], parsed[1], _unbase64(signature)


def _in_time(claims: Mapping[str, object], now_ns: int) -> bool:
    starts, ends, now = claims.get("nbf"), claims.get("exp"), now_ns // 1_000_000_000
    if not isinstance(starts, int) or not isinstance(ends, int):
        return False
    return starts - CLOCK_SECONDS <= now <= ends and ends - starts <= TOKEN_SECONDS


def _uris(claims: Mapping[str, object]) -> set[str]:
    """The calls a token is for. The venue's are https; ccxt leaves another scheme standing in the claim."""
    many = claims.get("uris")
    named = [claims.get("uri"), *(many if isinstance(many, list) else [])]
    return {str(uri).replace("http://", "") for uri in named if uri is not None}


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

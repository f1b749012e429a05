"""Passwords and second factors. A check takes as long for a name that is not there as for one that is."""

import asyncio
import base64
import hashlib
from functools import cache

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.fernet import Fernet

from router.model.errors import BadInput

LENGTH_MIN, LENGTH_MAX = 12, 256
_STEP_S = 30
_NS = 1_000_000_000
_AT_ONCE = 2
"""Each hash takes 64 MiB and a core for a moment."""
_HASHER = PasswordHasher()


class Passwords:
    """Argon2id, off the loop and a few at a time."""

    def __init__(self) -> None:
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def hashed(self, password: str) -> str:
        """Raises `BadInput` for one that is too short or too long."""
        if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
            raise BadInput("password", f"must be {LENGTH_MIN} to {LENGTH_MAX} characters long")
        async with self._gate:
            return await asyncio.to_thread(_HASHER.hash, password)

    async def fits(self, kept: str, password: str) -> bool:
        """`kept` empty: nobody's, and as slow."""
        async with self._gate:
            return await asyncio.to_thread(_fits, kept, password)


def _fits(kept: str, password: str) -> bool:
    try:
        _HASHER.verify(kept or _nobody_s(), password)
    except (VerificationError, InvalidHashError):
        return False
    return bool(kept)


@cache
def _nobody_s() -> str:
    return _HASHER.hash("nobody has this password")


def new_totp() -> str:
    """A secret for an authenticator app."""
    return pyotp.random_base32()


def totp_uri(name: str, secret: str, deployment: str) -> str:
    """What the app reads, usually as a picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=f"crypto-sor {deployment}")


def totp_step(secret: str, code: str, at_ns: int, after_step: int) -> int | None:
    """The half-minute a code belongs to: this one or a neighbour, each once. None: it is no code of now."""
    now = at_ns // _NS // _STEP_S
    totp = pyotp.TOTP(secret)
    for step in (now - 1, now, now + 1):
        if step > after_step and pyotp.utils.strings_equal(totp.at(step * _STEP_S), code):
            return step
    return None


def sealed(secret: str, server_key: bytes) -> str:
    """A second factor's secret is needed to check a code, so it is kept encrypted; the key is not in the database."""
    return _fernet(server_key).encrypt(secret.encode()).decode()


def unsealed(text: str, server_key: bytes) -> str:
    """The secret again."""
    return _fernet(server_key).decrypt(text.encode()).decode()


def _fernet(server_key: bytes) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"totp|" + server_key).digest()))

"""What a key or a session shows: which one it is, and 256 random bits of which only an HMAC is kept."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

_FORM = re.compile(r"sor([ks])_([0-9a-f]{16})_([0-9a-f]{64})", re.ASCII)
_SECRET_BYTES = 32
_ID_BYTES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """`kind` is `k` for a machine's key, `s` for a session. The secret is shown by `text` and nowhere else."""

    kind: str
    id: str
    secret: str = field(repr=False)

    def text(self) -> str:
        """As it is shown, once."""
        return f"sor{self.kind}_{self.id}_{self.secret}"

    def mac(self, server_key: bytes) -> str:
        """What is stored. Without the server's own key, which is not in the database, it fits no secret."""
        said = f"{self.kind}|{self.id}|{self.secret}".encode()
        return hmac.new(server_key, said, hashlib.sha256).hexdigest()


def new_token(kind: str) -> Token:
    """From the operating system's randomness."""
    return Token(kind=kind, id=secrets.token_hex(_ID_BYTES), secret=secrets.token_hex(_SECRET_BYTES))


def read_token(text: str) -> Token | None:
    """None for what is no token of ours."""
    found = _FORM.fullmatch(text)
    return None if found is None else Token(kind=found[1], id=found[2], secret=found[3])


def csrf_of(session_id: str, server_key: bytes) -> str:
    """What a page has to send beside the cookie; it follows from the session and the server's key."""
    return hmac.new(server_key, f"csrf|{session_id}".encode(), hashlib.sha256).hexdigest()

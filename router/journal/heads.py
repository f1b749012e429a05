"""The chain's head, signed and put down somewhere else: a journal rewritten from end to end has another one.

A chain shows a change to whoever knows where it ends. So the end is signed every so often and appended to a file that
belongs on another disk, or in other hands; `judge` holds a journal against what is in there.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from router.journal.verify import Break
from router.model.errors import SorError

_KEY_BYTES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """Where a shard's journal ended at `at_ns`: the row's sequence number and hash."""

    deployment: str
    shard: str
    seq: int
    hash: str
    at_ns: int

    def message(self) -> bytes:
        """The bytes that are signed."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedHead:
    """A head, who signed it (public key, hex) and the signature (hex)."""

    head: Head
    key: str
    signature: str

    def line(self) -> str:
        """One line of the file."""
        return json.dumps(asdict(self.head) | {"key": self.key, "signature": self.signature}, sort_keys=True)

    def genuine(self) -> bool:
        """Did the holder of the key sign exactly this?"""
        try:
            public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.key))
            public.verify(bytes.fromhex(self.signature), self.head.message())
        except (InvalidSignature, ValueError):
            return False
        return True


class HeadUnreadable(SorError):
    """A line of a file of heads is not one."""


class HeadSigner:
    """Holds the key that signs. Ed25519, 32 secret bytes in hex."""

    def __init__(self, secret_hex: str) -> None:
        try:
            self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret_hex))
        except ValueError:
            raise SorError(f"the audit key is not {_KEY_BYTES} bytes in hex") from None

    @staticmethod
    def new_secret() -> str:
        """A fresh key, to be kept where only its owner can read it."""
        return Ed25519PrivateKey.generate().private_bytes_raw().hex()

    @property
    def key(self) -> str:
        """The public half, in hex: what an auditor writes down."""
        return self._key.public_key().public_bytes_raw().hex()

    def sign(self, head: Head) -> SignedHead:
        """The head with our signature."""
        return SignedHead(head=head, key=self.key, signature=self._key.sign(head.message()).hex())


def read_head(line: str) -> SignedHead:
    """The inverse of `line`. Raises `HeadUnreadable`."""
    try:
        found = json.loads(line)
        key, signature = str(found.pop("key")), str(found.pop("signature"))
        head = Head(**found)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise HeadUnreadable(f"not a signed head: {line[:80]!r}") from None
    return SignedHead(head=head, key=key, signature=signature)


def judge(
    heads: Iterable[SignedHead], hashes: Mapping[int, str], end: int, *, shard: str, deployment: str, key: str | None
) -> tuple[Break, ...]:
    """What the heads say against a journal that ends at `end`; `hashes` by sequence number, for every head's.

    `key`: the signer that is expected; None takes the first one's word for who that is.
    """
    found: list[Break] = []
    for signed in heads:
        head = signed.head
        if (head.shard, head.deployment) != (shard, deployment):
            continue
        key = key or signed.key
        if signed.key != key:
            found.append(Break(seq=head.seq, why=f"its exported head was signed by another key, {signed.key[:16]}"))
        elif not signed.genuine():
            found.append(Break(seq=head.seq, why="its exported head does not bear its signature"))
        elif head.seq > end:
            found.append(Break(seq=end + 1, why=f"the journal ends at {end}, but seq {head.seq} was exported"))
        elif hashes.get(head.seq) != head.hash:
            found.append(Break(seq=head.seq, why="it is not the row whose hash was exported: rewritten up to here"))
    return tuple(found)

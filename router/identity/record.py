"""The record of every change to users, keys and sessions: who, what, before, after; chained under the server's key.

It is a chain of its own beside the journal (D71): a change here must work while nobody drives, from any process, and
no decision of the engine rests on it. What it says of each subject last is what the tables have to hold.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from router.identity.rows import Image

FIRST = ""
"""What the first record is chained to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One change. `before` or `after` is None where there was, or is, nothing."""

    n: int
    at_ns: int
    actor: str
    action: str
    subject: str
    before: Image | None
    after: Image | None
    mac: str

    def row(self) -> tuple[object, ...]:
        """For its table."""
        return (
            self.n,
            self.at_ns,
            self.actor,
            self.action,
            self.subject,
            _text(self.before),
            _text(self.after),
            self.mac,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordBreak:
    """Something that is not as it was written."""

    n: int
    why: str


def entry(
    server_key: bytes,
    head: tuple[int, str],
    *,
    at_ns: int,
    actor: str,
    action: str,
    subject: str,
    before: Image | None,
    after: Image | None,
) -> Entry:
    """The record after `head`, which is (n, mac)."""
    n = head[0] + 1
    said = (n, at_ns, actor, action, subject, _text(before), _text(after))
    return Entry(
        n=n,
        at_ns=at_ns,
        actor=actor,
        action=action,
        subject=subject,
        before=before,
        after=after,
        mac=_mac(server_key, head[1], said),
    )


def read(row: Sequence[object]) -> Entry:
    """A record as the database gives it."""
    n, at_ns, actor, action, subject, before, after, mac = cast(
        "tuple[int, int, str, str, str, str, str, str]", tuple(row)
    )
    return Entry(
        n=n,
        at_ns=at_ns,
        actor=actor,
        action=action,
        subject=subject,
        before=json.loads(before),
        after=json.loads(after),
        mac=mac,
    )


def breaks(entries: Sequence[Entry], server_key: bytes, tables: Mapping[str, Image]) -> Iterator[RecordBreak]:
    """Every place where the chain, or a table beside it, is not as it was written."""
    previous, place = FIRST, 0
    last: dict[str, Image | None] = {}
    for one in entries:
        place += 1
        said = (one.n, one.at_ns, one.actor, one.action, one.subject, _text(one.before), _text(one.after))
        if one.n != place:
            yield RecordBreak(n=place, why="there is no such record")
            place = one.n
        elif not hmac.compare_digest(_mac(server_key, previous, said), one.mac):
            yield RecordBreak(n=one.n, why="its code does not fit its content, the record before and this server's key")
        if one.before != last.get(one.subject):
            yield RecordBreak(n=one.n, why=f"{one.subject} was not like this before")
        previous, last[one.subject] = one.mac, one.after
    for subject in sorted(tables.keys() | {name for name, image in last.items() if image is not None}):
        if tables.get(subject) != last.get(subject):
            yield RecordBreak(n=place, why=f"{subject} is not as the record says")


def _text(image: Image | None) -> str:
    return json.dumps(image, sort_keys=True, separators=(",", ":"))


def _mac(server_key: bytes, previous: str, said: tuple[object, ...]) -> str:
    text = json.dumps(["access", previous, *said], separators=(",", ":"))
    return hmac.new(server_key, text.encode(), hashlib.sha256).hexdigest()

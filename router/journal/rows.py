"""A journal row as the database holds it, and as the engine knows it."""

from dataclasses import dataclass

from router.journal.chain import row_hash, seal
from router.journal.codec import MODEL, Codec, Json, canonical, parse
from router.journal.converters import CodecError
from router.model.events import Event, Stamped
from router.model.facts import Fact
from router.model.ids import Nanos
from router.ports.store import Appended, JournalRow

PAYLOAD_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRow:
    """One row of the journal table. `payload` is the canonical JSON of event, facts and request id."""

    shard: str
    seq: int
    epoch: int
    at_ns: Nanos
    kind: str
    payload: str
    hash: str

    def hash_after(self, previous: str) -> str:
        """The hash this row must have if it follows the row with hash `previous`."""
        return row_hash(previous, self.shard, self.seq, self.epoch, self.at_ns, self.kind, seal(self.payload))


def stored(row: JournalRow, shard: str, seq: int, epoch: int, previous: str) -> StoredRow:
    """The row as it goes into the journal at `seq`, chained to the row with hash `previous`."""
    at_ns, kind, payload = row.stamped.at_ns, type(row.stamped.event).__name__, payload_of(row)
    chained = row_hash(previous, shard, seq, epoch, at_ns, kind, seal(payload))
    return StoredRow(shard=shard, seq=seq, epoch=epoch, at_ns=at_ns, kind=kind, payload=payload, hash=chained)


def appended(stored_row: StoredRow) -> Appended:
    """The row as the engine knows it. Raises `CodecError` when the payload cannot be read."""
    row = row_of(stored_row.at_ns, stored_row.payload)
    return Appended(seq=stored_row.seq, epoch=stored_row.epoch, hash=stored_row.hash, row=row)


def payload_of(row: JournalRow, codec: Codec = MODEL) -> str:
    """Event, facts and request id in their one spelling."""
    body = {
        "event": codec.encode(row.stamped.event),
        "facts": [codec.encode(fact) for fact in row.facts],
        "request_id": row.request_id,
        "v": PAYLOAD_VERSION,
    }
    return canonical(body).decode()


def row_of(at_ns: Nanos, payload: str, codec: Codec = MODEL) -> JournalRow:
    """The inverse of `payload_of`. Raises `CodecError` for a payload this code does not know how to read."""
    body = _known_body(payload)
    event, facts, request_id = body["event"], body["facts"], body["request_id"]
    if not isinstance(event, dict) or not isinstance(facts, list) or not isinstance(request_id, int | None):
        raise CodecError("a journal payload holds an event, a list of facts and the id of a request or null")
    return JournalRow(
        stamped=Stamped(at_ns=at_ns, event=_event(codec.decode(event))),
        facts=tuple(_fact(codec.decode(fact)) for fact in facts),
        request_id=request_id,
    )


def facts_of(payload: str, codec: Codec = MODEL) -> tuple[Fact, ...]:
    """Only the facts: a follower has no use for the view they were decided on, which is most of the payload."""
    facts = _known_body(payload)["facts"]
    if not isinstance(facts, list):
        raise CodecError("a journal payload holds a list of facts")
    return tuple(_fact(codec.decode(fact)) for fact in facts)


def _known_body(payload: str) -> Json:
    body = parse(payload)
    if body.get("v") != PAYLOAD_VERSION or body.keys() != {"event", "facts", "request_id", "v"}:
        raise CodecError(f"a journal payload of version {PAYLOAD_VERSION} was expected, not {body.get('v')!r}")
    return body


def _event(decoded: object) -> Event:
    if not isinstance(decoded, Event):
        raise CodecError(f"{type(decoded).__name__} stands where an event belongs")
    return decoded


def _fact(decoded: object) -> Fact:
    if not isinstance(decoded, Fact):
        raise CodecError(f"{type(decoded).__name__} stands where a fact belongs")
    return decoded

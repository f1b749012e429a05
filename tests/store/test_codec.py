"""Model objects as JSON: no digit lost, one spelling, nothing guessed."""

import dataclasses
import json
import subprocess
import sys
import typing
from collections.abc import Mapping
from decimal import Decimal, localcontext
from typing import ClassVar, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.engine import StateImage
from router.journal import codec as codec_module
from router.journal.codec import MODEL, MODEL_MODULES, Codec, canonical, codec_of, dataclasses_of, parse
from router.journal.converters import CodecError
from router.journal.rows import facts_of, payload_of, row_of
from router.model.commands import Command
from router.model.events import Event
from router.model.facts import Fact
from router.model.market import Level
from router.model.orders import Approved, ChildOrder, Fee
from router.ports.store import JournalRow
from router.runtime.recovery import SNAPSHOTS
from tests.store.makers import booked, child, intended, row
from tests.store.strategies import anything_of

MESSAGES = [*typing.get_args(Event), *typing.get_args(Fact), *typing.get_args(Command)]


def alike(one: object, other: object) -> bool:
    """Equal, with every Decimal equal digit by digit: 1.0 is not 1.00."""
    return one == other and repr(one) == repr(other)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda cls: cls.__name__)
@settings(max_examples=25)
@given(data=st.data())
def test_every_message_comes_back_as_it_was(message: type, data: st.DataObject):
    """Any event, fact or command, whatever stands in its fields."""
    hint = Approved[ChildOrder] if message is Approved else message
    written = data.draw(anything_of(hint))

    raw = MODEL.dumps(written)

    assert alike(MODEL.loads(raw), written)
    assert MODEL.dumps(MODEL.loads(raw)) == raw


@settings(max_examples=25)
@given(data=st.data())
def test_a_journal_row_comes_back_as_it_was(data: st.DataObject):
    """The envelope of event, facts and request id."""
    written = data.draw(anything_of(JournalRow))
    assert isinstance(written, JournalRow)

    payload = payload_of(written)

    assert alike(row_of(written.stamped.at_ns, payload), written)
    assert facts_of(payload) == written.facts


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_the_engines_state_comes_back_as_it_was(data: st.DataObject):
    """Mutable records, mappings in mappings, sets: what a snapshot holds."""
    image = data.draw(anything_of(StateImage))

    raw = SNAPSHOTS.dumps(image)
    assert SNAPSHOTS.loads(raw) == image
    assert SNAPSHOTS.dumps(SNAPSHOTS.loads(raw)) == raw


@given(data=st.data())
@settings(max_examples=25)
def test_one_spelling_with_and_without_orjson(data: st.DataObject):
    """A hash must not depend on what is installed."""
    encoded = MODEL.encode(data.draw(anything_of(typing.Union[Event, Fact])))  # noqa: UP007 - of two unions

    assert canonical(encoded) == _with_the_standard_library(encoded)


def _with_the_standard_library(encoded: object) -> bytes:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec_module, "orjson", None)
        return canonical(encoded)


def test_the_spelling_is_sorted_and_tight():
    """What a person sees who opens the journal."""
    fee = Fee(asset="USD", amount=Decimal("1.50"))

    assert MODEL.dumps(fee) == b'{"amount":"1.50","asset":"USD","t":"Fee","v":1}'


def test_orjson_is_not_needed():
    """A process without it reads and writes the same."""
    code = """
import sys
sys.modules["orjson"] = None
from router.journal.codec import MODEL
from router.model.orders import Fee
from decimal import Decimal
fee = Fee(asset="\\u00e9", amount=Decimal("1.50"))
assert MODEL.loads(MODEL.dumps(fee)) == fee
print(MODEL.dumps(fee))
"""
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert out.strip() == repr(MODEL.dumps(Fee(asset="é", amount=Decimal("1.50"))))


def test_half_a_surrogate_pair_survives():
    """A venue's error text may hold one; it must not be what stops the journal."""
    fee = Fee(asset="bad \ud83d text", amount=Decimal(1))

    raw = MODEL.dumps(fee)

    assert raw.isascii()
    assert MODEL.loads(raw) == fee
    assert raw == _with_the_standard_library(MODEL.encode(fee))


def test_the_ambient_decimal_context_does_not_show():
    """Ccxt changes it; a hash may not."""
    before = MODEL.dumps(Fee(asset="USD", amount=Decimal("1E+40")))
    with localcontext(prec=3, capitals=0):
        assert MODEL.dumps(Fee(asset="USD", amount=Decimal("1E+40"))) == before


def test_an_integer_beyond_64_bits_is_refused():
    """It would not come back on every machine."""
    with pytest.raises(CodecError):
        MODEL.dumps(dataclasses.replace(child(1), number=2**70))


@pytest.mark.parametrize(
    "damage",
    [
        {"t": "Unheard"},
        {"t": "ChildOrder"},
        {"v": 2},
        {"v": None},
        {"extra": 1},
        {"asset": None},
        {"asset": 7},
        {"amount": "a lot"},
    ],
    ids=str,
)
def test_nothing_is_guessed(damage: dict[str, object]):
    """A payload that is not exactly what this code knows is refused, and says what is wrong."""
    data = {**MODEL.encode(booked(1, "T").fill.trade.fees[0]), **damage}
    assert data != MODEL.encode(booked(1, "T").fill.trade.fees[0])

    with pytest.raises(CodecError):
        codec_of(sys.modules[Fee.__module__]).decode(data) if damage != {"t": "ChildOrder"} else MODEL.decode(data)


@pytest.mark.parametrize("raw", [b"", b"[]", b"3", b"{", b"\xff", b'{"t":"Fee"}'], ids=repr)
def test_what_is_not_an_object_is_refused(raw: bytes):
    """Cut, empty, or some other JSON."""
    with pytest.raises(CodecError):
        MODEL.loads(raw)


def test_a_class_outside_the_registry_is_refused():
    """The registry is explicit."""

    @dataclasses.dataclass
    class Stranger:
        a: int

    assert not MODEL.knows(Stranger)
    with pytest.raises(CodecError, match="Stranger"):
        MODEL.encode(Stranger(1))


def test_a_fact_cannot_stand_for_an_event():
    """Each has its place in a row."""
    payload = json.loads(payload_of(row()))
    swapped = {**payload, "event": MODEL.encode(intended(1))}

    with pytest.raises(CodecError, match="event"):
        row_of(1, canonical(swapped).decode())


@pytest.mark.parametrize("hint", [object, typing.Any, bytes, Decimal | str, complex], ids=str)
def test_what_cannot_be_written_without_guessing_is_refused_at_once(hint: object):
    """When the codec is built, not when the first such object appears."""
    made = dataclasses.make_dataclass("Odd", [("field", hint)])

    with pytest.raises(CodecError):
        Codec([made])


def test_a_field_may_not_take_the_tags_name():
    """`t` and `v` are the tag's."""
    with pytest.raises(CodecError, match="tag"):
        Codec([dataclasses.make_dataclass("Odd", [("v", int)])])


def test_two_classes_of_one_name_are_refused():
    """A tag stands for one class."""
    with pytest.raises(CodecError, match="two classes"):
        Codec([dataclasses.make_dataclass("Same", [("a", int)]), dataclasses.make_dataclass("Same", [("a", int)])])


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Grown:
    VERSION: ClassVar[int] = 3
    price: Decimal
    venue: str
    note: str | None = None
    levels: tuple[Level, ...] = ()
    pair: tuple[int, str] = (0, "")
    by_name: Mapping[str, int] = dataclasses.field(default_factory=dict)


class Point(NamedTuple):
    x: int
    inner: tuple[Decimal, ...]


@dataclasses.dataclass(kw_only=True, slots=True)
class Bag:
    counts: dict[str, dict[int, list[Point]]]
    pairs: set[tuple[str, int]]
    rate: float
    size: int = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.size = len(self.counts)


def test_older_versions_are_lifted_step_by_step():
    """A journal of years ago is read by today's classes."""
    today = Codec(
        [Grown],
        upcasters={
            ("Grew", 1): lambda old: {**old, "t": "Grown", "v": 2, "price": str(old["price"])},
            ("Grown", 2): lambda old: {**old, "v": 3, "venue": "kraken"},
        },
    )

    read = today.decode({"t": "Grew", "v": 1, "price": 7})

    assert read == Grown(price=Decimal(7), venue="kraken")


def test_a_field_added_with_a_default_needs_no_version():
    """Its absence means the default."""
    codec = Codec([Grown])

    assert codec.decode({"t": "Grown", "v": 3, "price": "7", "venue": "x"}) == Grown(price=Decimal(7), venue="x")
    with pytest.raises(CodecError, match="missing fields"):
        codec.decode({"t": "Grown", "v": 3, "price": "7"})


def test_a_child_from_before_post_only_may_take():
    """Rows written before the field existed are read as what they were."""
    older = MODEL.encode(child(1))
    del older["post_only"]

    assert MODEL.decode(older) == child(1)
    assert child(1).post_only is False


def test_a_newer_version_is_refused():
    """Older code does not read past what it knows."""
    with pytest.raises(CodecError, match="version 3 was expected"):
        Codec([Grown]).decode({"t": "Grown", "v": 4, "price": "7", "venue": "x"})


def test_a_mapping_keeps_its_order_and_a_set_has_one():
    """A state that is iterated must come back in the order it had."""
    codec = Codec([Bag])
    bag = Bag(
        counts={"z": {2: [], 1: [Point(1, (Decimal("1.0"),))]}, "a": {}}, pairs={("b", 2), ("a", 1), ("b", 1)}, rate=0.1
    )

    read = codec.loads(codec.dumps(bag))

    assert read == bag
    assert isinstance(read, Bag)
    assert [list(read.counts), list(read.counts["z"])] == [["z", "a"], [2, 1]]
    assert codec.encode(bag)["pairs"] == [["a", 1], ["b", 1], ["b", 2]]
    assert codec.encode(bag)["rate"] == "0.1"


def test_every_model_class_is_registered():
    """A new message cannot be forgotten."""
    assert all(MODEL.knows(cls) for module in MODEL_MODULES for cls in dataclasses_of(module))
    assert all(MODEL.knows(cls) for cls in MESSAGES)


def test_parse_wants_an_object():
    """The one reader of JSON text in this room."""
    assert parse(b'{"a":1}') == {"a": 1}

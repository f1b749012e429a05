"""An order for each policy: read, refused with the field's name, echoed whole, and the same when read again."""

import hashlib
from typing import Any

import pytest

from policies import POLICIES
from router.journal.codec import decode, encode
from router.model.errors import BadInput
from router.model.ids import EntityId, InstrumentId, Nanos, ParentId, VenueId
from router.model.policies import PLAIN, Randomize, SweepParams
from router.requests import Offered, OrderBody, curve_named, order_request, parent_order, with_curve
from router.requests.bodies import parse
from router.requests.curves import CurveBody
from router.requests.fields import moment, nanoseconds
from router.requests.orders import ENVELOPE_FIELDS, SHAPES, order_model, order_written

GOOD: dict[str, Any] = {"ref_id": "T-1", "instrument": "BTC/USD", "side": "BUY", "base_quantity": "1.5"}
CURVE = {
    "curve_id": "btc-usd",
    "curve_asof": "2026-01-31",
    "built_from": "30 days of kraken's minutes",
    "weekday": ["1.5"] * 24,
    "weekend": ["1"] * 24,
}
ORDERS: dict[str, dict[str, Any]] = {
    "SWEEP": {},
    "BEST_SINGLE": {"params": {"rounds_max": 3}},
    "LIMIT_OR_BETTER": {"limit_price": "100"},
    "TWAP": {"duration": "2h", "params": {"slices": 12, "catch_up": "spread"}, "randomize": {"size_pct": 10}},
    "VWAP": {"duration": "90s", "params": {"slice_interval": "15s", "curve": CURVE}, "must_complete": True},
    "POV": {"params": {"target_rate": "0.1", "max_rate": "0.2", "window": "30s"}},
    "IS": {"end_time": "2026-02-01T00:00:00.5Z", "params": {"slices": 8, "urgency": "HIGH"}},
    "ICEBERG": {"limit_price": "100", "params": {"display_quantity": "0.1", "refresh": "timed"}},
    "PEG": {"params": {"peg_to": "mid", "offset": "2", "offset_in": "BPS"}, "passive_only": True},
    "SNIPER": {"params": {"trigger_price": "99.5", "min_quantity": "0.5"}},
    "PASSIVE_THEN_SWEEP": {"duration": "1h", "params": {"slices": 6, "patience_pct": 50}},
}


def test_the_door_takes_what_can_be_worked() -> None:
    """No policy that nobody works is taken, none that is worked is turned away, and each has its shape."""
    assert Offered(instruments=(), venues=frozenset()).policies == POLICIES.keys()
    assert POLICIES.keys() <= SHAPES.keys()


def written(policy: str, **more: Any) -> dict[str, Any]:
    return GOOD | {"policy": policy} | ORDERS[policy] | more


def model(data: dict[str, Any]):
    return order_model(parse(OrderBody, data), ParentId("P"), EntityId("acme"), "ann")


@pytest.mark.parametrize("policy", SHAPES)
def test_an_order_echoed_is_the_same_order(policy: str) -> None:
    """Every default named, nothing lost; and the journal reads it back."""
    order = model(written(policy))
    echo = order_written(order)

    assert model(echo) == order
    assert set(echo) >= ENVELOPE_FIELDS
    assert decode(encode(order)) == order


@pytest.mark.parametrize(
    ("policy", "change", "field", "says"),
    [
        ("TWAP", {"params": {}}, "params.slices", "give slices or slice_interval"),
        ("TWAP", {"params": {"slices": 2, "slice_interval": "1m"}}, "params.slices", "only one"),
        ("TWAP", {"params": {"slice_interval": "90"}}, "params.slice_interval", "with its unit"),
        ("TWAP", {"params": {"slices": 2, "colour": 1}}, "params.colour", "is not a field"),
        (
            "TWAP",
            {"params": {"slices": 2, "child_style": "passive_then_take"}},
            "params.child_style",
            "passive_then_take is not offered yet",
        ),
        ("TWAP", {"params": {"slices": 2, "catch_up": "all"}}, "params.catch_up", "must be none, spread or cap"),
        ("TWAP", {"params": {"slices": 2, "catch_up_cap": "0.5"}}, "params.catch_up_cap", "at least 1"),
        ("TWAP", {"duration": None}, "end_time", "TWAP needs an end"),
        ("TWAP", {"end_time": "2026-02-01T00:00:00Z"}, "duration", "give one of them"),
        ("TWAP", {"randomize": {"size_pct": 60}}, "randomize", "may come to 50"),
        ("IS", {"start_time": "2026-03-01T00:00:00Z"}, "end_time", "must be after start_time"),
        ("IS", {"end_time": "2026-02-30T00:00:00Z"}, "end_time", "not a day of the calendar"),
        ("IS", {"params": {"slices": 2, "risk_aversion": "0.1"}}, "params.volatility_bps", "give both"),
        ("VWAP", {"params": {"slices": 2}}, "params.curve", "is missing"),
        ("VWAP", {"params": {"slices": 2, "curve": CURVE, "curve_id": "c"}}, "params.curve", "give one of them"),
        ("VWAP", {"params": {"slices": 2, "curve_id": "c"}}, "params.curve_asof", "is missing"),
        ("VWAP", {"params": {"slices": 2, "curve_asof": "2026-01-31"}}, "params.curve_id", "is missing"),
        ("VWAP", {"params": {"slices": 2, "curve": CURVE | {"bucket_minutes": 5}}}, "params.curve.weekday", "5 min"),
        ("VWAP", {"params": {"slices": 2, "curve": CURVE | {"days_used": ["x"]}}}, "params.curve.days_used.0", "a day"),
        ("VWAP", {"params": {"slices": 2, "curve": CURVE | {"weekday": ["1"] * 7}}}, "params.curve.weekday", "divide"),
        ("VWAP", {"params": {"slices": 2, "curve": CURVE | {"weekend": ["0"]}}}, "params.curve.weekend", "somewhere"),
        ("POV", {"params": {"target_rate": "1"}}, "params.target_rate", "less than 1"),
        ("POV", {"params": {"target_rate": "10"}}, "params.target_rate", "a share from 0 to 1"),
        ("POV", {"params": {"target_rate": "0.2", "max_rate": "0.1"}}, "params.max_rate", "at least the target_rate"),
        ("POV", {"must_complete": True}, "must_complete", "goes with an end"),
        ("LIMIT_OR_BETTER", {"limit_price": None}, "limit_price", "needs one"),
        ("LIMIT_OR_BETTER", {"max_participation_rate": "0.1"}, "max_participation_rate", "fills as others please"),
        ("SWEEP", {"passive_only": True}, "passive_only", "which takes"),
        ("PEG", {"would_price": "1"}, "passive_only", "does not go with would_price"),
        ("PEG", {"params": {"min_reprice_interval": "50ms"}}, "params.min_reprice_interval", "at least 100ms"),
        (
            "ICEBERG",
            {"params": {"display_quantity": "1", "refresh": "timed", "refresh_ms": 9}},
            "params.refresh_ms",
            "100",
        ),
        ("ICEBERG", {"params": {"display_quantity": "0"}}, "params.display_quantity", "more than zero"),
        ("SWEEP", {"would_price": "101", "limit_price": "100"}, "would_price", "not be worse"),
        ("SWEEP", {"levels_max": 3}, "levels_max", "is not offered yet"),
        ("SWEEP", {"must_complete": 1}, "must_complete", "true or false"),
        ("SWEEP", {"params": {"slices": 3}}, "params.slices", "is not a field"),
    ],
)
def test_each_wrong_field_is_named(policy: str, change: dict[str, Any], field: str, says: str) -> None:
    """One clear sentence, with the field first."""
    with pytest.raises(BadInput) as caught:
        parse(OrderBody, written(policy, **change))

    assert caught.value.field == field
    assert says in caught.value.message


def test_a_curve_that_is_named_is_the_order_as_if_it_were_given() -> None:
    """Once it is looked up; before, the order cannot be worked, and its text holds the name only."""
    data = written("VWAP", params={"slice_interval": "15s", "curve_id": "btc-usd", "curve_asof": "2026-01-31"})
    body = parse(OrderBody, data)

    assert curve_named(body) == ("btc-usd", "2026-01-31")
    assert curve_named(parse(OrderBody, written("VWAP"))) is None
    with pytest.raises(BadInput, match="is looked up when an order is taken"):
        model(data)
    full = with_curve(body, CurveBody.model_validate(CURVE))
    assert order_model(full, ParentId("P"), EntityId("acme"), "ann") == model(written("VWAP"))
    request = order_request(body, entity=EntityId("acme"), principal="ann", asked_ns=Nanos(1))
    assert "weekday" not in request.body


def test_a_curve_of_an_older_journal_still_reads() -> None:
    """Nobody said then what it was for and which days it was built from."""
    order = model(written("VWAP"))
    row = encode(order)
    del row["params"]["curve"]["instrument"], row["params"]["curve"]["days_used"]

    assert decode(row) == order


def test_what_is_not_offered_is_refused_by_name() -> None:
    """A policy or a field of the envelope that is only understood is never ignored."""
    venues = frozenset({VenueId("kraken")})
    offered = Offered(instruments=(InstrumentId("BTC/USD"),), venues=venues, policies=frozenset({"SWEEP"}))

    with pytest.raises(BadInput, match="not offered yet") as caught:
        parent_order(parse(OrderBody, written("PEG")), "d", EntityId("acme"), "ann", offered)
    assert caught.value.field == "policy"


def test_the_text_of_an_older_order_has_not_changed() -> None:
    """A reference asked again after an upgrade is the same request, not another body under its name."""
    body = parse(OrderBody, GOOD | {"params": {"rounds_max": 3}, "venues": {"exclude": []}, "limit_price": "100.0"})
    request = order_request(body, entity=EntityId("acme"), principal="ann", asked_ns=Nanos(1))

    assert request.body == (
        '{"base_quantity":"1.5","instrument":"BTC/USD","limit_price":"100","params":{"rounds_max":3},"ref_id":"T-1",'
        '"side":"BUY","venues":{"exclude":[]}}'
    )
    assert request.body_hash == hashlib.sha256(request.body.encode()).hexdigest()


def test_an_older_row_of_the_journal_still_reads() -> None:
    """It has no envelope, and parameters of the one policy there was."""
    order = model(GOOD)
    row = encode(order)
    del row["envelope"], row["params"]["reach_bps"]

    assert row["params"] == {"t": "SweepParams", "v": 1, "rounds_max": 12, "round_wait_ms": 250}
    assert decode(row) == order
    assert order.envelope == PLAIN
    assert order.params == SweepParams()


def test_a_seed_nobody_gave_follows_from_the_order() -> None:
    """Stored with it, the same in every process, another for another order."""
    data = written("TWAP")

    assert model(data).envelope.randomize == Randomize(seed=165_628_696_612_196, size_pct=10, time_pct=30)
    other = order_model(parse(OrderBody, data), ParentId("Q"), EntityId("acme"), "ann")
    assert other.envelope.randomize != model(data).envelope.randomize


@pytest.mark.parametrize("text", ["2026-01-31T09:30:00Z", "2026-01-31T09:30:00.000000001Z", "1999-12-31T23:59:59.5Z"])
def test_moments_keep_every_digit(text: str) -> None:
    """There and back."""
    assert moment(nanoseconds(text)) == text

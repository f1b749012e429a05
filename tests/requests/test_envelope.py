"""The envelope at the door: each attribute echoed, the same order read again, refused where it means nothing."""

from typing import Any

import pytest

from router.journal.codec import decode, encode
from router.model.errors import BadInput
from router.model.ids import EntityId, ParentId
from router.model.orders import ParentOrder
from router.requests import OrderBody
from router.requests.bodies import parse
from router.requests.orders import order_model, order_written

GOOD: dict[str, Any] = {"ref_id": "T-1", "instrument": "BTC/USD", "side": "BUY", "base_quantity": "1.5"}
TWAP: dict[str, Any] = {"policy": "TWAP", "duration": "1h", "params": {"slices": 4}}


POV: dict[str, Any] = {"policy": "POV", "params": {"target_rate": "0.1"}}
LIMIT: dict[str, Any] = {"policy": "LIMIT_OR_BETTER", "limit_price": "100"}


def model(data: dict[str, Any]) -> ParentOrder:
    said = {name: value for name, value in (GOOD | data).items() if value is not None}
    return order_model(parse(OrderBody, said), ParentId("P"), EntityId("acme"), "ann")


@pytest.mark.parametrize(
    ("said", "echoed"),
    [
        ({}, {"time_in_force": "GTC", "size_includes_fees": False, "quote_value": None}),
        ({"duration": "1h"}, {"time_in_force": "GTD"}),
        ({"time_in_force": "FOK"}, {"time_in_force": "FOK"}),
        ({"base_quantity": None, "quote_value": "100.50"}, {"quote_value": "100.5", "base_quantity": None}),
        ({}, {"pilot_pct": None, "pilot_timeout": "1h"}),
        ({"pilot_pct": 5, "pilot_timeout": "90s"}, {"pilot_pct": 5, "pilot_timeout": "90s"}),
        (TWAP, {"tolerance": None}),
        (TWAP | {"tolerance": "narrow"}, {"tolerance": "narrow"}),
        ({}, {"benchmark": "sweep_to_fill", "allow_taker": True, "self_match_prevention": True, "max_fee_bps": None}),
        (TWAP, {"benchmark": "interval_twap", "allow_past_end_time": False, "display_quantity": None}),
        (TWAP | {"benchmark": "arrival", "allow_past_end_time": True}, {"benchmark": "arrival"}),
        (LIMIT | {"allow_taker": False}, {"allow_taker": False, "passive_only": True}),
        ({"max_fee_bps": "10"}, {"max_fee_bps": "10", "discretion_offset": None}),
        (POV | {"params": {"target_rate": "0.1", "min_rate": "0.05", "max_rate": "0.2"}}, {"benchmark": "pwp"}),
        ({"size_includes_fees": True}, {"size_includes_fees": True, "base_quantity": "1.5"}),
    ],
)
def test_what_was_said_and_what_was_not_is_echoed(said: dict[str, Any], echoed: dict[str, Any]) -> None:
    """The echo is the same order when it is read again, and the journal reads it back."""
    order = model(said)
    echo = order_written(order)
    assert {name: echo[name] for name in echoed} == echoed
    assert model(echo) == order
    assert decode(encode(order)) == order


@pytest.mark.parametrize(
    ("said", "field", "says"),
    [
        ({"quote_value": "5"}, "quote_value", "give one of them"),
        ({"base_quantity": None}, "base_quantity", "give base_quantity or quote_value"),
        (
            {"policy": "ICEBERG", "params": {"display_quantity": "1"}, "size_includes_fees": True},
            "size_includes_fees",
            "",
        ),
        ({"time_in_force": "GTD"}, "time_in_force", "needs an end"),
        ({"time_in_force": "GTC", "duration": "1h"}, "time_in_force", "has no end"),
        (TWAP | {"time_in_force": "IOC"}, "time_in_force", "IOC is one round, and TWAP works over time"),
        ({"time_in_force": "FOK", "duration": "1h"}, "time_in_force", "has no end"),
        ({"time_in_force": "IOC", "params": {"reach_bps": "2"}}, "params.reach_bps", "which IOC never does"),
        ({"time_in_force": "IOC", "pilot_pct": 5}, "pilot_pct", "second round"),
        ({"pilot_pct": 100}, "pilot_pct", "at most 99"),
        ({"policy": "PEG", "pilot_pct": 5}, "pilot_pct", "PEG rests"),
        ({"tolerance": "wide"}, "tolerance", "SWEEP has none"),
        (TWAP | {"tolerance": "loose"}, "tolerance", "must be narrow, standard or wide"),
        ({"allow_taker": False}, "allow_taker", "SWEEP only takes"),
        ({"display_quantity": "1"}, "display_quantity", "SWEEP shows nothing"),
        (LIMIT | {"discretion_offset": "1"}, "discretion_offset", "is not offered yet"),
        (LIMIT | {"max_fee_bps": "5"}, "max_fee_bps", "LIMIT_OR_BETTER rests"),
        (LIMIT | {"allow_taker": False, "would_price": "90"}, "allow_taker", "never takes"),
        ({"self_match_prevention": False}, "self_match_prevention", "cannot be switched off"),
        ({"benchmark": "vwap"}, "benchmark", "must be arrival"),
        ({"allow_past_end_time": True}, "allow_past_end_time", "goes with an end"),
        (TWAP | {"allow_past_end_time": True, "must_complete": True}, "allow_past_end_time", "give one of them"),
        (POV | {"params": {"target_rate": "0.1", "min_rate": "0.05"}}, "params.min_rate", "needs a max_rate"),
        (POV | {"params": {"target_rate": "0.1", "min_rate": "0.2"}}, "params.min_rate", "at most the target_rate"),
        ({"time_in_force": "DAY"}, "time_in_force", "must be GTC, GTD, IOC or FOK"),
    ],
)
def test_what_means_nothing_is_refused_by_name(said: dict[str, Any], field: str, says: str) -> None:
    """One sentence, with the field first."""
    with pytest.raises(BadInput) as caught:
        model(said)
    assert (caught.value.field, says in caught.value.message) == (field, True), caught.value

"""A basket is taken as it was meant, or refused with a sentence that names leg and field."""

import json
from pathlib import Path
from typing import Any

import pytest

from router.cli.basket_file import read_basket
from router.model.baskets import CashConstraint
from router.model.errors import BadInput
from router.model.ids import EntityId, InstrumentId, Nanos, ParentId, VenueId
from router.requests import Offered, basket_request
from router.requests.baskets import basket_legs, basket_text, basket_written, parse_basket
from router.requests.door import understand

SELL = {"instrument": "BTC/USD", "side": "SELL", "base_quantity": "1.50"}
BUY = {"instrument": "ETH/USD", "side": "BUY", "base_quantity": "20", "policy": "TWAP", "duration": "10m"}
BUY_NOW = {"instrument": "ETH/USD", "side": "BUY", "base_quantity": "20"}


def basket(*legs: dict[str, Any], **terms: Any) -> dict[str, Any]:
    return {"ref_id": "B1", "legs": list(legs or (SELL, BUY_NOW)), **terms}


def test_what_is_written_is_the_same_basket_when_read() -> None:
    """Every default named, and the legs by number."""
    legs = basket_legs(parse_basket(basket(buffer={"USD": "10"})), ParentId("P1"), EntityId("desk"), "ann")

    again = basket_legs(parse_basket(basket_written(legs)), ParentId("P1"), EntityId("desk"), "ann")

    assert again == legs
    assert [(leg.id, leg.ref_id) for leg in legs] == [("P1-1", "B1/1"), ("P1-2", "B1/2")]
    assert legs[0].leg is not None
    assert legs[0].leg.terms.cash_constraint is CashConstraint.SELF_FUNDING


def test_a_stored_request_means_its_legs() -> None:
    """The row's text is what a driver reads; amounts have one spelling."""
    asked = basket_request(parse_basket(basket()), entity=EntityId("desk"), principal="ann", asked_ns=Nanos(1))
    offered = Offered(
        instruments=(InstrumentId("BTC/USD"), InstrumentId("ETH/USD")), venues=frozenset({VenueId("kraken")})
    )

    event = understand(asked, "sim", offered)

    assert [str(leg.quantity) for leg in event.legs] == ["1.5", "20"]  # type: ignore[union-attr]
    assert basket_text(parse_basket(json.loads(asked.body))) == asked.body


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (basket({**SELL, "side": "HOLD"}, BUY_NOW), "legs.1.side: must be BUY or SELL"),
        (basket(SELL, {**BUY_NOW, "base_quantity": "0"}), "legs.2.base_quantity: must be more than zero"),
        (basket(SELL, {**BUY, "params": {}}), "legs.2.params.slices"),
        (basket(SELL, {**BUY_NOW, "colour": "red"}), "legs.2.colour: is not a field of this order"),
        (basket(SELL, {**BUY_NOW, "ref_id": "x"}), "legs.2.ref_id: a leg goes by its basket's reference"),
        (basket(SELL, {**BUY_NOW, "pilot_pct": 10}), "legs.2.pilot_pct: is not offered in a basket yet"),
        (basket(SELL, {**BUY_NOW, "instrument": "BTC/USD"}), "legs.2.instrument: BTC/USD is leg 1 already"),
        (basket(BUY_NOW), "cash_constraint: SELF_FUNDING, and no leg sells"),
        (basket(cash_constraint="STATED"), "cash: is missing"),
        (basket(cash={"USD": "5"}), "cash: goes with STATED, not with SELF_FUNDING"),
        (basket(buffer={"usd": "5"}), "buffer.usd"),
        (basket(max_leg_imbalance={"share": "0.1", "notional": "5"}), "max_leg_imbalance: give share or notional"),
        (basket(SELL, max_leg_imbalance={"share": "0.1"}), "max_leg_imbalance: needs legs that sell and legs that buy"),
        ({"ref_id": "B1", "legs": []}, "legs: must name at least 1"),
        ({"legs": [SELL]}, "ref_id: is missing"),
    ],
)
def test_a_refusal_names_the_leg_and_the_field(data: dict[str, Any], sentence: str) -> None:
    """One sentence; legs count from 1."""
    with pytest.raises(BadInput) as refused:
        parse_basket(data)

    assert str(refused.value).startswith(sentence)


def test_json_yaml_and_csv_are_one_basket(tmp_path: Path) -> None:
    """Told apart by how they begin."""
    texts = {
        "json": json.dumps(basket()),
        "yaml": "ref_id: B1\nlegs:\n"
        '  - {instrument: BTC/USD, side: SELL, base_quantity: "1.50"}\n'
        '  - {instrument: ETH/USD, side: BUY, base_quantity: "20"}\n',
        "csv": "instrument,side,base_quantity\nBTC/USD,SELL,1.50\nETH/USD,BUY,20\n",
    }
    read = []
    for name, text in texts.items():
        path = tmp_path / f"basket.{name}"
        path.write_text(text)
        read.append(basket_text(read_basket(path, "B1")))

    assert read == [read[0]] * 3


def test_a_basket_needs_no_name_to_be_estimated(tmp_path: Path) -> None:
    """One that has a name keeps it."""
    named, nameless = tmp_path / "named.json", tmp_path / "nameless.json"
    named.write_text(json.dumps(basket()))
    nameless.write_text(json.dumps({"legs": [SELL, BUY_NOW]}))

    assert read_basket(named, None, nameless="estimate").ref_id == "B1"
    assert read_basket(nameless, None, nameless="estimate").ref_id == "estimate"


def test_a_number_in_yaml_is_refused(tmp_path: Path) -> None:
    """It has lost digits before anybody looks at it."""
    path = tmp_path / "basket.yaml"
    path.write_text("ref_id: B1\nlegs: [{instrument: BTC/USD, side: SELL, base_quantity: 1.5}]\n")

    with pytest.raises(BadInput, match=r"legs\.1\.base_quantity: must be text"):
        read_basket(path, None)

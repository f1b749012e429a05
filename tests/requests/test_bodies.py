"""Bad input ends in one sentence that names the field."""

import pytest

from router.model.errors import BadInput
from router.model.events import ParentSubmitted
from router.model.ids import EntityId, InstrumentId, Nanos, VenueId
from router.requests import Offered, OrderBody, order_request, understand
from router.requests.bodies import parse

OFFERED = Offered(instruments=(InstrumentId("BTC/USD"),), venues=frozenset({VenueId("kraken")}))
GOOD = {"ref_id": "T-1", "instrument": "BTC/USD", "side": "BUY", "base_quantity": "1.5"}


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"base_quantity": 1.5}, "base_quantity", "must be text"),
        ({"base_quantity": "1e9"}, "base_quantity", "plain positive decimal"),
        ({"base_quantity": "-1"}, "base_quantity", "plain positive decimal"),
        ({"base_quantity": "NaN"}, "base_quantity", "plain positive decimal"),
        ({"base_quantity": "٣"}, "base_quantity", "plain positive decimal"),
        ({"base_quantity": "0.0"}, "base_quantity", "more than zero"),
        ({"base_quantity": None}, "base_quantity", "is missing"),
        ({"quote_value": "100"}, "quote_value", "give one of them"),
        ({"base_quantity": None, "quote_value": "0"}, "quote_value", "more than zero"),
        ({"limit_price": "0"}, "limit_price", "more than zero"),
        ({"side": "buy"}, "side", "must be BUY or SELL"),
        ({"ref_id": "a b"}, "ref_id", "letters, digits, - and _ only, at most 64"),
        ({"policy": "TWIN"}, "policy", "must be SWEEP, BEST_SINGLE"),
        ({"colour": "red"}, "colour", "is not a field"),
        ({"params": {"rounds_max": 0}}, "params.rounds_max", "must be at least 1"),
        ({"venues": {"include": []}}, "venues.include", "must name at least 1"),
        ({"params": {"rounds_max": "3"}}, "params.rounds_max", "whole number"),
        ({"params": 3}, "params", "an object"),
        ({"instrument": "btc-usd"}, "instrument", "such as BTC/USD"),
        ({"venues": {"include": "kraken"}}, "venues.include", "must be a list"),
        ({"venues": {"include": ["kraken"], "exclude": ["kraken"]}}, "venues", "both included and excluded"),
    ],
)
def test_each_wrong_field_is_named(change: dict[str, object], field: str, says: str) -> None:
    """One clear sentence, with the field first."""
    with pytest.raises(BadInput) as caught:
        parse(OrderBody, GOOD | change)

    assert caught.value.field == field
    assert says in caught.value.message


def test_a_request_means_the_same_parent_in_every_process() -> None:
    """The row alone is enough to know the order, its id included."""
    body = parse(OrderBody, GOOD)
    request = order_request(body, entity=EntityId("acme"), principal="ann", asked_ns=Nanos(1))

    first = understand(request, "d", OFFERED)
    second = understand(request, "d", OFFERED)

    assert isinstance(first, ParentSubmitted)
    assert first == second
    assert first.order.quantity_basis == "GROSS"


def test_the_same_order_in_another_spelling_is_the_same_request() -> None:
    """Amounts have one spelling, and a default that is spelled out by nobody is not part of the request."""

    def asked(**change: object) -> str:
        body = parse(OrderBody, GOOD | change)
        return order_request(body, entity=EntityId("acme"), principal="ann", asked_ns=Nanos(1)).body_hash

    assert asked() == asked(base_quantity="1.50") == asked(params={})
    assert asked() != asked(base_quantity="1.51")
    assert (
        "rounds_max"
        not in order_request(parse(OrderBody, GOOD), entity=EntityId("acme"), principal="ann", asked_ns=Nanos(1)).body
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"instrument": "ETH/USD"}, "instrument: ETH/USD is not traded here; there is BTC/USD"),
        ({"venues": {"exclude": ["kraken"]}}, "venues.exclude: leaves no venue"),
    ],
)
def test_what_cannot_be_traded_is_refused_at_every_door(change: dict[str, object], says: str) -> None:
    """Whoever wrote the row: the check stands where requests are understood."""
    request = order_request(
        parse(OrderBody, GOOD | change), entity=EntityId("acme"), principal="ann", asked_ns=Nanos(1)
    )

    with pytest.raises(BadInput, match=says):
        understand(request, "d", OFFERED)


def test_a_venue_that_is_not_configured_is_refused() -> None:
    """By name, with the ones that are."""
    body = parse(OrderBody, GOOD | {"venues": {"include": ["krakn"]}})
    request = order_request(body, entity=EntityId("acme"), principal="ann", asked_ns=Nanos(1))

    with pytest.raises(BadInput, match=r"venues.include: krakn is not one of kraken"):
        understand(request, "d", OFFERED)

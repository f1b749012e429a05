"""When a fee is a surprise: beyond the venue's own rounding, or in an asset that was neither bought nor sold."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.engine import charging
from router.engine.charging import is_surprise
from router.engine.draft import Draft
from router.engine.image import FeeTerms
from router.engine.state import State
from router.model import facts as f
from router.model.ids import AccountId, Asset, ListingId, Nanos, TradeId, VenueOrderId
from router.model.instruments import TokenDiscount
from router.model.market import FeeBasis
from router.model.money import exactly
from router.model.orders import Fee, VenueTrade
from router.model.side import Side


def trade(quantity: str, *fees: tuple[str, str]) -> VenueTrade:
    """At 100 dollars."""
    return VenueTrade(
        account=AccountId("kraken/main"),
        symbol="BTC/USD",
        trade_id=TradeId("T1"),
        venue_order_id=VenueOrderId("O1"),
        side=Side.BUY,
        price=Decimal(100),
        quantity=Decimal(quantity),
        fees=tuple(Fee(asset=Asset(asset), amount=Decimal(amount)) for asset, amount in fees),
        maker=False,
        venue_time_ns=Nanos(0),
    )


def listed(bps: str, told_ns: int = 0, *, in_bnb: str | None = None) -> FeeTerms:
    """What a listing was told to charge from then on."""
    discount = None if in_bnb is None else TokenDiscount(token=Asset("BNB"), taker_fee_bps=Decimal(in_bnb), on=True)
    return FeeTerms(taker_fee_bps=Decimal(bps), discount=discount, told_ns=Nanos(told_ns))


@pytest.mark.parametrize(
    ("listed_bps", "quantity", "fees", "surprise"),
    [
        ("10", "1.2345", [("USD", "0.12345")], False),
        ("10", "1.2345", [("USD", "0.13")], False),  # up to the next cent
        ("10", "1.2345", [("USD", "0.14")], True),
        ("10", "1.2345", [("USD", "0.12346")], False),
        ("10", "1.2345", [("USD", "0.12350")], True),  # a venue that counts to the fifth digit
        ("10", "1.2345", [("BTC", "0.00123450")], False),
        ("10", "1.2345", [("BTC", "0.00123453")], True),
        ("10", "0.001", [("USD", "0")], False),
        ("10", "10", [], True),
        ("-5", "2", [("USD", "-0.1")], False),
        ("-5", "2", [("USD", "0.1")], True),
        ("10", "1", [("USD", "0.05"), ("BTC", "0.0005")], False),
        ("10", "1", [("BNB", "0.0001")], True),
    ],
)
def test_a_surprise_is_more_than_rounding(
    listed_bps: str, quantity: str, fees: list[tuple[str, str]], surprise: bool
) -> None:
    """By one step of the last digit the venue shows; cents where it shows none."""
    with exactly():
        assert is_surprise(listed(listed_bps), trade(quantity, *fees)) is surprise


LISTING = ListingId("kraken/main:BTC/USD")
CHANGED_NS, LATER_NS = 100_000_000_000, 200_000_000_000


def state_told(*terms: FeeTerms) -> State:
    """A state that was told these, one after the other."""
    state, before = State(), None
    for one in terms:
        state.apply(
            f.FeeTold(
                account=AccountId("kraken/main"),
                listing_id=LISTING,
                taker_fee_bps=one.taker_fee_bps,
                before_bps=before,
                at_ns=one.told_ns,
                discount=one.discount,
            )
        )
        before = one.taker_fee_bps
    return state


def surprised(state: State, made: VenueTrade) -> bool:
    """Is a fee surprise noted when this fill is booked?"""
    draft = Draft(state=state, now_ns=Nanos(LATER_NS + 1))
    with exactly():
        charging.on_booked(draft, LISTING, made)
    return bool(draft.facts)


@pytest.mark.parametrize(
    ("made_ns", "paid", "surprise"),
    [
        (CHANGED_NS // 2, "0.10", False),  # the old rate, booked after the new one was told
        (CHANGED_NS // 2, "0.30", False),  # the new one, in force before it was told
        (CHANGED_NS // 2, "0.20", True),
        (CHANGED_NS + 1, "0.10", False),  # within what two clocks differ by
        (CHANGED_NS * 3 // 2, "0.10", True),
        (CHANGED_NS * 3 // 2, "0.30", False),
        (CHANGED_NS * 3 // 2, "0.70", False),  # told next
        (CHANGED_NS // 2, "0.70", True),
        (LATER_NS * 2, "0.70", False),
        (LATER_NS * 2, "0.30", True),
    ],
)
def test_a_fill_is_judged_by_what_was_listed_when_it_was_made(made_ns: int, paid: str, surprise: bool) -> None:
    """Not by what is listed when it is booked; between two readings either may have held."""
    state = state_told(listed("10"), listed("30", CHANGED_NS), listed("70", LATER_NS))
    made = replace(trade("1", ("USD", paid)), venue_time_ns=Nanos(made_ns))

    assert surprised(state, made) is surprise


@pytest.mark.parametrize(
    ("fees", "surprise"),
    [
        ([("BNB", "0.00015")], False),  # 7.5 bp of 100 dollars, at 500
        ([("BNB", "0.00016")], False),  # the venue values its token otherwise than our mark
        ([("BNB", "0.0002")], True),
        ([("USD", "0.10")], False),  # it ran out: the full rate is as listed
        ([("USD", "0.075")], True),
        ([("BNB", "0.0001"), ("USD", "0.03")], True),
        ([("HT", "0.00015")], True),
    ],
)
def test_a_discount_that_is_on_may_be_charged_either_way(fees: list[tuple[str, str]], surprise: bool) -> None:
    """In the token at its rate, by the value the round was planned on; or in full without it."""
    state = state_told(listed("10", in_bnb="7.5"))
    state.fee_bases[LISTING] = FeeBasis(
        listing_id=LISTING,
        account=AccountId("kraken/main"),
        token=Asset("BNB"),
        taker_fee_bps=Decimal("7.5"),
        needed=None,
        held=None,
        token_rate=Decimal(500),
        quote_rate=Decimal(1),
        source="declared",
        age_ns=0,
        why_not=None,
    )

    assert surprised(state, trade("1", *fees)) is surprise


def test_a_token_bought_is_charged_at_its_discount_exactly() -> None:
    """The fee in what was bought is in the token: there is a rate to judge it by."""
    bought = replace(trade("1", ("BNB", "0.00075")), symbol="BNB/USD")

    with exactly():
        assert not is_surprise(listed("10", in_bnb="7.5"), bought)
        assert is_surprise(listed("10", in_bnb="5"), bought)

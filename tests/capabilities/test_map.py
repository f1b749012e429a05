"""The map agrees with itself, with the dialects, and with the tests it names."""

from collections.abc import Collection

import pytest

from connectors.ccxt_venue import familiar
from connectors.ccxt_venue.capabilities import CAPABILITIES, capabilities_of
from connectors.ccxt_venue.capabilities.shapes import Mark, Uniqueness
from connectors.ccxt_venue.clock_sources import CLOCK_SOURCES
from connectors.ccxt_venue.discounts import DISCOUNTS
from connectors.ccxt_venue.endpoints import ALLOWED
from connectors.ccxt_venue.hosts import NO_TESTNET, TESTNETS
from connectors.ccxt_venue.movements import MOVEMENTS
from connectors.ccxt_venue.registry import DIALECTS
from router.config import terms
from router.config.schema import TermsSection
from router.config.terms import terms_of
from router.config.tiers import TIERS, tier_of
from router.model.errors import BadInput
from router.model.ids import AccountId
from router.model.terms import Fence
from tests.capabilities.capture import OUR_ID, spelled
from tests.named import is_a_test

VENUES = sorted(CAPABILITIES)
FIFTEEN = (
    "binance binanceus coinbase coinbaseexchange kraken okx bybit bitstamp gemini "
    "kucoin bitfinex cryptocom gate bitget htx"
).split()


def test_all_fifteen_are_in_the_map():
    assert sorted(FIFTEEN) == VENUES


@pytest.mark.parametrize(
    "table",
    [
        DIALECTS,
        CLOCK_SOURCES,
        ALLOWED,
        MOVEMENTS,
        TIERS,
        terms._REAL,
        TESTNETS.keys() | NO_TESTNET.keys(),
        familiar._WORDS.keys() | familiar._SAME_AS.keys(),
    ],
)
def test_what_every_venue_has_every_venue_has(table: Collection[str]):
    """The list in CONTRIBUTING.md: a venue that is forgotten in one of these is found here, not on its first day."""
    assert sorted(table) == VENUES


def test_a_test_network_is_there_or_is_not():
    assert TESTNETS.keys().isdisjoint(NO_TESTNET)


def test_a_venue_that_is_not_in_the_map_is_refused_in_a_sentence():
    with pytest.raises(BadInput, match="not in the map; binance, "):
        capabilities_of("itbit")


@pytest.mark.parametrize("venue", VENUES)
def test_no_fence_without_what_it_stands_on(venue: str):
    """A deadline the venue documents, or none: general knowledge fences nothing, nor does an unlicensed dedupe."""
    one = CAPABILITIES[venue]

    assert one.fence in {Fence.DEADLINE, Fence.NONE}
    if one.fence is Fence.DEADLINE:
        assert one.expiry is not None
        assert one.expiry.mark is not Mark.UNCHECKED


@pytest.mark.parametrize("venue", VENUES)
def test_what_is_not_known_of_an_id_is_taken_for_the_worse(venue: str):
    """Without a fence and without dedupe: one child at a time, and no second driver."""
    one = CAPABILITIES[venue]

    if one.client_id.uniqueness is Uniqueness.EVER:
        assert one.client_id.uniqueness_mark is not Mark.UNCHECKED
    if one.fence is Fence.NONE:
        assert one.replicas_max == 1
        assert one.outstanding_max == (None if one.client_id.uniqueness is Uniqueness.EVER else 1)


@pytest.mark.parametrize("venue", VENUES)
def test_no_rate_is_said_to_have_a_discount_in_it_on_general_knowledge(venue: str):
    """A fee taken for less than it is would draw orders to the venue."""
    discount = CAPABILITIES[venue].discount

    assert discount is None or discount.in_rate is not True or discount.mark is not Mark.UNCHECKED


@pytest.mark.parametrize("venue", sorted(DISCOUNTS))
def test_a_discount_is_followed_only_where_the_rate_has_none_in_it(venue: str):
    """Else it would be taken off twice."""
    discount = CAPABILITIES[venue].discount

    assert discount is not None
    assert discount.in_rate is not True


@pytest.mark.parametrize("venue", sorted(set(VENUES) & set(DIALECTS)))
def test_dialect_and_map_say_the_same(venue: str):
    """Fence, dedupe, fee side and the spelling of our id."""
    one, dialect = CAPABILITIES[venue], DIALECTS[venue]()

    assert dialect.takes_deadline == (one.fence is Fence.DEADLINE)
    assert dialect.fee_in is one.fee_in
    assert dialect.encode_id(OUR_ID) == spelled(venue)
    assert not dialect.dedupes_for_ever or one.client_id.uniqueness is Uniqueness.EVER


def test_the_tiers_of_the_settings_are_the_maps():
    """What `sor venues`, metrics and the live switch go by."""
    assert dict(TIERS) == {venue: one.tier.value for venue, one in CAPABILITIES.items()}
    assert tier_of("kucoin", None) == "B"
    assert tier_of("kucoin", "C") == "C"


@pytest.mark.parametrize("venue", sorted(set(VENUES) & set(DIALECTS)))
def test_terms_follow_the_map(venue: str):
    """What the router does where the file says nothing."""
    one = CAPABILITIES[venue]
    terms = terms_of(venue, AccountId("v/main"), TermsSection(), in_lab=False, dedupe_licensed=False)

    assert terms.fence is one.fence
    assert terms.outstanding_max == one.outstanding_max


@pytest.mark.parametrize("venue", sorted(set(VENUES) & set(DIALECTS)))
def test_every_trap_names_a_test_that_exists(venue: str):
    """A trap without a test is a story."""
    assert CAPABILITIES[venue].traps
    for trap in CAPABILITIES[venue].traps:
        assert is_a_test(trap.test), trap.test

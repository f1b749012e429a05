"""Every planted mistake is caught: by a pinned seed of the simulation, or by the engine's own story."""

from collections.abc import Callable
from functools import cache

import pytest

from router.simulate.many import run_one
from router.simulate.swarm import PROFILES
from tests.engine import test_adversary as adversary
from tests.engine import test_doubt as doubt
from tests.engine import test_late_fills as late_fills
from tests.engine import test_resting as rests
from tests.engine import test_strangers as strangers
from tests.engine import test_take_over as take_over
from tests.engine.desk import Desk
from tests.runtime import test_switch as switch
from tests.simulate import mutants as m

SEEDS: dict[Callable[[], m.Mistake], int] = {
    m.blind_retry_with_the_same_id: 1,
    m.given_up_and_sent_anew: 1,
    m.time_out_means_rejected: 5,
    m.one_not_found_means_absent: 9,
    m.no_deadline_on_the_wire: 65,
    m.sent_before_it_is_durable: 0,
    m.fills_are_not_deduplicated: 0,
    m.closed_is_believed_before_its_fills: 3,
    m.doubt_is_not_reserved: 11,
    m.a_parent_ends_before_its_children: 7,
    m.rows_go_in_whoever_was_there_first: 0,
    m.a_failed_append_is_carried_out: 4,
    m.a_copy_is_not_counted: 14,
    m.nothing_is_doubted_after_a_restart: 1,
    m.a_halt_is_forgotten_at_a_restart: 0,
    m.exists_means_rejected: 76,
    m.not_sent_although_bytes_left: 5,
    m.absence_is_proven_without_a_fence: 566,
    m.a_lookup_that_failed_counts_as_a_miss: 61,
    m.an_account_is_never_read_again: 0,
    m.a_strangers_trade_is_ours: 1,
    m.an_orphan_is_not_reported: 16,
    m.no_limit_of_the_day: 15,
    m.no_cap_of_a_child: 0,
    m.the_limit_price_is_ignored: 0,
    m.reservations_are_not_counted: 2,
    m.quarantine_is_not_reserved: 16,
    m.a_late_fill_of_who_has_left_is_ignored: 0,
    m.what_was_booked_is_forgotten_with_its_child: 8,
    m.an_archived_reference_is_taken_again: 7,
    m.parents_leave_too_early: 0,
    m.parents_leave_without_a_fact: 0,
    m.nobody_ever_leaves: 1,
    m.a_fill_after_never_placed_is_ignored: 10,
    m.strangers_are_remembered_for_ever: 0,
}
"""A seed of the brief profile that kills it. When the engine has changed it may be another: they are tried in order."""
SEEDS_MOST = 250
RESTING: dict[Callable[[], m.Mistake], int] = {
    m.placed_before_the_cancel_is_confirmed: 0,
    m.what_rests_is_not_counted_as_out: 5,
    m.post_only_is_lost_on_the_way: 2,
    m.a_limit_is_rounded_in_the_venues_favour: 0,
}
"""The same of the resting profile: in the brief one nothing rests."""

STORIES: dict[Callable[[], m.Mistake], Callable[[], None]] = {
    # The world shows these too seldom for a pinned seed, or never because nothing else goes wrong in just that way.
    m.evidence_counts_from_when_it_is_weighed: lambda: doubt.test_old_answers_are_judged_by_when_they_were_asked(
        desk()
    ),
    m.one_endpoint_is_enough_for_absence: lambda: doubt.test_one_endpoint_alone_proves_nothing(desk()),
    m.trades_nobody_can_explain_are_ignored: lambda: doubt.test_a_stranger_s_trade_blocks_the_proof(desk()),
    m.its_own_trade_is_no_proof: lambda: adversary.test_a_trade_of_an_order_no_list_names_proves_that_it_was_there(
        desk()
    ),
    m.a_clock_that_was_set_is_believed: (take_over.test_a_clock_that_was_set_between_two_drivers_proves_no_absence),
    m.a_refusal_settles_whatever_other_copies_do: doubt.test_a_refusal_of_a_second_copy_settles_only_that_copy,
    m.no_last_gate: switch.test_a_halt_bites_before_it_is_journaled_and_until_a_resume_is,
    m.fills_after_the_end_are_dropped: lambda: doubt.test_a_fill_after_never_placed_is_booked_and_stops_the_parent(
        desk()
    ),
    m.a_cancel_that_was_taken_is_the_end: lambda: adversary.test_a_cancel_that_was_taken_is_not_the_end(desk()),
    # No list of the world leaves out what stands.
    m.a_stranger_that_is_left_out_once_is_forgotten: strangers.test_a_list_that_leaves_it_out_once_says_nothing,
    # Its account is read again and again, and that looks it up, too.
    m.a_quarantined_child_is_left_to_its_person: lambda: (
        doubt.test_a_quarantined_child_is_looked_up_soon_and_then_more_slowly(desk())
    ),
    # No venue of the world answers with another order's record, or shows an order alive that had ended.
    m.another_order_is_believed: lambda: adversary.test_a_record_of_another_order_under_our_id_is_never_believed(
        desk()
    ),
    m.an_order_that_lives_again_is_ignored: lambda: doubt.test_an_order_alive_after_its_end_suspends_its_venue(desk()),
    # The market of the world comes to every resting order in the end.
    m.an_ioc_that_rests_is_left_there: lambda: adversary.test_an_ioc_that_rests_is_cancelled(desk()),
    m.a_stream_that_speaks_of_what_was_never_placed_is_not_heard: (
        late_fills.test_a_stream_that_names_a_child_that_was_never_placed_makes_the_engine_look
    ),
    m.a_row_without_an_id_is_never_one_of_ours: (
        late_fills.test_a_row_without_an_id_is_held_against_children_that_were_never_placed
    ),
    m.what_rests_is_counted_twice: lambda: rests.test_it_moves_only_for_a_better_place_and_after_the_old_one_is_gone(
        traded()
    ),
    m.what_stands_is_left_there_at_a_pause: lambda: rests.test_whatever_stops_an_order_takes_it_off_the_book(
        traded(), "pause"
    ),
    m.a_forgotten_order_is_waited_for: lambda: adversary.test_an_order_the_venue_has_forgotten_goes_to_a_person(desk()),
}

EQUIVALENT = {
    m.timers_are_not_set_again: (
        "every account is read and every living child looked up at a start, and both set their timers anew: "
        "only what waits for a moment is late, and nothing is lost"
    ),
}
"""What changes nothing that can be seen, and why. Neither would these, which are not planted: no halt in memory (the
durable one and the halt epoch of the approval stop the same copies), and no halt epoch (the halt itself does)."""


def desk() -> Desk:
    return Desk().start()


def traded() -> Desk:
    """A desk with a market in which something can rest."""
    opened = desk()
    opened.market(rests.MARKET)
    return opened


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mistake", SEEDS | RESTING, ids=lambda mistake: mistake.__name__)
def test_the_simulation_kills_it(mistake: Callable[[], m.Mistake]) -> None:
    """A breach the judge names, or an assertion that trips in the engine; without the mistake the seed is sound."""
    profile = "resting" if mistake in RESTING else "brief"
    seeds = ((SEEDS | RESTING)[mistake], *range(SEEDS_MOST))
    with mistake():
        caught = next((seed for seed in seeds if run_one(seed, PROFILES[profile]).breaches), None)

    assert caught is not None
    assert is_sound(caught, profile)


@cache
def is_sound(seed: int, profile: str) -> bool:
    return not run_one(seed, PROFILES[profile]).breaches


@pytest.mark.parametrize("mistake", STORIES, ids=lambda mistake: mistake.__name__)
def test_a_story_kills_it(mistake: Callable[[], m.Mistake]) -> None:
    """The story holds, and with the mistake it does not."""
    STORIES[mistake]()

    with mistake(), pytest.raises((AssertionError, TypeError)):  # a gate that answers None holds nothing to look in
        STORIES[mistake]()


def test_every_mistake_is_accounted_for() -> None:
    """At least 25 of them, each killed or known to change nothing."""
    planted = {found for name, found in vars(m).items() if _is_mistake(name, found)}

    assert planted == SEEDS.keys() | RESTING.keys() | STORIES.keys() | EQUIVALENT.keys()
    assert len(planted) - len(EQUIVALENT) >= 25


@pytest.mark.parametrize("seed", sorted(set(SEEDS.values())))
@pytest.mark.nightly
def test_a_seed_that_kills_is_sound_without_the_mistake(seed: int) -> None:
    """It is the mistake that is caught, not the world."""
    assert not run_one(seed, PROFILES["brief"]).breaches


def _is_mistake(name: str, found: object) -> bool:
    return callable(found) and getattr(found, "__module__", None) == m.__name__ and not name.startswith("_")

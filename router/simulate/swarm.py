"""What a seed switches on. Each class of faults is off with an even chance, so that no fault hides behind another.

(Swarm testing: leaving features out at random finds more than having all of them on.)
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType

from connectors.sim import WireFaults
from router.model.terms import RiskLimits

LIMITS = RiskLimits(
    parent_quantity_max=Decimal(50),
    parent_notional_max=Decimal(5_000_000),
    child_notional_max=Decimal(60_000),
    day_notional_max=Decimal(1_000_000_000),
    collar_bps=Decimal(200),
    book_age_ms_max=3_000,
)
_DAYS = (*(LIMITS.day_notional_max,) * 5, Decimal(1_500_000))


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """How much of everything. Times in virtual seconds."""

    name: str
    parents: tuple[int, int]
    faulty_s: float
    heal_s: float
    strength: float
    """Times every probability; 0 is a world without faults."""
    policies: bool = True
    """Do people ask for more than plain sweeps, and think again? Planted mistakes are looked for among sweeps."""
    baskets: tuple[int, int] = (0, 0)
    """How many baskets are asked for; with any there is a second instrument."""
    resting: bool = False
    """Do they ask for orders that rest, and for nothing else?"""

    def lasting(self, hours: float) -> "Profile":
        """As much in every minute, for so many hours."""
        times = hours * 3_600 / self.faulty_s
        least, most = (max(1, round(number * times)) for number in self.parents)
        fewest, baskets = (round(number * times) for number in self.baskets)
        return replace(self, faulty_s=hours * 3_600, parents=(least, most), baskets=(fewest, baskets))


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "calm": Profile(name="calm", parents=(8, 16), faulty_s=120, heal_s=300, strength=0.0),
        "default": Profile(name="default", parents=(14, 30), faulty_s=240, heal_s=900, strength=1.0),
        "brief": Profile(name="brief", parents=(6, 12), faulty_s=60, heal_s=900, strength=3.0, policies=False),
        "baskets": Profile(
            name="baskets", parents=(2, 5), faulty_s=120, heal_s=900, strength=2.0, policies=False, baskets=(5, 9)
        ),
        "resting": Profile(
            name="resting", parents=(6, 12), faulty_s=90, heal_s=900, strength=1.0, policies=True, resting=True
        ),
        "storm": Profile(name="storm", parents=(10, 24), faulty_s=240, heal_s=900, strength=3.0),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Swarm:
    """One seed's choice. Rates are per virtual second, probabilities per occasion.

    `strikes`: probability to be killed, and to be paused, at each named point. `pause_s_max`: the longest pause.
    """

    kinds: tuple[str, ...]
    parents: int
    wire: WireFaults
    read_lag_ms: int
    trade_lag_ms: int
    spelled: bool
    skew_ms: int
    kill_rate: float
    pause_rate: float
    strike_kill: float
    strike_pause: float
    pause_s_max: float
    outage_rate: float
    storm_rate: float
    symbol_halt_rate: float
    stale_rate: float
    gap_rate: float
    rests_rate: float
    rejects_rate: float
    drain_rate: float
    cancel_share: float
    halt_rate: float
    slow_socket: float
    commit_slow: float
    commit_lost: float
    commit_unknown: float
    database_down_rate: float
    database_full_rate: float
    clock_set: float
    """How often a driver comes up with a clock somebody has set meanwhile."""
    says_unreleased: bool
    usurp_rate: float
    maintenance_rate: float
    cancels_later_rate: float
    blind_rate: float
    fee_rate: float
    hand_rate: float
    """Somebody trades at an account by hand."""
    orphan_rate: float
    """An order with our tag stands at an account, and no intent explains it."""
    crossed_rate: float
    late_book_rate: float
    retention_s: int | None
    wealth: Decimal
    """Times the usual balances: where they are small, reservations decide what can be sent."""
    limits: RiskLimits
    archive_after_ms: int
    """How long an ended parent stays in the state."""
    late_fill_rate: float
    """A fill turns up of an order whose parent has left the state."""
    again_rate: float
    """A reference is handed in once more."""
    after_all_rate: float
    """A venue takes an order that was proven absent, or refused, after all: whatever was believed of its clock."""
    baskets: int


def draw(seed: int, profile: Profile) -> Swarm:
    """The seed's swarm."""
    draws = random.Random(f"{seed}:{profile.name}:swarm")

    def on(most: float) -> float:
        """Off, or up to three times more or less than `most`."""
        if draws.random() < 0.5:  # noqa: PLR2004 - an even chance
            return 0.0
        return most * draws.choice((0.3, 1.0, 3.0)) * profile.strength

    return Swarm(
        kinds=tuple(sorted(draws.sample(("perm", "first", "open", "never", "none"), draws.randint(2, 5)))),
        parents=draws.randint(*profile.parents),
        wire=WireFaults(
            not_sent=on(0.02),
            lost=on(0.03),
            late=on(0.03),
            twice=on(0.03),
            turned_away=on(0.03),
            limited=on(0.02),
            answer_lost=on(0.05),
            answer_late=on(0.05),
            garbled=on(0.05),
            hint_lost=on(0.2),
            hint_twice=on(0.2),
            hint_late=on(0.2),
        ).scaled(1.0),
        read_lag_ms=draws.choice((0, 0, 300, 2_000)),
        trade_lag_ms=draws.choice((0, 0, 500, 3_000)),
        spelled=draws.random() < 0.1,  # noqa: PLR2004 - the codec costs more than all the rest
        skew_ms=draws.choice((0, 200)) if profile.strength else 0,
        kill_rate=on(1 / 30),
        pause_rate=on(1 / 40),
        strike_kill=on(0.002),
        strike_pause=on(0.002),
        pause_s_max=draws.choice((2.0, 15.0, 90.0)),
        outage_rate=on(1 / 60),
        storm_rate=on(1 / 60),
        symbol_halt_rate=on(1 / 90),
        stale_rate=on(1 / 60),
        gap_rate=on(1 / 20),
        rests_rate=on(1 / 90),
        rejects_rate=on(1 / 90),
        drain_rate=on(1 / 60),
        cancel_share=on(0.1),
        halt_rate=on(1 / 120),
        slow_socket=on(0.2),
        commit_slow=on(0.03),
        commit_lost=on(0.005),
        commit_unknown=on(0.01),
        database_down_rate=on(1 / 120),
        database_full_rate=on(1 / 180),
        clock_set=on(0.3),
        says_unreleased=draws.random() < 0.5,  # noqa: PLR2004 - an even chance
        usurp_rate=on(1 / 90),
        maintenance_rate=on(1 / 120),
        cancels_later_rate=on(1 / 60),
        blind_rate=on(1 / 60),
        fee_rate=on(1 / 60),
        hand_rate=on(1 / 40),
        orphan_rate=on(1 / 150),
        crossed_rate=on(1 / 90),
        late_book_rate=on(1 / 90),
        retention_s=draws.choice((None, None, None, 5, 30)) if profile.strength else None,
        wealth=draws.choice((Decimal(1), Decimal(1), Decimal("0.02"))) if profile.strength else Decimal(1),
        limits=replace(LIMITS, day_notional_max=draws.choice(_DAYS)) if profile.strength else LIMITS,
        archive_after_ms=draws.choice((5_000, 20_000, 60_000)),
        late_fill_rate=on(1 / 10),
        again_rate=on(1 / 20),
        after_all_rate=on(1 / 5),
        baskets=draws.randint(*profile.baskets),
    )

"""How far a round may go beyond the best all-in price: near first, wider each time, then as far as it takes.

What stands near the touch costs least and comes back soonest; the time of one round trip is what it costs to ask for
it again instead of walking deeper at once. Measured in docs/EVALUATION.md.
"""

from decimal import Decimal

_WIDENS_BY = Decimal("1.5")
_ROUNDS = 7


def reach_bps(first_bps: Decimal | None, rounds: int) -> Decimal | None:
    """After so many rounds; None is no bound. `first_bps` None or 0: never a bound."""
    if not first_bps or rounds >= _ROUNDS:
        return None
    return first_bps * _WIDENS_BY**rounds

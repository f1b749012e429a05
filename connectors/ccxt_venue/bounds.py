"""How soon each way a stream can fail is noticed, in one place: stated here, held to by tests, printed in the docs.

Bounds are from the fault until the book is out of routing (or, where the fault leaves the book right, until it is told
of), in milliseconds, on a machine whose loop is not itself late. They follow from the account's own settings.
"""

from dataclasses import dataclass

from connectors.ccxt_venue.feeds import CONFIRM_S, FLOOD_OVER_S, LOOK_S, STILL_S
from connectors.ccxt_venue.odd_frames import UNKNOWN_FOR_S
from connectors.settings import VenueSettings

_LOOP_MS = 100
"""What a loop may be late by without being at fault."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """Of one account.

    `silent_ms`: nothing comes although pings are answered, from the first change that was not told. `half_open_ms`: no
    byte moves and no FIN comes, or a new socket is taken and never greeted. `malformed_ms`: a frame that is no JSON or
    lacks what it must have. `flood_ms`: more frames than a venue sends; told of, and all of them worked. `wrong_ms`: a
    book that is streamed without a hole and is not the venue's; None where it is never held against REST's. `clock_ms`:
    the venue's clock is set, or is further than `venue_clock.SKEW_NS_MAX` from ours by more than a reading leaves open.
    `private_ms`: a private stream is subscribed and not confirmed. `untold_ms`: it is confirmed and does not tell what
    REST has shown of an order. `unknown_ms`: a stream brings more unknown frames than may be
    (`odd_frames.UNKNOWN_PER_S`), and is rebuilt; each by itself is counted when it comes.
    """

    silent_ms: int
    half_open_ms: int
    malformed_ms: int
    flood_ms: int
    wrong_ms: int | None
    clock_ms: int
    private_ms: int
    untold_ms: int
    unknown_ms: int


def bounds_of(settings: VenueSettings) -> Bounds:
    """What holds for an account with these settings."""
    look_ms = int(LOOK_S * 1000) + _LOOP_MS
    silent_ms = settings.silence_ms + look_ms + int(STILL_S * 1000)
    wrong_ms = None
    if settings.check_every_ms is not None:
        one_check = 2 * settings.check_apart_ms + settings.timeout_ms
        # Cadences are spread by a quarter, and the check under way when the book goes wrong may have begun too early to
        # see it.
        wrong_ms = settings.check_every_ms * 5 // 4 + 3 * one_check + _LOOP_MS
    return Bounds(
        silent_ms=silent_ms,
        half_open_ms=silent_ms,
        malformed_ms=_LOOP_MS,
        flood_ms=2 * (int(FLOOD_OVER_S * 1000) + look_ms),
        wrong_ms=wrong_ms,
        clock_ms=2 * (settings.touch_ms + settings.timeout_ms),
        private_ms=int(CONFIRM_S * 1000) + _LOOP_MS,
        untold_ms=settings.report_ms + look_ms,
        # Seconds are counted whole: the first one is cut, and the one that tells of the last comes after it.
        unknown_ms=(UNKNOWN_FOR_S + 2) * 1000 + _LOOP_MS,
    )

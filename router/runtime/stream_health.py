"""How each account's streams and clock have been since this process started, for whoever looks. Decides nothing."""

from collections import Counter
from dataclasses import dataclass, field

from router.model.ids import AccountId
from router.model.stream_notes import Channel, ClockCompared, FrameOdd, Oddity, StreamNote, StreamSuspect

_NS_PER_MS = 1_000_000
Shown = dict[str, object]


@dataclass(slots=True)
class _Account:
    odd: Counter[tuple[Channel, Oddity]] = field(default_factory=Counter)
    said: dict[tuple[Channel, Oddity], str] = field(default_factory=dict)
    suspected: Counter[Channel] = field(default_factory=Counter)
    why: dict[Channel, str] = field(default_factory=dict)
    clock: ClockCompared | None = None


class StreamHealth:
    """Counts notes. `note` answers whether this one is news: the first of its kind, and then at every power of ten."""

    def __init__(self) -> None:
        self._accounts: dict[AccountId, _Account] = {}

    def note(self, account: AccountId, note: StreamNote) -> bool:
        """Take one in."""
        held = self._accounts.setdefault(account, _Account())
        match note:
            case FrameOdd(channel=channel, oddity=oddity, says=says):
                held.odd[channel, oddity] += 1
                new = held.said.get((channel, oddity)) != says
                held.said[channel, oddity] = says
                return new or _is_round(held.odd[channel, oddity])
            case StreamSuspect(channel=channel, why=why):
                held.suspected[channel] += 1
                held.why[channel] = why
                return True
            case ClockCompared():
                before = None if held.clock is None else held.clock.skewed is not None
                held.clock = note
                return (note.skewed is not None) != bool(before)

    def shown(self, account: AccountId) -> Shown:
        """Counts by channel, and the clock in ms; `says` holds what a person should read, worst first."""
        held = self._accounts.get(account, _Account())
        clock = held.clock
        return {
            "frames": {f"{channel} {oddity}": count for (channel, oddity), count in sorted(held.odd.items())},
            "suspected": {str(channel): count for channel, count in sorted(held.suspected.items())},
            "clock_offset_ms": None if clock is None else clock.offset_ns // _NS_PER_MS,
            "clock_error_ms": None if clock is None else clock.error_ns // _NS_PER_MS,
            "says": _said(held),
        }


def _said(held: _Account) -> list[str]:
    lines = [] if held.clock is None or held.clock.skewed is None else [held.clock.skewed]
    lines += [
        f"{channel} suspected {held.suspected[channel]} times: {held.why[channel]}" for channel in sorted(held.why)
    ]
    lines += [f"{held.odd[key]} {key[1]} frames of {key[0]}, the last: {held.said[key]}" for key in sorted(held.said)]
    return lines


def _is_round(count: int) -> bool:
    return str(count).strip("0") == "1"

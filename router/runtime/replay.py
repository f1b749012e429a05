"""The third shell: decide again what the journal says was decided, and name the first row that comes out otherwise.

Each row's event is given to an engine that stands where the one of the time stood; its facts are compared with those
written down. A divergence means that this release decides otherwise than the one that wrote the row, or that a decision
depended on something besides state, event and view: a bug by definition.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from router.engine import Engine
from router.engine.draft import Asked
from router.journal import codec
from router.model.facts import DecisionFailed, Fact
from router.ports import Appended, Policy


@dataclass(frozen=True, kw_only=True, slots=True)
class Divergence:
    """The first row that is decided otherwise: what was written, what comes out now; `error` if nothing does."""

    seq: int
    event: str
    written: tuple[Fact, ...]
    decided: tuple[Fact, ...]
    error: str | None = None

    @property
    def first(self) -> tuple[str, str]:
        """The first fact that differs, as written and as decided; 'nothing' where one list is longer."""
        longer = max(len(self.written), len(self.decided))
        for position in range(longer):
            pair = tuple(
                repr(facts[position]) if position < len(facts) else "nothing" for facts in (self.written, self.decided)
            )
            if pair[0] != pair[1]:
                return pair[0], pair[1]
        return "nothing", self.error or "nothing"


def _bytes_of(facts: tuple[Fact, ...]) -> bytes:
    return b"\n".join(codec.dumps(fact) for fact in facts)


class Replay:
    """Fed the journal's rows in order from the first. `concerns` says which rows to decide again; all by default.

    With an `engine` that was recovered, fed from the row after the one it stands at.
    """

    def __init__(
        self,
        policies: Mapping[str, Policy],
        concerns: Callable[[Appended], bool] | None = None,
        engine: Engine | None = None,
    ) -> None:
        self.rows = 0
        self.decided = 0
        """Rows decided again and found equal."""
        self.asked: tuple[Asked, ...] = ()
        """What the splitter was asked by the last row that was decided again."""
        self.facts_hash = ""
        """Of that row's facts, as they are written: SHA-256."""
        self._policies = policies
        self._concerns = concerns
        self._engine = Engine(policies) if engine is None else engine

    def take(self, rows: Iterable[Appended]) -> Divergence | None:
        """The next rows; the first of them that diverges, if one does. Nothing may be fed after that."""
        for appended in rows:
            if (found := self._take(appended)) is not None:
                return found
        return None

    def _take(self, appended: Appended) -> Divergence | None:
        self.rows += 1
        stamped, written = appended.row.stamped, appended.row.facts
        failed = any(isinstance(fact, DecisionFailed) for fact in written)
        if failed or (self._concerns is not None and not self._concerns(appended)):
            self._engine.recover(stamped.at_ns, written)
            return None
        try:
            decision = self._engine.decide(stamped)
            decided, self.asked = decision.facts, decision.asked
        except Exception as error:  # noqa: BLE001 - whatever this release does with the event is the finding
            why = f"{type(error).__name__}: {error}"
            return Divergence(
                seq=appended.seq, event=type(stamped.event).__name__, written=written, decided=(), error=why
            )
        again, kept = _bytes_of(decided), _bytes_of(written)
        self.facts_hash = hashlib.sha256(kept).hexdigest()
        if again != kept:
            return Divergence(seq=appended.seq, event=type(stamped.event).__name__, written=written, decided=decided)
        self.decided += 1
        return None

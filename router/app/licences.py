"""What was measured of used ids, and whether the configuration may rely on it.

A licence is a row of the journal: dated, chained by hash to what came before, and of one mode. A configuration may name
the one it rests on; one that was measured in this very database has to be there, and a measurement that says the
opposite is never overruled by a setting.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from router.config import Config
from router.model.errors import BadInput
from router.model.events import DedupeProbed, DedupeVerdict
from router.model.ids import AccountId, Nanos
from router.store import JournalStore
from router.store.newest import newest

_PROBES_MOST = 1_000
_S = 1_000_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A probe's result and where it stands in the journal."""

    probe: DedupeProbed
    seq: int
    hash: str
    at_ns: Nanos

    @property
    def name(self) -> str:
        """As `dedupe_licensed` may name it."""
        on = datetime.fromtimestamp(self.at_ns // _S, tz=UTC).date().isoformat()
        return f"{self.probe.mode} {on} ccxt {self.probe.ccxt}"


async def measured(store: JournalStore) -> Mapping[AccountId, tuple[Measured, ...]]:
    """Every probe that came to a verdict, per account, newest first."""
    found: dict[AccountId, list[Measured]] = {}
    for row in await newest(store, DedupeProbed.__name__, _PROBES_MOST):
        probe = row.row.stamped.event
        assert isinstance(probe, DedupeProbed)
        if probe.verdict not in {None, DedupeVerdict.NOT_MEASURED}:
            one = Measured(probe=probe, seq=row.seq, hash=row.hash, at_ns=row.row.stamped.at_ns)
            found.setdefault(probe.account, []).append(one)
    return {account: tuple(those) for account, those in found.items()}


async def check_licences(config: Config, store: JournalStore) -> None:
    """Raise `BadInput` for a licence that a probe contradicts, or that names a probe which is not there."""
    licensed = [venue for venue in config.venues if venue.dedupe_licensed]
    known = await measured(store) if licensed else {}
    for venue in licensed:
        field = f"venues.{venue.venue}.dedupe_licensed"
        those = known.get(venue.account, ())
        if those and those[0].probe.verdict is DedupeVerdict.SECOND_ACCEPTED:
            raise BadInput(
                field, f"is contradicted by the probe `{those[0].name}` (seq {those[0].seq}): set it to false"
            )
        here = venue.licence is not None and venue.licence.partition(" ")[0] == config.mode
        if here and venue.licence not in {one.name for one in those}:
            raise BadInput(field, f"names `{venue.licence}`, and no such probe is in this database")

"""A lab, a configuration and an order: what a person at a shell has, with `sor` as processes of its own."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from connectors.lab.client import LabControl
from connectors.lab.process import Lab
from router.app.execute import ExitCode
from router.drill import stand
from router.drill.stand import TERMS, Seat, lab_settings, set_books, urls_of, write_config
from tests.e2e.rig import quantity_of
from tests.e2e.runner import Bug, Moment, Sor, sor
from tests.e2e.truth import assert_venues_agree

QUANTITY = Decimal("2.4")
DUST = Decimal("0.00002")
"""Below the smallest order of any of the three venues, 0.00001666 bitcoin at these prices."""
DONE = frozenset({ExitCode.FILLED, ExitCode.INCOMPLETE})
"""How an order ends that was done; incomplete for want of `DUST` only, which `assert_done_once` sees to."""
TIMINGS = {"lease_ttl_ms": 400, "approval_age_ms": 1_000, "request_poll_ms": 10, "snapshot_every": 15}
SEATS = tuple(replace(seat, terms={**TERMS, "quarantine_after_ms": 10_000}) for seat in stand.SEATS)
"""A killed process costs time in which a doubt grows old: not so fast that it would be a person's."""
SMALL_CHILDREN = {"child_notional_max": 20_000}
"""So that an order of `QUANTITY` takes three rounds over three venues."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one works, and on what."""

    folder: Path
    config: Path
    database_url: str
    control: LabControl
    lab: Lab

    def order(self, ref_id: str = "R1", quantity: str = str(QUANTITY), **fields: Any) -> Path:
        """An order file."""
        body = {"ref_id": ref_id, "instrument": "BTC/USD", "side": "BUY", "base_quantity": quantity, **fields}
        path = self.folder / f"{ref_id}.json"
        path.write_text(json.dumps(body))
        return path

    def sor(self, name: str, *arguments: str, moment: Moment | None = None, bug: Bug | None = None) -> Sor:
        """`sor` with this configuration."""
        command, *rest = arguments
        given = (command, *rest, "--config", str(self.config))
        return sor(*given, folder=self.folder, name=name, moment=moment, bug=bug)

    def execute(
        self, name: str, order: Path, *, moment: Moment | None = None, bug: Bug | None = None, wait_s: int = 30
    ) -> Sor:
        """`sor execute`."""
        arguments = ("execute", "--order", str(order), "--wait", str(wait_s), "--json")
        return self.sor(name, *arguments, moment=moment, bug=bug)


def printed(run: Sor) -> Mapping[str, Any]:
    """What `--json` wrote."""
    found: Mapping[str, Any] = json.loads(run.out.read_text())
    return found


@asynccontextmanager
async def desk_at(
    folder: Path, database_url: str, seats: Sequence[Seat] = SEATS, **changes: Any
) -> AsyncIterator[Desk]:
    """Static books on free ports, so that every run finds the same market."""
    async with Lab(lab_settings(seats)) as lab, LabControl(lab.control_url) as control:
        await set_books(control, seats)
        sections = {"timings": TIMINGS, "limits": SMALL_CHILDREN, "database": database_url, **changes}
        config = write_config(folder, urls_of(lab), seats, **sections)
        yield Desk(folder, config, database_url, control, lab)


async def assert_done_once(desk: Desk) -> None:
    """Both sides agree on one parent, and it got all of `QUANTITY`, or all but what no venue would take."""
    agreed = await assert_venues_agree(desk.control, desk.database_url)
    [detail] = agreed.ours.parents
    done = quantity_of(agreed.orders_of(detail.parent.id))
    assert done == detail.totals.quantity
    assert done == QUANTITY or (QUANTITY - done < DUST and "dust" in detail.parent.reason), detail.parent

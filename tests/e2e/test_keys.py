"""A key that changes under a running router: what it may do now is told, and where it must not, nothing is traded."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.lab.faults import Call, FaultKind
from connectors.lab.protocols import PROTOCOLS
from router.cli import report
from router.drill.stand import BINANCE, COINBASE, KRAKEN, NIGHTLY_SEATS, TERMS, Seat
from router.model.ids import AccountId
from router.model.orders import ParentState
from tests.e2e.rig import Stand, order, quantity_of, standing
from tests.waiting import eventually

OFTEN = {**TERMS, "reconcile_every_ms": 50}
DAILY = replace(KRAKEN, terms=OFTEN, more={"key_check": "refuse", "key_check_every_s": 1})


@pytest.mark.asyncio
async def test_a_key_that_learns_to_withdraw_shuts_its_account(tmp_path: Path) -> None:
    """At the next check, with the reason; and opens it again once it has lost that power."""
    async with standing(tmp_path, (DAILY,)) as stand:
        gates = stand.engine.driver.engine.state.gates
        await eventually(lambda: stand.gate_open(DAILY))
        await stand.control.grant("kraken", withdraw=True)
        await eventually(lambda: not stand.gate_open(DAILY))
        assert gates[AccountId("kraken/main")].reason == "its key can withdraw or transfer"

        await stand.router.projector.catch_up()
        queries = stand.router.queries
        line = report.venues_report(stand.config, await queries.venue_accounts(), ())[0]
        assert (line["key"]["may_withdraw"], line["key"]["refused"]) == (True, True)
        assert [alert.detail for alert in await queries.alerts(kind="GATE_CLOSED")] == [
            "its key can withdraw or transfer"
        ]
        assert b'sor_key_doubts{account="kraken/main"} 1.0' in stand.router.observe.exposition()

        await stand.control.grant("kraken", withdraw=False)
        await eventually(lambda: stand.gate_open(DAILY))


@pytest.mark.asyncio
async def test_in_the_lab_such_a_key_is_reported(tmp_path: Path) -> None:
    """Nothing is refused where there is no money, but it is shown."""
    seat = replace(KRAKEN, terms=OFTEN, more={"key_check_every_s": 1})
    async with standing(tmp_path, (seat,)) as stand:
        await stand.control.grant("kraken", withdraw=True)

        def reported() -> bool:
            key = stand.engine.driver.engine.state.keys.get(AccountId("kraken/main"))
            return key is not None and key.doubts == ("can withdraw or transfer",)

        await eventually(reported)
        assert stand.gate_open(seat)


class KeyFiles:
    """Where an operator keeps an account's key."""

    def __init__(self, folder: Path, seat: Seat) -> None:
        self._folder = folder / "secrets"
        self._folder.mkdir(exist_ok=True)
        [key] = PROTOCOLS[seat.protocol].default_keys()
        self._prefix = key.key.removesuffix("-key")
        self.first = {"key": key.key, "secret": key.secret, "passphrase": key.passphrase}
        self.names = {"apiKey": "key", "secret": "secret", **({"password": "passphrase"} if key.passphrase else {})}
        self.write(self.first)

    def write(self, key: Mapping[str, str]) -> None:
        """Part by part: who looks in between sees halves of two keys."""
        for name in self.names.values():
            path = self._folder / name
            path.touch(mode=0o600)
            path.write_text(key[name])

    def another(self, number: int = 2) -> dict[str, str]:
        """A key the venue could give out next, its secret in a form any venue may use."""
        secret = base64.b64encode(f"another secret {number}".encode() * 3).decode()
        return {**self.first, "key": f"{self._prefix}-key-{number}", "secret": secret}


def with_files(folder: Path, seat: Seat) -> tuple[Seat, KeyFiles]:
    files = KeyFiles(folder, seat)
    looked = {"by": "jane", "on": datetime.now(UTC).date().isoformat()}
    attest = {"cannot_withdraw": looked, "ip_restricted": looked}
    return replace(seat, terms=OFTEN, more={"keys": files.names, "key_check": "refuse", "attest": attest}), files


def reason(stand: Stand, seat: Seat) -> str:
    return stand.engine.driver.engine.state.gates[AccountId(f"{seat.name}/main")].reason


def doubts(stand: Stand, seat: Seat) -> str:
    key = stand.engine.driver.engine.state.keys.get(AccountId(f"{seat.name}/main"))
    return "" if key is None else " ".join(key.doubts)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "seat",
    [KRAKEN, *(pytest.param(seat, marks=pytest.mark.nightly) for seat in (BINANCE, COINBASE, *NIGHTLY_SEATS))],
    ids=lambda seat: seat.name,
)
async def test_a_key_revoked_in_the_middle_of_a_parent_is_replaced_without_a_restart(
    tmp_path: Path, seat: Seat
) -> None:
    """An answer is lost, the key dies, the account shuts; the next key finds the order and does the rest, once."""
    seat, files = with_files(tmp_path, seat)
    symbol = next(iter(seat.symbols))
    async with standing(tmp_path, (seat,)) as stand:
        await eventually(lambda: stand.gate_open(seat))
        await stand.control.set_book(seat.name, symbol, bids=[("60000", "5")], asks=[("60010", "0.5")])
        lost = await stand.control.inject(seat.name, FaultKind.RESET_AFTER, call=Call.PLACE)
        parent = await stand.submit(order("R1", "1.25", params={"rounds_max": 1000, "round_wait_ms": 50}))
        await eventually(lambda: stand.fired(lost))
        await stand.control.change_key(seat.name, revoke=True)
        await eventually(lambda: not stand.gate_open(seat))
        assert "could not be read whole" in reason(stand, seat)

        next_key = files.another()
        await stand.control.change_key(seat.name, give=next_key)
        files.write(next_key)
        await eventually(lambda: stand.gate_open(seat), within_s=20)
        await stand.control.set_book(seat.name, symbol, bids=[("60000", "5")], asks=[("60010", "5")])

        assert await stand.ended(parent) is ParentState.FILLED
        assert quantity_of(await stand.control.orders(seat.name)) == Decimal("1.25")
        booked = (await stand.result(parent)).detail
        assert booked is not None
        assert booked.totals.quantity == Decimal("1.25")


@pytest.mark.asyncio
async def test_a_key_is_not_used_before_it_is_found_fit_and_of_the_same_account(tmp_path: Path) -> None:
    """The old one goes on meanwhile, and the trouble is said; a fit one is taken without a pause."""
    seat, files = with_files(tmp_path, KRAKEN)
    async with standing(tmp_path, (seat,)) as stand:
        await eventually(lambda: stand.gate_open(seat))
        assert await stand.ended(await stand.submit(order("R1", "0.1"))) is ParentState.FILLED
        venue = stand.lab.venues[seat.name]

        elsewhere = files.another(2)
        venue.exchange.deposit("other", "USD", Decimal(1), now_ns=venue.now_ns())
        await stand.control.change_key(seat.name, give=elsewhere, account="other")
        files.write(elsewhere)
        await eventually(lambda: "nothing shows that it opens the same account" in doubts(stand, seat))

        await stand.control.grant(seat.name, withdraw=True)
        mighty = files.another(3)
        await stand.control.change_key(seat.name, give=mighty, account="main")
        files.write(mighty)
        await eventually(lambda: "but the new one can withdraw or transfer" in doubts(stand, seat))
        assert stand.gate_open(seat)

        await stand.control.grant(seat.name, withdraw=False)
        fit = files.another(4)
        await stand.control.change_key(seat.name, revoke=True, give=fit, account="main")
        files.write(fit)
        assert await stand.ended(await stand.submit(order("R2", "0.1"))) is ParentState.FILLED
        assert not venue.exchange.orders("other")
        assert doubts(stand, seat) == ""

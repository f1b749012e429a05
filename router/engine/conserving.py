"""Conservation in the engine: count what moved, judge what is held, tell what does not fit."""

from collections.abc import Sequence

from router import conservation
from router.conservation import COUNTED_FOR_NS, Ledger
from router.engine import children
from router.engine.draft import Draft
from router.engine.state import State
from router.model import events as e
from router.model import facts as f
from router.model.ids import Nanos
from router.model.money import ZERO
from router.model.orders import VenueTrade, booking_key
from router.model.outcomes import AccountRead
from router.orders.records import Child

_MS = 1_000_000
TRADES_OVERLAP_NS = 600_000 * _MS
"""Trades are read again from before the watermark: lists are not sorted by when they become visible."""


def under_way(state: State, read: AccountRead) -> tuple[Child, ...]:
    """Children whose doings the reading may hold in part: living ones, and those that ended just before it.

    To be asked before the reading's balances are taken.
    """
    terms = state.terms(read.account)
    since = Nanos(read.asked_ns - (0 if terms is None else terms.read_lag_ms * _MS))
    return tuple(
        child
        for child in state.blotter.drawing()
        if child.order.account == read.account and (child.ended_ns is None or child.ended_ns >= since)
    )


def on_read(draft: Draft, read: AccountRead, moving: Sequence[Child]) -> Nanos | None:
    """After its fills were booked: open the account's books, or hold them against what it holds.

    When something looks odd for the first time, the answer is when to read again.
    """
    state = draft.state
    ledger = state.ledgers.get(read.account)
    # What was born while the reading was out may stand in its later parts.
    known = {child.order.client_id for child in moving}
    living = (child for child in state.blotter.living() if child.order.account == read.account)
    moving = (*moving, *(child for child in living if child.order.client_id not in known))
    others = [t for t in read.trades if state.blotter.booked_to(booking_key(t)) is None and not _ours(state, t)]
    for trade in others:
        if ledger is None or booking_key(trade) not in ledger.counted:
            for child in tuple(state.blotter.may_have_made(trade)):
                children.suspect(draft, child, f"trade {trade.trade_id} of nobody we know could be its own")
    if ledger is not None:
        _count_others(draft, ledger, others, read.asked_ns)
    if read.movements is None:
        return None  # a list the venue keeps could not be read this time: nothing can be judged by the rest
    if ledger is None:
        if not moving:
            counted = [(m.key, m.at_ns) for m in read.movements] + [(booking_key(t), t.venue_time_ns) for t in others]
            draft.note(
                f.LedgerOpened(
                    account=read.account,
                    at_ns=read.asked_ns,
                    holdings=read.balances,
                    counted=tuple(counted),
                    amounts=tuple((m.key, m.amount) for m in read.movements),
                )
            )
        return None
    for movement, change in conservation.new_movements(ledger, read.movements, read.asked_ns):
        draft.note(f.MovementCounted(account=read.account, movement=movement, change=change))
    return _judge(draft, read, moving)


def _count_others(draft: Draft, ledger: Ledger, others: Sequence[VenueTrade], asked_ns: Nanos) -> None:
    """What is not in the books. A trade of long before they were opened stands in what the account held then.

    They were opened on a reading that told of the last minutes: what is nearer was named by it, if it was there.
    """
    since_ns = max(ledger.opened_ns - TRADES_OVERLAP_NS, asked_ns - COUNTED_FOR_NS)
    for trade in others:
        if booking_key(trade) not in ledger.counted and trade.venue_time_ns >= since_ns:
            draft.note(f.OthersTradeCounted(trade=trade))


def _judge(draft: Draft, read: AccountRead, moving: Sequence[Child]) -> Nanos | None:
    state = draft.state
    ledger, terms = state.ledgers[read.account], state.terms(read.account)
    suspicion = False
    for finding in tuple(conservation.judge(ledger, read.balances, moving, state.settings.conservation)):
        suspicion = suspicion or not finding.stays
        draft.note(
            f.HoldingJudged(
                account=read.account,
                asset=finding.asset,
                expected=ledger.expected.get(finding.asset, ZERO),
                found=finding.found,
                difference=finding.difference,
                stays=finding.stays,
                asked_ns=read.asked_ns,
            )
        )
    return Nanos(draft.now_ns + terms.read_lag_ms * _MS) if suspicion and terms is not None else None


def on_acknowledged(draft: Draft, event: e.DifferenceAcknowledged) -> bool:
    """The operator explains a movement the venue does not list. A reading says whether it was all: is it worth one?"""
    if event.account not in draft.state.ledgers:
        return False
    draft.note(
        f.DifferenceExplained(
            account=event.account,
            asset=event.asset,
            amount=event.amount,
            reason=event.reason,
            principal=event.principal,
            at_ns=draft.now_ns,
        )
    )
    return True


def _ours(state: State, trade: VenueTrade) -> bool:
    return state.blotter.find(trade.account, trade.symbol, trade.client_id, trade.venue_order_id) is not None

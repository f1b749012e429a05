"""What stands or traded at an account and no intent of ours explains: said once, and touched by nobody.

An order that was said is remembered for as long as its account shows it, and afterwards as long as a parent that is
over (D68): a list that leaves it out for a moment makes no second report. One that comes back later is said again.
"""

from collections.abc import Iterator

from router.engine.draft import Draft
from router.engine.state import State, stranger_key
from router.model import facts as f
from router.model.ids import AccountId
from router.model.outcomes import AccountRead
from router.orders.client_ids import is_ours
from router.reconcile import Differences

_MS = 1_000_000
TAGGED_MOST = 500
"""Orders with our tag, known by their trades only, that an account is told of one by one: the first has shut it."""
OLD_COPY = "no intent explains it: this database may be an old copy, which `sor restored` would have to be told"


def report(draft: Draft, differences: Differences) -> None:
    """An order that is not ours is reported once and never touched; one with our tag and no intent is a breach."""
    state = draft.state
    for order in (*differences.orphans, *differences.strangers):
        if stranger_key(order) in state.strangers:
            continue
        ours = is_ours(order.client_id, state.settings.deployment)
        draft.note(f.StrangerSeen(order=order, ours_by_tag=ours))
        if ours:
            draft.note(
                f.BreachRaised(
                    kind=f.BreachKind.UNKNOWN_TAGGED_ORDER,
                    account=order.account,
                    client_id=order.client_id,
                    detail=f"open order {order.venue_order_id} carries our tag: {OLD_COPY}",
                    at_ns=draft.now_ns,
                )
            )


def let_go(draft: Draft, read: AccountRead) -> None:
    """Note who is shown no more, who is shown again, and who was not shown for so long that nobody waits for it."""
    state, after_ms = draft.state, draft.state.settings.archive_after_ms
    if after_ms is None:
        return
    shown = {stranger_key(order) for order in read.open_orders}
    known = [key for key in sorted(state.strangers) if key.startswith(_of(read.account))]
    gone = [key for key in known if key not in shown]
    over = [key for key in gone if read.asked_ns - state.strangers_gone.get(key, read.asked_ns) >= after_ms * _MS]
    missed = tuple(key for key in gone if key not in state.strangers_gone)
    back = tuple(key for key in known if key in shown and key in state.strangers_gone)
    if missed or back or over:
        draft.note(
            f.StrangersFollowed(
                account=read.account, missed=missed, back=back, forgotten=tuple(over), asked_ns=read.asked_ns
            )
        )


def report_trades(draft: Draft, differences: Differences) -> None:
    """An order of ours that traded and is not in this database, once: RECOVERY looks for it, or an alarm is raised."""
    state = draft.state
    for trade in differences.unexplained:
        client_id = trade.client_id
        assert client_id is not None
        if client_id in state.tagged or client_id in state.excused or client_id in state.blotter.children:
            continue
        excused = state.restoring is not None
        if not excused and sum(1 for _ in _tagged(state, trade.account)) >= TAGGED_MOST:
            continue
        draft.note(f.TaggedTradeSeen(account=trade.account, client_id=client_id, excused=excused))
        if not excused:
            draft.note(
                f.BreachRaised(
                    kind=f.BreachKind.UNKNOWN_TAGGED_TRADE,
                    account=trade.account,
                    client_id=client_id,
                    detail=f"trade {trade.trade_id} of order {trade.venue_order_id} carries our tag: {OLD_COPY}",
                    at_ns=draft.now_ns,
                )
            )


def traded_under_our_tag(state: State, account: AccountId) -> bool:
    """Did an order with our tag trade there that nothing explains?"""
    return next(_tagged(state, account), None) is not None


def _tagged(state: State, account: AccountId) -> Iterator[AccountId]:
    return (one for one in state.tagged.values() if one == account)


def _of(account: AccountId) -> str:
    return f"{account}|"

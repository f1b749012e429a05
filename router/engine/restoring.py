"""RECOVERY: the database was brought back from a backup, and the venues know more than it does.

Nothing new leaves for any parent until every account was read since the backup's time, and until every parent that had
not ended in the backup was hunted for: the ids its lost children would have had are asked for by name at every account,
number by number, until `UNKNOWN_IN_A_ROW` numbers in a row are known nowhere. What is found is adopted with its fills.
A reference that is handed in again later (it may have been handed in before, in the time that was lost) is hunted for
in the same way before anything of it is planned, for as long as `AGAIN_NS`.

No id can be used twice: the incarnation is part of it and has been raised; and should the same backup come back a
second time, the ids of this very incarnation are hunted for too.
"""

from dataclasses import replace
from itertools import count

from router.engine import adopting, timers
from router.engine.draft import Draft
from router.engine.image import Hunt
from router.engine.parents import START_GRACE_NS
from router.engine.state import AGAIN_NS, State
from router.model import events as e
from router.model import facts as f
from router.model.commands import Seek
from router.model.ids import AccountId, Nanos, ParentId
from router.model.orders import RECOVERED
from router.model.outcomes import Found, Missing
from router.model.terms import Fence, VenueTerms
from router.orders.records import Parent
from router.orders.resolver import ENDPOINTS_NEEDED

UNKNOWN_IN_A_ROW = 20
OVERLAP_NS = 3_600_000_000_000
_MS = 1_000_000


def begin(draft: Draft, since_ns: Nanos) -> None:
    """From now on nothing new, until what was lost is found."""
    state = draft.state
    accounts = tuple(terms.account for terms in state.settings.terms)
    draft.note(
        f.RestoreBegun(incarnation=state.settings.incarnation, since_ns=since_ns, accounts=accounts, at_ns=draft.now_ns)
    )
    for parent in state.blotter.working_parents():
        _begin_hunt(draft, parent)  # anew, where one is under way: this life, or this time, was not asked for
    draft.wake(timers.restore(), Nanos(_horizon_ns(state) + 1))


def on_told(draft: Draft, event: e.RestoreTold) -> None:
    """The operator says since when: read that far back, too."""
    if event.incarnation != draft.state.settings.incarnation:
        return  # told to an earlier life
    known_ns = draft.state.restored_since_ns
    since_ns = event.since_ns if known_ns is None else Nanos(min(event.since_ns, known_ns))
    begin(draft, since_ns)


def hunt(draft: Draft, parent: Parent) -> None:
    """Before anything is planned for this parent, ask for the children it may have had."""
    if parent.order.id not in draft.state.hunts:
        _begin_hunt(draft, parent)


def _begin_hunt(draft: Draft, parent: Parent) -> None:
    if parent.order.policy == RECOVERED:
        return
    draft.note(f.HuntBegun(parent_id=parent.order.id, at_ns=draft.now_ns))
    if draft.now_ns > _horizon_ns(draft.state):
        _ask(draft, parent, _first_unknown(draft.state, parent), 0)


def wanted(state: State, now_ns: Nanos) -> bool:
    """May a reference that comes in now have been here before?"""
    return state.restored_ns is not None and now_ns < state.restored_ns + AGAIN_NS


def resume(draft: Draft) -> None:
    """At a start in the middle of it, and once it may begin: everything that is not answered is asked."""
    state = draft.state
    for parent_id, found in tuple(state.hunts.items()):
        parent = state.parent(parent_id)
        if found.waiting:
            _seek(draft, parent, found)
        elif draft.now_ns > _horizon_ns(state):
            _ask(draft, parent, _first_unknown(state, parent), 0)
    end_if_done(draft)


def again(draft: Draft, parent_id: ParentId) -> None:
    """Some of the ids of a number could not be asked for: those are asked for again."""
    found = draft.state.hunts.get(parent_id)
    if found is not None and found.waiting:
        _seek(draft, draft.state.parent(parent_id), found)


def on_sought(draft: Draft, event: e.Sought) -> None:
    """An answer: adopt what is there; go on to the next number when this one is known of everywhere."""
    state = draft.state
    found = state.hunts.get(event.parent_id)
    if found is None or event.client_id not in found.waiting:
        return
    result = event.look_up.result
    parent = state.parent(event.parent_id)
    if _proves_absence(event, _horizon_ns(state)):
        draft.note(f.HuntAnswered(parent_id=event.parent_id, client_id=event.client_id, found=False))
    elif isinstance(result, Found):
        draft.note(f.HuntAnswered(parent_id=event.parent_id, client_id=event.client_id, found=True))
        if event.client_id not in state.blotter.children:
            origin = adopting.origin_in(state, parent, event.account, event.client_id, (found.number,))
            order = replace(result.order, client_id=event.client_id)
            adopting.adopt(draft, order, result.trades, origin, event.look_up.asked_ns, expected=True)
    else:
        terms = state.terms(event.account)
        wait_ms = 1_000 if terms is None else terms.look_up_wait_ms
        draft.wake(timers.hunt(event.parent_id), Nanos(draft.now_ns + wait_ms * _MS))
        return
    if not found.waiting:
        _next(draft, parent, found)


def on_read(draft: Draft, account: AccountId, asked_ns: Nanos) -> None:
    """An account was read, and its fills are booked."""
    restoring = draft.state.restoring
    if restoring is not None and account in restoring.unread and asked_ns >= restoring.began_ns:
        draft.note(f.RestoreRead(account=account))
    end_if_done(draft)


def end_if_done(draft: Draft) -> None:
    """Everything was read and nothing is hunted for any more: accounts are read once more, and open by that."""
    state = draft.state
    restoring = state.restoring
    if restoring is None or restoring.unread or state.hunts or draft.now_ns <= _horizon_ns(state):
        return
    draft.note(f.RestoreEnded(at_ns=draft.now_ns))
    for terms in state.settings.terms:
        draft.wake(timers.account(terms.account), draft.now_ns)
    draft.wake(timers.grace(), Nanos(draft.now_ns + START_GRACE_NS))
    draft.touch_all()


def recovering(state: State) -> str | None:
    """What RECOVERY waits for, as a sentence; None when there is none."""
    restoring = state.restoring
    if restoring is None:
        return None
    return "RECOVERY: restored from a backup, what it does not know is being looked for at every venue"


def _proves_absence(event: e.Sought, horizon_ns: Nanos) -> bool:
    """Asked when everything that was sent has come, of enough endpoints, and every one answered."""
    result = event.look_up.result
    enough = isinstance(result, Missing) and len(set(result.endpoints)) >= ENDPOINTS_NEEDED
    return enough and event.look_up.asked_ns > horizon_ns


def _next(draft: Draft, parent: Parent, found: Hunt) -> None:
    misses = 0 if found.found else found.misses + 1
    if misses >= UNKNOWN_IN_A_ROW:
        draft.note(f.HuntEnded(parent_id=parent.order.id, at_ns=draft.now_ns))
        draft.let_sleep(timers.hunt(parent.order.id))
        draft.touch(parent)
        end_if_done(draft)
        return
    _ask(draft, parent, found.number + 1, misses)


def _first_unknown(state: State, parent: Parent) -> int:
    """The least number no child here has. One beyond it may be known: adopted because it still stands at its venue."""
    known = {child.order.number for child in state.blotter.children_of(parent)}
    return next(number for number in count(1) if number not in known)


def _ask(draft: Draft, parent: Parent, number: int, misses: int) -> None:
    """Ask for all ids a number can have had: one per account and incarnation."""
    state = draft.state
    ids = tuple(
        (adopting.id_of(state, parent.order.id, terms.account, incarnation, number), terms.account)
        for terms in state.settings.terms
        for incarnation in range(1, state.settings.incarnation + 1)
    )
    known = any(client_id in state.blotter.children for client_id, _ in ids)
    asked = tuple(one for one in ids if one[0] not in state.blotter.children)
    draft.note(f.HuntAsked(parent_id=parent.order.id, number=number, misses=misses, ids=asked, known=known))
    found = state.hunts[parent.order.id]
    if found.waiting:
        _seek(draft, parent, found)
    else:
        _next(draft, parent, found)


def _seek(draft: Draft, parent: Parent, found: Hunt) -> None:
    since_ns = draft.state.restored_since_ns
    assert since_ns is not None
    for client_id, account in found.waiting.items():
        draft.do(
            Seek(
                account=account,
                client_id=client_id,
                parent_id=parent.order.id,
                instrument=parent.order.instrument,
                side=parent.order.side,
                since_ns=Nanos(since_ns - OVERLAP_NS),
                symbols=_ever_traded(draft.state, account, parent),
            )
        )


def _ever_traded(state: State, account: AccountId, parent: Parent) -> tuple[str, ...]:
    """Symbols of the account with the parent's base, as far as this database knows: told fees, fills, children."""
    known = {*state.fees, *state.printed, *(child.order.listing_id for child in state.blotter.children.values())}
    base = parent.order.instrument.partition("/")[0]
    symbols = (one.removeprefix(f"{account}:") for one in known if one.startswith(f"{account}:"))
    return tuple(sorted(symbol for symbol in symbols if symbol.partition("/")[0] == base))


def _horizon_ns(state: State) -> Nanos:
    """From then on an order that the lost life had sent is either there for all to see, or not there at all.

    Where no deadline turns a late copy away, that is as sure as the wait after a driver that did not let go (D2).
    """
    assert state.restored_ns is not None
    return Nanos(state.restored_ns + max(map(_settled_ms, state.settings.terms), default=0) * _MS)


def _settled_ms(terms: VenueTerms) -> int:
    if terms.fence is not Fence.DEADLINE:
        return terms.quarantine_after_ms
    return terms.request_ttl_ms + terms.engine_wait_ms + terms.read_lag_ms

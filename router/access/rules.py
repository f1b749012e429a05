"""The one table from what is done to who may do it. A route or a command without a line here does not start."""

from collections.abc import Mapping
from enum import StrEnum

from router.access.principal import Principal
from router.access.roles import SECOND_FACTOR, Role
from router.model.errors import NotAllowed


class Action(StrEnum):
    """What somebody wants to do."""

    READ = "read"
    """See orders, children, fills, decisions, venues, books, balances, events; estimate."""
    AUDIT = "audit"
    """See who changed what, and check the record."""
    SUBMIT = "submit"
    """Give an order."""
    WORK = "work"
    """Pause an order, let it go on, amend it."""
    CANCEL = "cancel"
    """Stop an order."""
    CANCEL_ALL = "cancel_all"
    HALT = "halt"
    RESUME = "resume"
    """Let everything go on after a halt; outside the lab a second person has to agree."""
    SETTLE = "settle"
    """Say what became of a quarantined child, or where a difference came from."""
    RECONCILE = "reconcile"
    """Have an account read now."""
    PROBE = "probe"
    """Place the smallest order to measure what a venue does with a used id."""
    RESTORE = "restore"
    """Say that the database is a backup."""
    CHECK = "check"
    """Agree to another person's proposed change, or turn it down."""
    ADMINISTER = "administer"
    """Users and keys."""
    OWN_SESSION = "own_session"
    """See who one is; end one's session; change one's own password."""
    RUN = "run"
    """Start a process on this machine, or calculate on its files: whoever can log in there can do that anyway."""


_EVERYBODY = frozenset(Role)
_DESK = frozenset({Role.SUBMITTER, Role.TRADER})
_RISK = frozenset({Role.TRADER, Role.RISK_ADMIN})

RULES: Mapping[Action, frozenset[Role]] = {
    Action.READ: _EVERYBODY,
    Action.AUDIT: frozenset({Role.AUDITOR, Role.RISK_ADMIN, Role.ADMIN}),
    Action.SUBMIT: _DESK,
    Action.WORK: _DESK,
    Action.CANCEL: _DESK | {Role.RISK_ADMIN},
    Action.CANCEL_ALL: _RISK,
    Action.HALT: _DESK | {Role.APPROVER, Role.RISK_ADMIN},
    Action.RESUME: frozenset({Role.RISK_ADMIN}),
    Action.SETTLE: _RISK,
    Action.RECONCILE: _RISK,
    Action.PROBE: _RISK,
    Action.RESTORE: frozenset({Role.RISK_ADMIN}),
    Action.CHECK: frozenset({Role.RISK_ADMIN, Role.ADMIN}),
    Action.ADMINISTER: frozenset({Role.ADMIN}),
    Action.OWN_SESSION: _EVERYBODY,
    Action.RUN: _EVERYBODY,
}


def allowed(principal: Principal, action: Action, entity: str | None = None) -> bool:
    """May it, with the roles that are there now? `entity`: whose orders it is about, if it is about any."""
    return bool(principal.effective & RULES[action]) and (entity is None or entity in principal.entities)


def demand(principal: Principal, action: Action, entity: str | None = None) -> None:
    """Raises `NotAllowed`, which says what it would take."""
    if allowed(principal, action, entity):
        return
    if not principal.effective & RULES[action]:
        takes = ", ".join(role for role in Role if role in RULES[action])
        factor = bool(principal.roles & RULES[action] & SECOND_FACTOR)
        why = "its second factor was not shown" if factor else f"it takes one of {takes}"
        raise NotAllowed("principal", f"{principal.name} may not {action.replace('_', ' ')}: {why}")
    raise NotAllowed("principal", f"{principal.name} may not {action} for {entity}")

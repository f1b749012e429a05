"""Who may do what, as one table."""

import pytest

from router.access import FOR_KEYS, RULES, SECOND_FACTOR, Action, Principal, Role, allowed, check_roles, demand
from router.model.errors import BadInput, NotAllowed

TRADES = {Action.SUBMIT, Action.WORK, Action.CANCEL, Action.CANCEL_ALL, Action.SETTLE, Action.PROBE, Action.RESUME}


def somebody(*roles: Role, second_factor: bool = True) -> Principal:
    return Principal(
        name="user/a",
        person="user/a",
        roles=frozenset(roles),
        entities=frozenset({"desk"}),
        second_factor=second_factor,
    )


def test_every_action_has_a_rule_and_somebody_who_may():
    """Nothing is allowed by being forgotten."""
    assert RULES.keys() == set(Action)
    assert all(RULES.values())


def test_an_admin_neither_trades_nor_approves():
    """By the table, and by what may be held together."""
    admin = somebody(Role.ADMIN)

    assert not [action for action in TRADES if allowed(admin, action)]
    for other in (Role.SUBMITTER, Role.APPROVER, Role.TRADER, Role.RISK_ADMIN):
        with pytest.raises(BadInput, match="neither trades nor approves"):
            check_roles({Role.ADMIN, other})


def test_without_the_second_factor_the_roles_that_need_one_are_not_there():
    """They come back with it, and the refusal says so."""
    roles = (Role.VIEWER, Role.RISK_ADMIN)

    assert allowed(somebody(*roles), Action.RESUME)
    with pytest.raises(NotAllowed, match="second factor"):
        demand(somebody(*roles, second_factor=False), Action.RESUME)
    assert allowed(somebody(*roles, second_factor=False), Action.READ)


def test_nobody_touches_another_owner_s_orders():
    """A role says what, the scope says whose."""
    demand(somebody(Role.TRADER), Action.SUBMIT, "desk")
    with pytest.raises(NotAllowed, match="for fund"):
        demand(somebody(Role.TRADER), Action.SUBMIT, "fund")


def test_a_key_carries_no_role_that_takes_a_person():
    """What takes a second factor is not a machine's."""
    assert not FOR_KEYS & SECOND_FACTOR
    with pytest.raises(BadInput, match="a key may be"):
        check_roles({Role.APPROVER}, key=True)


def test_seeing_takes_any_role_and_some_role():
    """Somebody without roles sees nothing."""
    assert all(allowed(somebody(role), Action.READ) for role in Role)
    assert not allowed(somebody(), Action.READ)

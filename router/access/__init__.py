"""Who may do what: roles, actions and the one table between them. Pure; who somebody is, is found out elsewhere."""

from router.access.principal import Principal
from router.access.roles import FOR_KEYS, LOOKING, SECOND_FACTOR, Role, check_roles, read_roles
from router.access.rules import RULES, Action, allowed, demand

__all__ = [
    "FOR_KEYS",
    "LOOKING",
    "RULES",
    "SECOND_FACTOR",
    "Action",
    "Principal",
    "Role",
    "allowed",
    "check_roles",
    "demand",
    "read_roles",
]

"""The roles, and which of them go together."""

from collections.abc import Collection, Iterable
from enum import StrEnum

from router.model.errors import BadInput


class Role(StrEnum):
    """What somebody is on this desk."""

    VIEWER = "viewer"
    """Sees orders, fills, books, balances."""
    AUDITOR = "auditor"
    """Sees them, and the record of who changed what."""
    SUBMITTER = "submitter"
    """Gives orders and changes them."""
    APPROVER = "approver"
    """Lets other people's orders go. May halt."""
    TRADER = "trader"
    """Gives orders, stops all of them, says what became of a doubt."""
    RISK_ADMIN = "risk_admin"
    """Stops everything, and lets it go on; sets limits."""
    ADMIN = "admin"
    """Users and keys. Neither trades nor approves."""


SECOND_FACTOR = frozenset({Role.APPROVER, Role.RISK_ADMIN, Role.ADMIN})
"""Without a second factor in the session these are not there."""
FOR_KEYS = frozenset({Role.VIEWER, Role.AUDITOR, Role.SUBMITTER, Role.TRADER})
"""What a machine's key may carry: approving and administering are people's."""
LOOKING = frozenset({Role.VIEWER, Role.AUDITOR})
"""What changes nothing."""
_BESIDE_ADMIN = LOOKING | {Role.ADMIN}


def read_roles(names: Iterable[str], field: str = "roles") -> frozenset[Role]:
    """The roles by name. Raises `BadInput`."""
    given = list(names)
    for name in given:
        if name not in set(Role):
            raise BadInput(field, f"{name} is not one of {', '.join(Role)}")
    return frozenset(map(Role, given))


def check_roles(roles: Collection[Role], *, key: bool = False, field: str = "roles") -> frozenset[Role]:
    """The same roles, if one holder may have them all. Raises `BadInput`."""
    if not roles:
        raise BadInput(field, "must name at least one role")
    if Role.ADMIN in roles and not _BESIDE_ADMIN.issuperset(roles):
        raise BadInput(field, "an admin neither trades nor approves: only viewer and auditor go with it")
    if key and not FOR_KEYS.issuperset(roles):
        raise BadInput(field, f"a key may be {', '.join(one for one in Role if one in FOR_KEYS)} only")
    return frozenset(roles)

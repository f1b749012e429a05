"""The names of the engine's timers: what each is for, and of whom."""

from enum import StrEnum

from router.model.ids import AccountId, ClientOrderId, ParentId, TimerId


class Purpose(StrEnum):
    """Why the engine wants to be woken."""

    LOOK = "look"
    PARENT = "parent"
    ACCOUNT = "account"
    PAUSE = "pause"
    GRACE = "grace"
    RESTORE = "restore"
    HUNT = "hunt"
    ARCHIVE = "archive"


def look(client_id: ClientOrderId) -> TimerId:
    """Look a child up."""
    return TimerId(f"{Purpose.LOOK}:{client_id}")


def parent(parent_id: ParentId) -> TimerId:
    """Plan a parent."""
    return TimerId(f"{Purpose.PARENT}:{parent_id}")


def account(account_id: AccountId) -> TimerId:
    """Read an account."""
    return TimerId(f"{Purpose.ACCOUNT}:{account_id}")


def pause(account_id: AccountId) -> TimerId:
    """An account's pause is over."""
    return TimerId(f"{Purpose.PAUSE}:{account_id}")


def grace() -> TimerId:
    """Planning has waited long enough for accounts that were not read yet."""
    return TimerId(f"{Purpose.GRACE}:")


def restore() -> TimerId:
    """What a lost life had sent has arrived by now, or never will."""
    return TimerId(f"{Purpose.RESTORE}:")


def hunt(parent_id: ParentId) -> TimerId:
    """Ask again for what could not be asked for."""
    return TimerId(f"{Purpose.HUNT}:{parent_id}")


def archive() -> TimerId:
    """Let go of parents that are long over."""
    return TimerId(f"{Purpose.ARCHIVE}:")


def parse(timer_id: TimerId) -> tuple[Purpose, str]:
    """What a timer is for, and whose it is."""
    purpose, _, whose = timer_id.partition(":")
    return Purpose(purpose), whose

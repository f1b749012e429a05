"""Who somebody is: users, keys, sessions, the record of their changes, and changes that take two people."""

from router.identity.changes import Change, ChangeKind, Changes
from router.identity.directory import Directory, LoggedIn, MadeKey, MadeUser
from router.identity.record import RecordBreak
from router.identity.rows import Key, User

__all__ = [
    "Change",
    "ChangeKind",
    "Changes",
    "Directory",
    "Key",
    "LoggedIn",
    "MadeKey",
    "MadeUser",
    "RecordBreak",
    "User",
]

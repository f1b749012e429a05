"""Trouble that is not data. Each says in one sentence what was wrong and, for input, in which field."""


class SorError(Exception):
    """Root of everything we raise on purpose."""


class BadInput(SorError):
    """A person's or program's input cannot be taken; `field` names what to mend. Exit code 2."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        self.message = message
        super().__init__(f"{field}: {message}")


class SameKeyOtherBody(BadInput):
    """The reference was used before, for something else."""


class NotAllowed(BadInput):
    """Whoever asks may not do this."""


class NotKnown(BadInput):
    """The key, password or session is not one of ours, is over, or was taken back. It is never said which."""


class AppendLost(SorError):
    """Another writer holds the place this append wanted. Discard the engine, stop, recover."""


class SideRowTaken(SorError):
    """The journal's place was free, but a request, client order id, copy number or booking key was not.

    Only a bug of ours can do this, so it is no lost race and must not be tried again. Nothing was written.
    """


class AppendUnclear(SorError):
    """The database did not say whether the append was committed, and it could not be read back. Stop, recover."""


class StoreUnavailable(SorError):
    """The database cannot be reached or written."""


class WrongStore(SorError):
    """The database belongs to another mode, or has a schema this code does not know."""


class LeaseHeld(SorError):
    """Another process drives."""

"""What the shell is told. The table in README is this one; cron jobs and scripts depend on it."""

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    """Done."""
    FILLED = 0
    """The same, said of an order."""
    FAILED = 1
    """Not done, and not the asker's fault: no venue shows a book, the database cannot be read, a check failed."""
    BAD_INPUT = 2
    """Nothing was done; the sentence says what to mend. Also an order the limits turned down."""
    INCOMPLETE = 3
    """Over, with less than all of it: partly filled, expired or cancelled."""
    IN_DOUBT = 4
    """Not final yet: safe, and right, to run again. Of a halt, resume or cancel: not taken by the driver yet."""
    HALTED = 5
    """The router is halted: a person has to resume it."""

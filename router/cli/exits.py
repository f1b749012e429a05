"""What the shell is told. Documented in README; cron jobs and scripts depend on it."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes. Those of an order are chosen in `router.app.execute`."""

    OK = 0
    """Done; of an order: filled."""
    FAILED = 1
    """Something nobody expected: look at the log, and at `sor alerts`."""
    BAD_INPUT = 2
    """Nothing was done; the sentence says what to mend. Also an order the limits turned down."""
    INCOMPLETE = 3
    """Over, with less than all of it: partly filled, expired or cancelled."""
    IN_DOUBT = 4
    """Not final yet: safe, and right, to run again."""
    HALTED = 5
    """The router is halted: a person has to resume it."""

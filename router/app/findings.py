"""What an examination finds: one line per thing looked at, and what to do where it is not as it should be."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from router.app.exits import ExitCode


class Verdict(StrEnum):
    """How one thing stands."""

    OK = "OK"
    WARN = "WARN"
    """It runs like this; a person should know."""
    FAIL = "FAIL"
    """Do not trade like this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One line. `mend`: what to do about it; empty where nothing is to be done."""

    subject: str
    verdict: Verdict
    says: str
    mend: str = ""
    account: str | None = None


def ok(subject: str, says: str, account: str | None = None) -> Finding:
    """As it should be."""
    return Finding(subject=subject, verdict=Verdict.OK, says=says, account=account)


def warn(subject: str, says: str, mend: str = "", account: str | None = None) -> Finding:
    """Worth knowing."""
    return Finding(subject=subject, verdict=Verdict.WARN, says=says, mend=mend, account=account)


def fail(subject: str, says: str, mend: str = "", account: str | None = None) -> Finding:
    """Not as it must be."""
    return Finding(subject=subject, verdict=Verdict.FAIL, says=says, mend=mend, account=account)


def exit_code(findings: Iterable[Finding], *, strict: bool) -> ExitCode:
    """FAILED when anything failed; with `strict` also when something is only worth a warning."""
    bad = {Verdict.FAIL, Verdict.WARN} if strict else {Verdict.FAIL}
    return ExitCode.FAILED if any(one.verdict in bad for one in findings) else ExitCode.OK

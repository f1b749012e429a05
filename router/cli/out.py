"""Standard output: one JSON document, or tables for a person. Everything else goes to standard error."""

import json
import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console, RenderableType

_PIPE_WIDTH = 130


def console() -> Console:
    """Where people read: a pipe has no width, so it gets a wide one."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)


class Out:
    """Where a command's answer goes."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._console = console()

    def show(self, report: Any, draw: Callable[[Any], RenderableType]) -> None:  # noqa: ANN401 - any report
        """The report as it is, or drawn."""
        if self._as_json:
            sys.stdout.write(json.dumps(report, indent=2) + "\n")
        else:
            self._console.print(draw(report))

    def say(self, sentence: str) -> None:
        """A remark for a person; a program is not bothered with it."""
        if not self._as_json:
            self._console.print(sentence)


def complain(sentence: str, *, as_json: bool, field: str | None = None) -> None:
    """What went wrong, in one sentence on standard error; as JSON on standard output too where that is read."""
    if as_json:
        sys.stdout.write(json.dumps({"error": sentence, "field": field}, indent=2) + "\n")
    sys.stderr.write(f"{sentence}\n")

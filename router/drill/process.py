"""A command in a process of its own, forked from a server that has the imports done: many can be afforded."""

import asyncio
import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from router.model.errors import SorError


@dataclass(frozen=True, slots=True)
class Started:
    """A running or ended process."""

    process: ForkServerProcess
    out: Path
    err: Path

    async def ended(self, within_s: float = 40.0) -> int:
        """Its exit code; minus the signal that ended it. One that does not end is killed: `SorError`."""
        await asyncio.to_thread(self.process.join, within_s)
        code = self.process.exitcode
        if code is None:
            self.process.kill()
            raise SorError(f"the process did not end within {within_s} s: {self.said()}")
        return code

    def send(self, number: signal.Signals) -> None:
        """A signal, unless it has ended by itself."""
        pid = self.process.pid
        assert pid is not None
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    def stands_still(self) -> bool:
        """Is it stopped by a signal?"""
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def said(self) -> str:
        """All it wrote, for a person to read."""
        return "\n".join(path.read_text() for path in (self.out, self.err) if path.exists())


def start(work: Callable[..., int], *arguments: object, folder: Path, name: str) -> Started:
    """Run `work(*arguments)` in a process; what it returns is the exit code.

    Its output goes to files in `folder` that carry `name`.
    """
    out, err = folder / f"{name}.out", folder / f"{name}.err"
    process = _SERVER.Process(target=_run, args=(str(out), str(err), work, arguments), daemon=True)
    process.start()
    return Started(process, out, err)


def command(*arguments: str) -> int:
    """`sor` with these arguments, as the shell would start it: by its name, for the command line knows of drills."""
    sys.argv = ["sor", *arguments]
    try:
        runpy.run_module("router.cli", run_name="__main__")
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else 1
    return 0


def environment() -> Mapping[str, str]:
    """What the process keeps of the environment: nothing that configures it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SOR_")}


def _run(out: str, err: str, work: Callable[..., int], arguments: tuple[Any, ...]) -> None:
    for target, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), target)
    kept = environment()
    os.environ.clear()
    os.environ.update(kept)
    code = work(*arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # what is left to do is the forked server's business, and takes longer than the order did


_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(
    ["router.cli.commands", "router.app.execute", "router.app.serve", "router.cli.report", "router.drill.subjects"]
)

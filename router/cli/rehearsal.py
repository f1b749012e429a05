"""A lab and a router, each a process of its own, in a folder and on ports nobody else uses."""

import asyncio
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from connectors.lab.client import LabControl
from router.config import DEFAULT_TEXT, Config, load
from router.model.errors import BadInput, SorError

_UP_S = 30.0
_LOOK_S = 0.05
_LOOPBACK = "127.0.0.1"
_MARK = ".rehearsal"
"""This folder is ours to empty."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsal:
    """What is running. `control` is the lab's own truth, and where its faults are ordered."""

    folder: Path
    config_file: Path
    config: Config
    control: LabControl

    async def router(self, *arguments: str) -> asyncio.subprocess.Process:
        """Start `sor` with this configuration. Its standard output is the caller's to read."""
        log = (self.folder / "router.log").open("ab")
        try:
            return await asyncio.create_subprocess_exec(
                *_SOR, *arguments, "--config", str(self.config_file), stdout=asyncio.subprocess.PIPE, stderr=log
            )
        finally:
            log.close()


_SOR = (sys.executable, "-m", "router.cli")


@asynccontextmanager
async def rehearsal(folder: Path, *, seed: int, tapes: Path | None) -> AsyncIterator[Rehearsal]:
    """Bring the lab up; take it down again at the end, whatever happened."""
    config_file = _written(folder, seed, tapes)
    config = load(config_file)
    async with AsyncExitStack() as stack:
        lab = await _start_lab(config_file, folder)
        stack.push_async_callback(_stop, lab)
        control = await stack.enter_async_context(LabControl(f"http://{_LOOPBACK}:{config.lab.port}"))
        await _until_up(control, lab, folder)
        yield Rehearsal(folder=folder, config_file=config_file, config=config, control=control)


def empty(folder: Path) -> None:
    """Take away what an earlier rehearsal left. Raises `BadInput` for a folder that is somebody else's."""
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise BadInput("folder", f"{folder} holds other files: name an empty or a new one")
    shutil.rmtree(folder, ignore_errors=True)


async def kill(process: asyncio.subprocess.Process) -> None:
    """`kill -9`: no handler runs, nothing is flushed."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGKILL)
    await process.wait()


def _written(folder: Path, seed: int, tapes: Path | None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).touch()
    path = folder / "config.yaml"
    path.write_text(_text(seed, tapes))
    return path


def _text(seed: int, tapes: Path | None) -> str:
    """The built-in lab on ports of its own, its venues as slow to show a new order as real ones may be."""
    content: dict[str, Any] = yaml.safe_load(DEFAULT_TEXT)
    control, status, *ports = _free_ports(2 + len(content["venues"]))
    content["deployment"] = "demo"
    content["lab"] = {"port": control, "seed": seed, "read_lag_ms": 250}
    content["status"] = {"port": status}
    content["log"] = {"level": "info", "format": "json"}
    # A busy machine is slow between approval and socket, renewals and updates: it is shown slowly, and not in part.
    content["timings"] = {"lease_ttl_ms": 3_000, "approval_age_ms": 1_000}
    content["limits"] |= {"book_age_ms_max": 10_000}
    if tapes is not None:
        content["lab"]["tapes"] = str(tapes.resolve())
    for venue, port in zip(content["venues"].values(), ports, strict=True):
        venue["loopback"] = f"http://{_LOOPBACK}:{port}"
        venue["terms"] = {"read_lag_ms": 300}
        # Nothing is sent a second time here, not even where it would be allowed: what is in doubt has to be found.
        venue["dedupe_licensed"] = False
    return yaml.safe_dump(content, sort_keys=False)


def _free_ports(count: int) -> list[int]:
    """Held open together, so that no port is given twice."""
    held = [socket.create_server((_LOOPBACK, 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


async def _start_lab(config_file: Path, folder: Path) -> asyncio.subprocess.Process:
    log = (folder / "lab.log").open("wb")
    try:
        return await asyncio.create_subprocess_exec(
            *_SOR,
            "lab",
            "--config",
            str(config_file),
            stdout=log,
            stderr=log,
        )
    finally:
        log.close()


async def _until_up(control: LabControl, lab: asyncio.subprocess.Process, folder: Path) -> None:
    give_up = asyncio.get_running_loop().time() + _UP_S
    while lab.returncode is None and asyncio.get_running_loop().time() < give_up:
        with suppress(aiohttp.ClientError):
            await control.venues()
            return
        await asyncio.sleep(_LOOK_S)
    raise SorError(f"the lab did not come up: see {folder / 'lab.log'}")


async def _stop(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 5)
    except TimeoutError:
        await kill(process)

"""The process beside a driver that proves its decisions: started, listened to, started again, let go."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from router.app.parts import Router

_COMMAND = (sys.executable, "-m", "router.cli.proving")
_AGAIN_S = 5.0
_LEAVE_S = 2.0


@asynccontextmanager
async def proving(router: Router) -> AsyncIterator[None]:
    """Prove meanwhile, where that is wanted. No trouble of it reaches the driver."""
    if not router.config.audit.prove:
        yield
        return
    task = asyncio.create_task(_prove(router))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _prove(router: Router) -> None:
    """One process after another. One that found a row to come out otherwise is the last: no later one can be judged."""
    while True:
        process = await asyncio.create_subprocess_exec(
            *_COMMAND,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            diverged = await _listen(router, process)
            await process.wait()
        finally:
            await _let_go(process)
        if diverged:
            return
        router.observe.prover_ended()
        await asyncio.sleep(_AGAIN_S)


async def _listen(router: Router, process: asyncio.subprocess.Process) -> bool:
    """What it says, until it says no more. Did it find a row that comes out otherwise?"""
    assert process.stdin is not None
    assert process.stdout is not None
    given = {"database_url": router.config.database_url, "mode": str(router.config.mode)}
    with suppress(ConnectionError):
        process.stdin.write(json.dumps(given).encode() + b"\n")
        await process.stdin.drain()
    diverged = False
    async for line in process.stdout:
        note: Mapping[str, Any] = json.loads(line)
        if "failed" in note:
            router.observe.proof_failed(note["decision"], note["failed"])
        elif "diverged" in note:
            diverged = True
            router.observe.replay_diverged(note["diverged"])
        elif "raised" in note:
            router.observe.prover_raised(note["raised"])
        else:
            router.observe.decisions_proven(note["proven"], note["left_out"])
    return diverged


async def _let_go(process: asyncio.subprocess.Process) -> None:
    """Its input ends, and it goes; it holds nothing that a kill could hurt."""
    if process.returncode is not None:
        return
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _LEAVE_S)
    except TimeoutError:
        process.kill()
        await process.wait()

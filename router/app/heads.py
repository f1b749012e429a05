"""Export the journal's signed head every so often, to a file that belongs on another disk or in other hands."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from router.app.parts import Router
from router.config.secrets import kept_secret
from router.journal.heads import Head, HeadSigner, SignedHead, read_head
from router.model.errors import BadInput, SorError

KEY_NAME = "audit_signing_key"


class HeadExport:
    """Appends a head whenever the journal has moved. What cannot be written is said, and tried again."""

    def __init__(self, router: Router) -> None:
        config = router.config
        self._router = router
        self._file = config.audit.heads
        self._signer = HeadSigner(kept_secret(KEY_NAME, config.secrets_dir, HeadSigner.new_secret).reveal())
        self._exported = 0

    async def export(self) -> None:
        """Once, if there is anything new."""
        store = self._router.store
        found = await store.newest_row()
        if found is None or found[0] == self._exported:
            return
        seq, row_hash = found
        now_ns = self._router.clock.now()
        head = Head(deployment=store.deployment, shard=store.shard, seq=seq, hash=row_hash, at_ns=now_ns)
        await asyncio.get_running_loop().run_in_executor(None, _append, self._file, self._signer.sign(head).line())
        self._exported = seq

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._try()
            await asyncio.sleep(self._router.config.audit.every_s)

    async def _try(self) -> None:
        try:
            await self.export()
        except (OSError, SorError) as error:
            self._router.observe.head_not_exported(str(self._file), str(error))


@asynccontextmanager
async def exporting_heads(router: Router) -> AsyncIterator[None]:
    """Meanwhile, and once more at the end."""
    export = HeadExport(router)
    task = asyncio.create_task(export.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(task, return_exceptions=True)
        await export._try()  # noqa: SLF001 - the same promise: said, never raised


def read_heads(file: Path) -> Iterator[SignedHead]:
    """Every head in a file, oldest first. Raises `BadInput` for a file that cannot be read."""
    try:
        lines = file.read_text().splitlines()
    except OSError as error:
        raise BadInput("heads", f"{file} cannot be read ({type(error).__name__})") from None
    yield from (read_head(line) for line in lines if line.strip())


def _append(file: Path, line: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as out:
        out.write(line + "\n")
        out.flush()
        os.fsync(out.fileno())

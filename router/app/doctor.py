"""`sor doctor`: is this machine, and what lies on it, fit to run the router? Asks no venue and changes nothing.

The database is looked at like any reading command does; whoever drives is not disturbed.
"""

import asyncio
import os
import platform
import shutil
import socket
import sqlite3
import stat
import time
from collections.abc import AsyncIterator, Iterator
from importlib import metadata
from pathlib import Path

from router.app.findings import Finding, fail, ok, warn
from router.config import Config, Mode
from router.journal.verify import Break, Walk, step
from router.model.errors import SorError
from router.model.orders import ChildState
from router.store import JournalStore, open_store
from router.store.location import SqliteFile, locate
from router.store.projection import GATE_OPENED, HALTS, RESUMED
from router.store.projector import Projector
from router.store.queries import Queries
from router.store.schema import SCHEMA

_DISTRIBUTION = "crypto-sor"
_GB = 1_000_000_000
_DISK_WARN, _DISK_FAIL = 5 * _GB, _GB // 2
_DRIFT_S = 0.1
_DRIFT_NS_MAX = 2_000_000
"""Twenty milliseconds in a second: no clock that is merely disciplined moves like that; one that is being set does."""
_AHEAD_NS_MAX = 2_000_000_000
_ROWS_WALKED = 1_000
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_DAY_NS = 86_400_000_000_000
_UNSETTLED = {
    ChildState.IN_DOUBT: "the driver settles these",
    ChildState.CLOSING: "their fills are awaited",
    ChildState.QUARANTINED: "a person decides",
}
_WORKING = (ChildState.PENDING_NEW, ChildState.WORKING, ChildState.PENDING_CANCEL)


async def examine(config: Config) -> tuple[Finding, ...]:
    """Every finding, in the order of how far it reaches."""
    found = [*software(), await clock(), *secrets(config), *disk(config)]
    found += [one async for one in database(config)]
    found += await ports(config)
    return tuple(found)


def software() -> Iterator[Finding]:
    """Python, and ccxt against the version its behaviour was captured from."""
    yield ok("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    try:
        wanted = [one for one in metadata.requires(_DISTRIBUTION) or () if one.startswith("ccxt==")]
        release = metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        yield warn("release", "a checkout that was not installed: nothing to hold versions against")
        return
    yield ok("release", f"{_DISTRIBUTION} {release}")
    here, pinned = metadata.version("ccxt"), wanted[0].partition("==")[2].split(";")[0].strip() if wanted else ""
    if here == pinned:
        yield ok("ccxt", f"{here}, as locked")
    else:
        mend = "install from the lock file: requests of another ccxt were never captured"
        yield fail("ccxt", f"{here}, and {pinned or 'none'} is locked", mend)


async def clock() -> Finding:
    """Does the wall clock run like the monotonic one just now? A clock that is being set makes deadlines lie."""
    wall, steady = time.time_ns(), time.monotonic_ns()
    await asyncio.sleep(_DRIFT_S)
    apart = abs((time.time_ns() - wall) - (time.monotonic_ns() - steady))
    says = f"wall and monotonic clock moved apart by {apart / 1e6:.3f} ms in {_DRIFT_S * 1000:.0f} ms"
    if apart > _DRIFT_NS_MAX:
        return warn("clock", says, "is the clock being set? let time synchronisation settle before trading")
    return ok("clock", says)


def secrets(config: Config) -> Iterator[Finding]:
    """The secrets directory and what is in it are the owner's alone."""
    folder = config.secrets_dir
    if not folder.is_dir():
        needs = config.mode in {Mode.LIVE, Mode.TESTNET}
        yield (warn if needs else ok)("secrets", f"{folder} is not there; mode {config.mode}")
        return
    here = folder.stat()
    if here.st_mode & _OTHERS:
        yield warn("secrets", f"{folder} can be listed by others", f"chmod 700 {folder}")
    elif here.st_uid != os.getuid():
        yield warn("secrets", f"{folder} belongs to another user", "run as its owner")
    else:
        yield ok("secrets", f"{folder} is its owner's alone")
    for file in sorted(folder.iterdir()):
        if file.is_file() and file.stat().st_mode & _OTHERS:
            yield fail("secrets", f"{file} can be read by others", f"chmod 600 {file}")


def disk(config: Config) -> Iterator[Finding]:
    """Room for the journal, and a database file that is its owner's."""
    location = locate(config.database_url)
    if not isinstance(location, SqliteFile):
        return
    folder = next((one for one in (location.path.parent, *location.path.parents) if one.exists()), Path("/"))
    free = shutil.disk_usage(folder).free
    says = f"{free / _GB:.1f} GB free at {folder}"
    if free < _DISK_FAIL:
        yield fail("disk", says, "make room: a journal that cannot be written stops the driver")
    elif free < _DISK_WARN:
        yield warn("disk", says, "make room before it runs out")
    else:
        yield ok("disk", says)
    if location.path.exists() and location.path.stat().st_mode & _OTHERS:
        yield warn("database file", f"{location.path} can be read by others", f"chmod 600 {location.path}")


async def database(config: Config) -> AsyncIterator[Finding]:
    """Schema, durability, lease, the journal's end, and what a person should look at."""
    location = locate(config.database_url)
    if isinstance(location, SqliteFile) and not location.path.exists():
        yield ok("database", f"none yet at {location}: the first driver makes it")
        return
    try:
        store = await open_store(config.database_url, config.mode, create=False)
    except SorError as error:
        yield fail("database", str(error), "nothing else of it can be judged before that is mended")
        return
    try:
        yield ok("database", f"{location}: mode {store.mode}, schema {SCHEMA}, incarnation {store.incarnation}")
        yield await _durability(store, location)
        yield await _lease(store)
        async for one in _journal(store):
            yield one
    finally:
        await store.close()
    async for one in _tables(config):
        yield one


async def _durability(store: JournalStore, location: object) -> Finding:
    from router.store.dialect import Sql  # noqa: PLC0415 - only here is a setting asked for

    if isinstance(location, SqliteFile):
        # The store asserts both when it opens; this says which file and library they were true of.
        [mode] = (await store.rows_of(Sql("PRAGMA journal_mode")))[0]
        says = f"SQLite {sqlite3.sqlite_version}, journal_mode {mode}, synchronous FULL at every commit"
        return ok("durability", says) if mode == "wal" else fail("durability", says, "open it with `sor` once")
    [commit] = (await store.rows_of(Sql("SELECT current_setting('synchronous_commit')")))[0]
    says = f"PostgreSQL, synchronous_commit {commit}"
    return ok("durability", says) if commit != "off" else fail("durability", says, "ALTER DATABASE ... on")


async def _lease(store: JournalStore) -> Finding:
    held = await store.holder()
    if held is None:
        return ok("lease", "nobody drives")
    return ok("lease", f"{held[0]} drives, epoch {held[1]}, {held[2]} ms left")


async def _journal(store: JournalStore) -> AsyncIterator[Finding]:
    """The last rows of the chain. `sor verify` walks all of it."""
    begin = max(store.last_seq - _ROWS_WALKED, 0)
    walk, broken = Walk(), list[Break]()
    if begin > 0:
        [row] = await store.stored_rows(begin - 1, 1)
        walk = Walk(seq=row.seq, hash=row.hash, epoch=row.epoch, at_ns=row.at_ns)
    while page := await store.stored_rows(walk.seq, 500):
        for row in page:
            walk, wrong = step(walk, row)
            broken += wrong
    says = f"last seq {walk.seq}, the chain of the last {walk.seq - begin} rows"
    if broken:
        yield fail("journal", f"{says} is broken at {broken[0].seq}: {broken[0].why}", "sor verify; do not drive")
    else:
        yield ok("journal", f"{says} holds")
    ahead = walk.at_ns - time.time_ns()
    if ahead > _AHEAD_NS_MAX:
        mend = "time never goes back here: until the clock is right again, deadlines are told late"
        yield warn("journal", f"its last row is {ahead // 1_000_000_000} s in the future", mend)


async def _tables(config: Config) -> AsyncIterator[Finding]:
    projector, queries = Projector(config.database_url, config.entity), Queries(config.database_url)
    try:
        await projector.catch_up()
        counted = await queries.children_by_state()
        halted = await queries.halt()
        alerts = await queries.alerts(but=(GATE_OPENED, RESUMED, *HALTS), limit=1_000)
    finally:
        await queries.close()
        await projector.close()
    working = sum(counted.get(state, 0) for state in _WORKING)
    yield ok("children", f"{working} working")
    for state, mend in _UNSETTLED.items():
        if counted.get(state, 0):
            yield warn("children", f"{counted[state]} {state}", f"{mend}: sor orders --open, sor alerts")
    yield ok("halt", "not halted") if halted is None else warn("halt", f"halted: {halted.detail}", "sor resume REASON")
    fresh = [one for one in alerts if time.time_ns() - one.at_ns < _DAY_NS]
    breaches = [one for one in alerts if one.kind.startswith("BREACH")]
    if breaches:
        yield warn("alerts", f"{len(breaches)} breaches, the last: {breaches[0].detail}", "sor alerts")
    yield (
        ok("alerts", "none in the last 24 hours")
        if not fresh
        else warn("alerts", f"{len(fresh)} in the last 24 hours, the last: {fresh[0].kind}", "sor alerts")
    )


async def ports(config: Config) -> list[Finding]:
    """The status page's, and in mode lab the exchanges' own. All on this machine."""
    found = []
    status = config.status
    if status.port:
        there = await asyncio.to_thread(_listening, status.host, status.port)
        found.append(ok("ports", f"{status.host}:{status.port} (status): {'in use' if there else 'free'}"))
    if config.mode is Mode.LAB and config.lab.port:
        up = await asyncio.to_thread(_listening, "127.0.0.1", config.lab.port)
        says = f"127.0.0.1:{config.lab.port} (lab): {'up' if up else 'down'}"
        found.append(ok("ports", says) if up else warn("ports", says, "sor lab"))
    return found


def _listening(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False

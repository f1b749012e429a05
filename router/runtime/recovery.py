"""An engine as the journal left it: the newest snapshot and the facts after it. Nothing is decided again."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from router import balances, conservation
from router.engine import Engine, State, StateImage, image, told, unknown
from router.engine.image import IMAGE_VERSION
from router.journal.codec import MODEL_MODULES, codec_of
from router.journal.converters import CodecError
from router.model.events import Event
from router.model.ids import Nanos
from router.orders import records
from router.ports import Policy, Remembered, Store

PAGE = 500
SNAPSHOTS = codec_of(*MODEL_MODULES, image, records, balances, conservation)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovered:
    """The engine, and the journal's end it stands at."""

    engine: Engine
    seq: int
    row_hash: str


async def recover(
    store: Store, policies: Mapping[str, Policy], on_bad_snapshot: Callable[[Exception], None]
) -> Recovered:
    """From the newest snapshot to the journal's end; from its first row if the snapshot does not lead there.

    A snapshot only saves time: the journal alone is the truth.
    """
    with _uncollected():
        return await _recover(store, policies, on_bad_snapshot)


@contextmanager
def _uncollected() -> Iterator[None]:
    """What is made here stays: looking through it for garbage again and again takes as long as making it."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


async def _recover(
    store: Store, policies: Mapping[str, Policy], on_bad_snapshot: Callable[[Exception], None]
) -> Recovered:
    snapshot = await store.newest_snapshot(IMAGE_VERSION)
    if snapshot is not None:
        try:
            seq, row_hash, payload = snapshot
            kept = SNAPSHOTS.loads(payload)
            assert isinstance(kept, StateImage)
            return await _to_the_end(store, Engine(policies, State.of(kept)), seq, row_hash)
        except (AssertionError, KeyError, CodecError) as error:
            on_bad_snapshot(error)
    return await _to_the_end(store, Engine(policies), 0, "")


async def recover_before(store: Store, policies: Mapping[str, Policy], seq: int, *, short: bool) -> tuple[Engine, int]:
    """An engine as it stood at or before row `seq`, by the nearest snapshot, and the row it stands at.

    Where no snapshot is so old: from nothing in a `short` journal, else as of the newest snapshot, behind `seq`.
    """
    kept = await store.snapshot_before(IMAGE_VERSION, seq)
    if kept is None and not short:
        kept = await store.newest_snapshot(IMAGE_VERSION)
    if kept is None:
        return Engine(policies), 0
    at_seq, _, payload = kept
    image_of = SNAPSHOTS.loads(payload)
    assert isinstance(image_of, StateImage)
    return Engine(policies, State.of(image_of)), at_seq


async def _to_the_end(store: Store, engine: Engine, seq: int, row_hash: str) -> Recovered:
    while rows := await store.read(seq, PAGE):
        for appended in rows:
            engine.recover(appended.row.stamped.at_ns, appended.row.facts)
            seq, row_hash = appended.seq, appended.hash
    return Recovered(engine=engine, seq=seq, row_hash=row_hash)


async def as_heard(store: Store, state: State, event: Event) -> tuple[Event, ...]:
    """An event as the engine is to hear it: after another that brings back whomever it names and the state lacks (D35).

    For who decides one event at a time; the driver asks for a whole batch at once.
    """
    names = unknown(state, (event,))
    remembered = await store.recall(names) if names else Remembered()
    return tuple(told(state, event, remembered))


async def save(store: Store, engine: Engine, seq: int, row_hash: str, at_ns: Nanos) -> None:
    """Keep the engine's state as of `seq`."""
    await store.save_snapshot(seq, row_hash, at_ns, IMAGE_VERSION, SNAPSHOTS.dumps(engine.state.image()))

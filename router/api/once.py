"""Asked twice, done once: the answer to a request is stored in the transaction that puts the request on the table."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from router.access import Principal
from router.api.call import Answer, Prepared
from router.api.problems import Code, Refused
from router.api.together import FREE, Kept, Together
from router.model.errors import StoreUnavailable
from router.model.ids import Nanos
from router.model.requests import Request
from router.store import JournalStore
from router.store import asking_statements as sql
from router.store.session import Step, Taken

KEPT_NS = 7 * 24 * 3_600 * 1_000_000_000
"""So long a key is remembered at least. A `ref_id` is remembered for ever."""
_GRACE_NS = 5_000_000_000
_NS_PER_MS = 1_000_000
_TRIES = 3
REPLAYED = "Idempotency-Replayed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """Who asks for what, under which key."""

    principal: Principal
    key: str
    fingerprint: str


def fingerprint(method: str, path: str, query: str, raw: Mapping[str, Any] | None, version: str | None = None) -> str:
    """Of what is asked for, and of which version: two spellings of one JSON object are the same."""
    body = json.dumps(raw, sort_keys=True, separators=(",", ":"))
    named = "" if version is None else f"\n{version}"
    return hashlib.sha256(f"{method}\n{path}\n{query}\n{body}{named}".encode()).hexdigest()


class Once:
    """Keeps what was asked, and its answer."""

    def __init__(self, store: JournalStore, now: Callable[[], Nanos]) -> None:
        self._store = store
        self._now = now
        self._together = Together(store)

    async def run(self, asking: Asking, prepare: Callable[[], Awaitable[Prepared]], *, look_first: bool) -> Answer:
        """The stored answer, or a new one. Raises `Refused`.

        `look_first`: preparing may refuse today what was taken yesterday, so the stored answer goes before it. Where it
        may not, who asks for something new saves the look.
        """
        stored = await self._stored(asking) if look_first else None
        for _ in range(_TRIES):
            if stored is not None:
                return stored
            prepared = await prepare()
            try:
                await self._keep(asking, prepared)
            except Taken as error:
                if error.must == FREE:
                    assert prepared.unique is not None
                    return await self._taken_before(asking, prepared, prepared.unique)
                stored = await self._stored(asking)  # this key was there already, or came in at the same moment
                continue
            if prepared.finish is None:
                return prepared.answer
            answer = await prepared.finish()
            await self._store.transact([Step(sql.ANSWER, ((*_who(asking), answer.status, _text(answer)),))])
            return answer
        raise StoreUnavailable("the database refused to keep a request it does not know")

    async def forget_old(self) -> None:
        """Keys that are older than what was promised."""
        await self._store.transact([Step(sql.FORGET_ASKING, ((self._now() - KEPT_NS,),))])

    async def _stored(self, asking: Asking) -> Answer | None:
        rows = await self._store.rows_of(sql.ASKING, *_who(asking))
        if not rows:
            return None
        said, working_until_ns, status, text = rows[0]
        if said != asking.fingerprint:
            raise Refused(Code.KEY_REUSED, "this key was used before for something else: take a new one")
        assert isinstance(working_until_ns, int)
        assert isinstance(status, int)
        if working_until_ns > self._now():
            raise Refused(Code.IN_PROGRESS, "this is being worked on: ask again", headers={"Retry-After": "1"})
        kept = json.loads(str(text))
        return Answer(data=kept["data"], status=status, headers={**kept["headers"], REPLAYED: "true"})

    async def _keep(self, asking: Asking, prepared: Prepared) -> None:
        until = self._now() + prepared.within_ms * _NS_PER_MS + _GRACE_NS if prepared.finish is not None else 0
        answer = prepared.answer
        row = (*_who(asking), asking.fingerprint, self._now(), until, answer.status, _text(answer))
        others = [one for one in prepared.requests if one is not prepared.unique]
        await self._together.write(Kept(row, prepared.unique, others))

    async def _taken_before(self, asking: Asking, prepared: Prepared, wanted: Request) -> Answer:
        """The request's own key is there already: the same is answered, another is refused, for ever."""
        found = await self._store.asked(wanted.entity, wanted.kind, wanted.key)
        assert found is not None
        assert prepared.other is not None
        if found.body != wanted.body:
            raise prepared.other
        answer = Answer(data=prepared.answer.data, status=prepared.again, headers=prepared.answer.headers)
        try:
            await self._keep(asking, Prepared(requests=(), answer=answer))
        except Taken:
            again = await self._stored(asking)
            assert again is not None
            return again
        return answer


def _who(asking: Asking) -> tuple[str, str]:
    return asking.principal.name, asking.key


def _text(answer: Answer) -> str:
    return json.dumps({"data": answer.data, "headers": dict(answer.headers)}, separators=(",", ":"))

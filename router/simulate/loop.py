"""An asyncio loop in virtual time: every step of every task stands on the agenda, and a seed decides between equals.

Whose step it is, is told by a context variable. A killed process takes no further step, not even its `finally`; a
paused one takes its steps when it goes on. Its tasks are held on to: a task that is collected would
run its clean-up, which a killed process never does.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar

from router.simulate.agenda import Agenda, Whose

T = TypeVar("T")
S = 1_000_000_000
_TASKS_MANY = 256


class Deadlock(Exception):
    """Something is awaited and nothing is left that could happen."""


class Owner:
    """A process as the loop sees it: whose steps these are, and its tasks."""

    def __init__(self, whose: Whose) -> None:
        self.whose = whose
        self._tasks: list[asyncio.Task[Any]] = []

    def holds(self, task: "asyncio.Task[Any]") -> None:
        """It began a task."""
        if len(self._tasks) > _TASKS_MANY:
            self._tasks = self.running()
        self._tasks.append(task)

    def running(self) -> "list[asyncio.Task[Any]]":
        """Its tasks that have not ended, oldest first."""
        return [task for task in self._tasks if not task.done()]


OWNER: ContextVar[Owner | None] = ContextVar("owner", default=None)
"""Unset outside of all processes: what goes on at a venue or in the database survives whoever asked for it."""


class VirtualLoop(asyncio.AbstractEventLoop):
    """The part of a loop that tasks, futures, locks and timers need. There are no sockets and no threads here.

    `before_step` is told of every step of a process before it is taken: the process may be dead or paused afterwards.
    """

    def __init__(self, agenda: Agenda) -> None:
        self.agenda = agenda
        self.before_step: Callable[[Owner], None] | None = None
        self.raised: list[str] = []
        """What nobody caught. Must be empty at the end."""
        self._start_ns = agenda.now_ns

    @contextlib.contextmanager
    def current(self) -> Iterator[None]:
        """Within, this is the running loop."""
        asyncio._set_running_loop(self)  # noqa: SLF001 - documented as being for those who write a loop
        try:
            yield
        finally:
            asyncio._set_running_loop(None)  # noqa: SLF001

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Take steps until this has ended. Raises `Deadlock`."""
        with self.current():
            task = self.create_task(work)
            while not task.done():
                if not self.agenda:
                    raise Deadlock(str(task))
                self.agenda.take(self.agenda.next_ns)
            return task.result()

    # What asyncio asks of a loop.

    def time(self) -> float:
        """Virtual seconds since the beginning."""
        return (self.agenda.now_ns - self._start_ns) / S

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:  # type: ignore[override]
        """At this instant, before or after what else is due at it."""
        return self._put(self.agenda.now_ns, callback, args, context)

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """There is one thread."""
        return self.call_soon(callback, *args, context=context)

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """After `delay` virtual seconds."""
        return self._put(self.agenda.now_ns + int(delay * S), callback, args, context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """At a `time()`."""
        return self._put(self._start_ns + int(when * S), callback, args, context)

    def _put(
        self, when_ns: int, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None
    ) -> asyncio.TimerHandle:
        context = copy_context() if context is None else context
        owner = context.get(OWNER)
        handle = asyncio.TimerHandle((when_ns - self._start_ns) / S, callback, args, self, context)

        def run() -> None:
            if handle.cancelled():
                return
            try:
                context.run(callback, *args)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # noqa: BLE001 - as every loop does: it is told, and the loop goes on
                self.call_exception_handler({"message": f"a callback raised: {error!r}", "exception": error})

        def step() -> None:
            if handle.cancelled():
                return
            if owner is not None and self.before_step is not None:
                self.before_step(owner)
                if owner.whose.dead or owner.whose.paused_until_ns > self.agenda.now_ns:
                    self.agenda.at(owner.whose.paused_until_ns, run, owner.whose)
                    return
            run()

        self.agenda.at(when_ns, step, None if owner is None else owner.whose)
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It stays where it is and does nothing when its time comes."""

    def create_future(self) -> "asyncio.Future[Any]":
        """One of ours."""
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, T], *, name: str | None = None, context: Context | None = None
    ) -> "asyncio.Task[T]":
        """Begun by whoever's step this is."""
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        owner = OWNER.get() if context is None else context.get(OWNER)
        if owner is not None:
            owner.holds(task)
        return task

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> "asyncio.Future[T]":  # type: ignore[override] # noqa: ANN401, ARG002
        """Here and now, answered a step later."""
        future: asyncio.Future[T] = self.create_future()
        try:
            result = func(*args)
        except Exception as error:  # noqa: BLE001 - it is the caller's
            future.set_exception(error)
        else:
            future.set_result(result)
        return future

    def get_debug(self) -> bool:
        """No."""
        return False

    def is_running(self) -> bool:
        """Always, between `current`'s ends."""
        return True

    def is_closed(self) -> bool:
        """Never."""
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Kept."""
        self.raised.append(str(context.get("exception") or context["message"]))

    def after(self, delay_ns: int, future: "asyncio.Future[T]", result: T, whose: Whose | None) -> None:
        """Answer a future so much later, if it is still waited for by then."""

        def tell() -> None:
            if not future.done():
                future.set_result(result)

        self.agenda.after(delay_ns, tell, whose)


def context_of(owner: Owner) -> Context:
    """What is run in it is this process's."""
    context = Context()
    context.run(OWNER.set, owner)
    return context

"""RetryWatcher: an async iterator over a resource's events that survives anything."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Generic, Literal, Self, cast, overload

import anyio
from typing_extensions import TypeVar

from watchkit.core.backoff import Backoff
from watchkit.core.errors import ProtocolError, ResourceExpired
from watchkit.core.events import (
    Added,
    Began,
    Bookmark,
    Deleted,
    Event,
    Modified,
    ObjectEvent,
    Relisted,
    with_object,
)
from watchkit.core.health import Health, HealthState
from watchkit.core.ledger import Ledger
from watchkit.core.objects import Object
from watchkit.core.options import ListOptions
from watchkit.core.position import Policy
from watchkit.core.statistics import WatchStatistics
from watchkit.core.tally import Tally
from watchkit.watching.feed import Feed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from types import TracebackType

    from watchkit.core.source import ListerWatcher

T = TypeVar("T", default=Object)

_NO_OPTIONS = ListOptions()
_BACKOFF = Backoff()
_OF_OBJECTS: Final = (Added, Modified, Deleted)


class RetryWatcher(Generic[T]):
    """Every event of a resource, once, in order, whatever happens to server and connection.

    It resumes at the last version taken after any disconnect, with the caller's options on
    every request. Where the server no longer has the version, it lists and yields the net
    effect of the gap: Deleted first, then Added and Modified, all `inferred`; or, with
    `on_expired="raise"`, it raises `ResourceExpired`.

    With `options.resource_version` it resumes strictly after that version. Without, it begins
    now and yields nothing old, unless `replay_existing` asks for the current objects first, as
    `Added(initial=True)`. `model` decodes objects into a msgspec Struct or a kubernetes_asyncio
    model; `idle_timeout` is how long, in seconds, a server may be silent.

    Use it in an `async with`; leaving the block, or `aclose()`, frees the connection at once.
    `break` only pauses: iterating again goes on, also after a cancellation or an error.

    Raises:
        ValueError: options that cannot be resumed from (see the message).

    While iterating:
        ResourceExpired: the version is gone and `on_expired` is "raise"; again at each try.
        ApiError: the request is wrong and stays wrong (400, 405, 406, 422, a redirect).
        ProtocolError: frames that cannot be read, again and again; or an object that does not
            fit `model`: iterating again goes on behind it.

    """

    @overload
    def __init__(
        self: RetryWatcher[Object],
        source: ListerWatcher,
        options: ListOptions | Mapping[str, object] = ...,
        *,
        replay_existing: bool = ...,
        on_expired: Literal["relist", "raise"] = ...,
        backoff: Backoff = ...,
        idle_timeout: float = ...,
        model: None = None,
    ) -> None: ...

    @overload
    def __init__(
        self,
        source: ListerWatcher,
        options: ListOptions | Mapping[str, object] = ...,
        *,
        replay_existing: bool = ...,
        on_expired: Literal["relist", "raise"] = ...,
        backoff: Backoff = ...,
        idle_timeout: float = ...,
        model: type[T],
    ) -> None: ...

    def __init__(
        self,
        source: ListerWatcher,
        options: ListOptions | Mapping[str, object] = _NO_OPTIONS,
        *,
        replay_existing: bool = False,
        on_expired: Literal["relist", "raise"] = "relist",
        backoff: Backoff = _BACKOFF,
        idle_timeout: float = 150.0,
        model: type[T] | None = None,
    ) -> None:
        options = ListOptions.of(options)
        _check(options, replay_existing=replay_existing)
        if on_expired not in {"relist", "raise"}:
            msg = f"on_expired is 'relist' or 'raise', not {on_expired!r}"
            raise ValueError(msg)
        if not idle_timeout > 0:
            msg = f"idle_timeout must be more than 0 seconds, not {idle_timeout}"
            raise ValueError(msg)
        policy = Policy(backoff, on_expired, idle_timeout)
        self._source = source
        self.tally: Tally = Tally(source.resource)
        self._feed: Feed[ObjectEvent] = Feed(
            source, options, policy, Ledger(), self.tally, replay=replay_existing
        )
        self._model = model
        self._wants_bookmarks = options.allow_watch_bookmarks is True
        self._batch: list[Event | Began] = []
        """What was pulled, the next one last: an empty deque takes 700 bytes of each idle watch."""
        self._resource_version = options.resource_version
        self._handed_out: str | None = None
        self._pulling: anyio.CancelScope | None = None
        self._is_closed = False

    @property
    def resource_version(self) -> str | None:
        """Where a new watcher would go on: the last *finished* event's, or a later bookmark's.

        An event is finished when the consumer has come back for the next. None before anything
        is known, and after `ResourceExpired`.
        """
        return self._resource_version

    @property
    def health(self) -> Health:
        """How the watcher is, judged now. Its consumer's own time is no silence of the server."""
        health = self._feed.health(self._resource_version)
        return replace(health, state=HealthState.STOPPED) if self._is_closed else health

    def statistics(self) -> WatchStatistics:
        """Count what it has done so far; may be read from any thread.

        `tally` has the same counters, and outlives the watcher.
        """
        age = None if self._is_closed else self._feed.pulse.age
        return replace(self.tally.statistics(), progress_age=age, is_ended=self._is_closed)

    def with_markers(self) -> AsyncIterator[Event[T]]:
        """Iterate over the same events with the markers between them.

        `Relisted` before a gap's events, `Synced` after the last event of a gap or an initial
        replay (also when there was none), `Bookmark` where the caller's options have
        `allow_watch_bookmarks=True`.
        """
        return _Marked(self._next_event)

    async def aclose(self) -> None:
        """Free the connection at once; iterating then, or already, ends."""
        self._close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ObjectEvent[T]:
        while True:
            event = self._waiting()
            if event is None:
                await self._pull()
            elif isinstance(event, _OF_OBJECTS):
                return event

    def __repr__(self) -> str:
        where = f" {self._source.namespace}" if self._source.namespace else ""
        at = f"at={self._resource_version} attempt={self._feed.attempt}"
        return f"<RetryWatcher {self._source.resource}{where} {at}>"

    async def _next_event(self) -> Event[T]:
        """Wait for the next event or marker."""
        while (event := self._waiting()) is None:
            await self._pull()
        return event

    def _waiting(self) -> Event[T] | None:
        """Give the next event or marker if it is here already; the one before is finished now."""
        if self._handed_out is not None:
            self._resource_version, self._handed_out = self._handed_out, None
        while self._batch:
            if (event := self._hand_out(self._batch.pop())) is not None:
                return event
        return None

    def _hand_out(self, item: Event | Began) -> Event[T] | None:
        if isinstance(item, _OF_OBJECTS):
            self._handed_out = item.resume_version
            return cast("Event[T]", item) if self._model is None else self._in_model(item)
        if isinstance(item, Relisted):
            return item
        self._handed_out = item.resource_version
        if isinstance(item, Began) or (isinstance(item, Bookmark) and not self._wants_bookmarks):
            self._resource_version, self._handed_out = self._handed_out, None
            return None
        return item

    def _in_model(self, event: ObjectEvent) -> ObjectEvent[T]:
        model = self._model
        is_tombstone = isinstance(event, Deleted) and event.inferred
        if model is None or is_tombstone:
            return cast("ObjectEvent[T]", event)
        try:
            return with_object(event, lambda subject: subject.to(model))
        except ProtocolError as error:
            what = f"{event.type} {self._source.resource} {event.key} at {event.resource_version}"
            text = f"{what}: {error}"
        raise ProtocolError(text)

    async def _pull(self) -> None:
        self._check_open()
        if self._pulling is not None:
            msg = "iterating over"
            raise anyio.BusyResourceError(msg)
        self._pulling = anyio.CancelScope()
        with self._pulling:
            try:
                self._batch = [*reversed(await self._feed.pull())]
            except ResourceExpired:
                self._resource_version = None
                raise
            finally:
                self._pulling = None
                self._hang_up_if_closed()
        self._check_open()

    def _check_open(self) -> None:
        if self._is_closed:
            raise StopAsyncIteration

    def _hang_up_if_closed(self) -> None:
        """Close again: a watch may have been answered just when the watcher was closed."""
        if self._is_closed:
            self._batch.clear()
            self._feed.close()

    def _close(self) -> None:
        self._is_closed = True
        self._hang_up_if_closed()
        if self._pulling is not None:
            self._pulling.cancel()


class _Marked(Generic[T]):
    """The iterator of `with_markers`: one watcher, seen with its markers."""

    def __init__(self, following: Callable[[], Awaitable[Event[T]]]) -> None:
        self._following = following

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event[T]:
        return await self._following()


def _check(options: ListOptions, *, replay_existing: bool) -> None:
    version = options.resource_version
    if version == "0":
        msg = "resource_version '0' means any state, however old: name a version, or none"
        raise ValueError(msg)
    if version is not None and (replay_existing or options.send_initial_events):
        msg = f"resuming after version {version} and replaying what exists exclude each other"
        raise ValueError(msg)
    if options.send_initial_events is False:
        msg = "send_initial_events=False is what happens without it: leave it out"
        raise ValueError(msg)
    if options.send_initial_events and options.allow_watch_bookmarks is False:
        msg = "the end of the initial events is a bookmark: allow_watch_bookmarks must not be False"
        raise ValueError(msg)
    if options.resource_version_match is not None and not options.send_initial_events:
        msg = "the API takes resource_version_match on a watch only with send_initial_events"
        raise ValueError(msg)

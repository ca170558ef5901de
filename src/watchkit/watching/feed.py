"""Drives one list+watch through everything: asks the resume machine, and does what it says.

Nothing lives outside a call: between two pulls there is an open response at most, which
`close()` hangs up at once. So a feed needs no task of its own, and cancelling a pull at any
point leaves a position from which the next one goes on.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio
import anyio.lowlevel

from watchkit.core import errors
from watchkit.core.decoding import decode_page
from watchkit.core.events import Began, Event, Relisted, Synced
from watchkit.core.health import Health, judge
from watchkit.core.listing import Listing
from watchkit.core.options import PAGE_SIZE, list_query, stream_query, watch_query
from watchkit.core.position import (
    Dead,
    Ended,
    Failed,
    List,
    Listed,
    Moved,
    Opened,
    Policy,
    Position,
    Restored,
    Signal,
    Stream,
    Watch,
)
from watchkit.core.session import begin, is_restored, silence_bound, step
from watchkit.core.versions import is_before
from watchkit.observe.log import Observer
from watchkit.watching.intake import take_in
from watchkit.watching.stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchkit.core.ledger import Memory
    from watchkit.core.options import ListOptions
    from watchkit.core.source import ListerWatcher, WatchStream

DEADLINE_SLACK: Final = 15.0
"""Seconds after timeoutSeconds by which a watch must have ended; then it is ended here."""
_LATE: Final = 0.5
"""A timer this late means that the loop was blocked: what has come meanwhile is read first."""
_PROBE_AGAIN: Final = 1.0


@dataclass(slots=True)
class _Open:
    """One open watch; times are stopwatch readings, which leave the consumer's own time out."""

    stream: WatchStream
    version: str | None
    timeout: int
    started_at: float
    opened: float
    heard: float
    partial_since: float | None = None
    moved: bool = False
    initial: Listing | None = None


class Feed:
    """A resumable list+watch, pulled batch by batch; `memory` infers what a gap hid."""

    def __init__(
        self,
        source: ListerWatcher,
        options: ListOptions,
        policy: Policy,
        memory: Memory,
        *,
        replay: bool = False,
    ) -> None:
        self._source = source
        self._options = options
        self._policy = policy
        self._memory = memory
        self._replay = replay
        self._observer = Observer(source.resource, source.namespace)
        self._position: Position | None = None
        self._open: _Open | None = None
        self._listing: Listing | None = None
        self._limit = options.limit or PAGE_SIZE
        self._is_shrunk = False
        self._probe: str | None = None
        self._probed_at = -math.inf
        self._raising: errors.WatchkitError | None = None
        self._watch = Stopwatch()
        self._last_life = 0.0
        self._heard_at: float | None = None

    async def pull(self) -> Sequence[Event | Began]:
        """Wait for the next events: at least one, in order.

        Raises:
            ResourceExpired: the version is gone, and the policy is to raise that.
            ApiError: the request is wrong, and stays wrong.
            ProtocolError: the server sent bad frames over and over.

        """
        with self._watch:
            while True:
                if events := await self._turn():
                    return events

    def close(self) -> None:
        """Hang up. Never waits; the position stays."""
        if self._open is not None:
            self._open.stream.close()
            self._open = None

    @property
    def version(self) -> str | None:
        """The last version taken; None before anything is known, and once it has expired."""
        match self._position:
            case Position(next=Watch(version)):
                return version
            case _:
                return None

    def health(self, resource_version: str | None) -> Health:
        """Judge the health of this moment; `resource_version` is the consumer's own position."""
        at = self._at()
        silence = self._watch.read() - self._last_life
        heard = self._heard_at is not None
        bound = silence_bound(at, self._policy, self._open.timeout if self._open else 0)
        is_open = self._open is not None
        state = judge(at, is_open=is_open, heard=heard, silence=silence, bound=bound)
        return Health(state, self._heard_at, at.failures, at.cause, resource_version, at.epoch)

    @property
    def attempt(self) -> int:
        """Failures since progress."""
        return self._position.attempt if self._position is not None else 0

    def _at(self) -> Position:
        if self._position is None:
            version = self._options.resource_version
            stream = bool(self._options.send_initial_events)
            now = anyio.current_time()
            self._position = begin(self._policy, now, version=version, stream=stream)
        return self._position

    async def _turn(self) -> Sequence[Event | Began]:
        if self._raising is not None:
            error, self._raising = self._raising, None
            raise error
        if self._open is not None:
            return await self._receive(self._open)
        at = self._at()
        if isinstance(at.next, Dead):
            raise errors.ResourceExpired(*at.next.error.args)
        await anyio.sleep_until(at.not_before)
        if isinstance(at.next, List):
            return await self._list(at.next)
        await self._connect(at.next)
        return ()

    # Opening.

    async def _connect(self, what: Watch | Stream) -> None:
        timeout = self._timeout()
        version = what.version if isinstance(what, Watch) else None
        if version is None:
            query = stream_query(self._options, timeout=timeout)
        else:
            query = watch_query(self._options, version=version, timeout=timeout)
        began, began_at = self._watch.read(), anyio.current_time()
        try:
            stream = await self._source.watch(query, idle_timeout=self._policy.idle_timeout)
        except errors.WatchkitError as error:
            self._decide(Failed(error))
            return
        now = self._watch.read()
        self._open = _Open(stream, version, timeout, began_at, began, heard=now)
        if version is None:
            self._open.initial = Listing(lambda _: True)
        self._heard()
        self._decide(Opened())
        self._observer.opened(version, timeout=timeout)

    def _timeout(self) -> int:
        """The caller's timeoutSeconds, else one in the upper fifth below the idle timeout - 10.

        Random, lest all watches end together; below the idle timeout, so that the bookmark
        which the server sends just before a watch ends proves life in time.
        """
        if self._options.timeout_seconds is not None:
            return self._options.timeout_seconds
        longest = max(2, math.ceil(self._policy.idle_timeout - 10))
        shortest = math.ceil(longest * 0.8)
        return shortest + int(random.random() * (longest - shortest + 1))  # noqa: S311 - spread

    # Watching.

    async def _receive(self, watch: _Open) -> Sequence[Event | Began]:
        await anyio.lowlevel.checkpoint()
        seen = await (self._look(watch) if self._probe is None else self._look_beside(watch))
        if isinstance(seen, list):
            return self._take(watch, seen)
        if isinstance(seen, Restored):
            self._memory.forget_versions()
        self.close()
        self._decide(seen)
        return ()

    def _take(self, watch: _Open, frames: list[bytes]) -> Sequence[Event | Began]:
        now = self._watch.read()
        if frames:
            watch.heard = now
            watch.partial_since = None
            self._heard()
        if watch.stream.partial and watch.partial_since is None:
            watch.partial_since = now
        before = self.version
        intake = take_in(
            frames,
            self._memory,
            version=before,
            asked=watch.version,
            initial=watch.initial,
        )
        if intake.synced:
            self._finish_initial(watch, intake.version or "")
        if intake.version is not None and intake.version != before:
            watch.moved = True
            self._probe = None  # the store is past the version asked for: it was not restored
            self._decide(Moved(intake.version, by_bookmark=intake.bookmarked))
        if intake.failure is not None:
            self.close()
            self._decide(Failed(intake.failure, opened=True))
        return intake.events

    def _finish_initial(self, watch: _Open, version: str) -> None:
        objects = len(watch.initial.entries) if watch.initial is not None else 0
        watch.initial, watch.version = None, version
        self._observer.listed(version, objects=objects, events=objects, gap=False)

    async def _look(self, watch: _Open) -> list[bytes] | Signal:
        """Wait for frames as long as the bounds allow: the frames, or what came instead."""
        try:
            patience = self._patience(watch)
            due = anyio.current_time() + patience
            with anyio.move_on_after(patience):
                return self._received(watch, await watch.stream.receive())
            if anyio.current_time() > due + _LATE:
                with anyio.move_on_after(_LATE):
                    return self._received(watch, await watch.stream.receive())
        except errors.WatchkitError as error:
            return Failed(error, opened=True)
        return self._timed_out(watch)

    def _received(self, watch: _Open, frames: Sequence[bytes] | None) -> list[bytes] | Signal:
        if frames is not None:
            return list(frames)
        if watch.initial is not None:
            cause = errors.TransportError("the watch ended before its initial events did")
            return Failed(cause, opened=True)
        lived = anyio.current_time() - watch.started_at
        return Ended(lived, watch.timeout, watch.moved)

    def _patience(self, watch: _Open) -> float:
        now = self._watch.read()
        bound = silence_bound(self._at(), self._policy, watch.timeout)
        limits = [watch.heard + bound, watch.opened + watch.timeout + DEADLINE_SLACK]
        if watch.partial_since is not None:
            limits.append(watch.partial_since + self._policy.idle_timeout)
        return max(0.0, min(limits) - now)

    def _timed_out(self, watch: _Open) -> Signal:
        """Tell a watch that outlived its timeout in good health from one that fell silent."""
        now = self._watch.read()
        silence = now - watch.heard
        overdue = now >= watch.opened + watch.timeout + DEADLINE_SLACK
        if overdue and silence < self._policy.idle_timeout and watch.partial_since is None:
            return Ended(anyio.current_time() - watch.started_at, watch.timeout, watch.moved)
        what = "no end of a frame" if watch.partial_since is not None else "nothing"
        msg = f"watch {self._what()}: {what} came for {silence:.0f} s"
        return Failed(errors.IdleTimeout(msg), opened=True)

    # The probe beside a watch.

    async def _look_beside(self, watch: _Open) -> list[bytes] | Signal:
        """Wait for frames and meanwhile ask for the store's version; neither delays the other."""
        seen: list[list[bytes] | Signal] = []

        async def look() -> None:
            seen.append(await self._look(watch))
            both.cancel_scope.cancel()

        async def ask(version: str) -> None:
            found = await self._ask_version(version)
            self._probe = None
            if found is not None:
                seen.insert(0, Restored(found))
                both.cancel_scope.cancel()

        version = self._probe
        is_due = anyio.current_time() >= self._probed_at + _PROBE_AGAIN
        async with anyio.create_task_group() as both:
            both.start_soon(look)
            if version is not None and is_due:
                self._probed_at = anyio.current_time()
                both.start_soon(ask, version)
        return seen[0]

    async def _ask_version(self, version: str) -> str | None:
        """Return the store's version where it is older than `version`; a failure is no answer."""
        query = list_query(self._options, limit=1)
        try:
            body = await self._source.list(query, idle_timeout=self._policy.idle_timeout)
            found = decode_page(body).version
        except errors.WatchkitError as error:
            self._observer.probe_failed(error)
            return None
        return found if is_before(found, version) else None

    # Listing.

    async def _list(self, what: List) -> Sequence[Event | Began]:
        if self._listing is None:
            keep = self._memory.holds
            is_wanted = what.gap or self._replay
            self._listing = Listing(lambda each: is_wanted and not keep(each))
        try:
            while not await self._page(self._listing, what):
                await anyio.lowlevel.checkpoint()
        except errors.WatchkitError as error:
            self._listing = None
            self._decide(Failed(error))
            return ()
        listing, self._listing = self._listing, None
        return self._relisted(listing, what)

    async def _page(self, listing: Listing, what: List) -> bool:
        limit = self._limit if what.paged or self._is_shrunk else None
        query = list_query(self._options, limit=limit, token=listing.token)
        try:
            body = await self._source.list(query, idle_timeout=self._policy.idle_timeout)
        except errors.PageTooLarge:
            if self._limit == 1:
                raise
            self._limit, self._is_shrunk = self._limit // 2, True
            return False
        page = decode_page(body)
        if listing.version is None and is_restored(self._at(), page.version):
            self._memory.forget_versions()
            self._decide(Restored(page.version))
        self._heard()
        return listing.add(page)

    def _relisted(self, listing: Listing, what: List) -> Sequence[Event | Began]:
        version = listing.version or ""
        is_initial = not what.gap
        events: list[Event | Began] = list(self._memory.replace(listing, initial=is_initial))
        count = len(events)
        self._observer.listed(version, objects=len(listing.entries), events=count, gap=what.gap)
        self._decide(Listed(version))
        self._probe = None  # a list says what a probe would
        if what.gap:
            return [Relisted(version), *events, Synced(version)]
        if self._replay:
            return [*events, Synced(version)]
        return [Began(version)]

    # What every turn does.

    def _decide(self, signal: Signal) -> None:
        """Take one decision and say it; an error of it waits until the events before it are out."""
        luck = random.random()  # noqa: S311 - jitter, no secret
        decision = step(self._at(), signal, self._policy, anyio.current_time(), luck)
        before = self.version
        self._position = decision.position
        if decision.probe is not None:
            self._probe = decision.probe
        if decision.said is not None:
            self._observer.decided(decision.said, self.version or before)
        if decision.error is not None:
            self._raising = decision.error

    def _heard(self) -> None:
        self._last_life = self._watch.read()
        self._heard_at = anyio.current_time()

    def _what(self) -> str:
        where = f" in {self._source.namespace}" if self._source.namespace else ""
        return f"{self._source.resource}{where}"

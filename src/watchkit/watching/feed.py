"""Drives one list+watch through everything: asks the resume machine, and does what it says.

Nothing lives outside a call: between two pulls there is an open response at most, which
`close()` hangs up at once. So a feed needs no task of its own. Whatever a pull learns is kept at
once, with no await between: cancelled at any point, it loses nothing, and the next goes on.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, TypeAlias

import anyio
import anyio.lowlevel
from typing_extensions import TypeVar

from watchkit.core import errors
from watchkit.core.events import Began, Bookmark, Change, ObjectEvent, Relisted, Synced
from watchkit.core.health import Health, judge
from watchkit.core.naming import named
from watchkit.core.position import (
    Abandoned,
    Dead,
    Doubted,
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
from watchkit.observe.log import Observer
from watchkit.watching.additions import Additions
from watchkit.watching.intake import take_in
from watchkit.watching.lists import Lists
from watchkit.watching.opened import OpenWatch, open_watch
from watchkit.watching.probe import Probe
from watchkit.watching.stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchkit.core.ledger import Memory
    from watchkit.core.listing import Listing
    from watchkit.core.options import ListOptions
    from watchkit.core.source import ListerWatcher
    from watchkit.watching.additions import Refused

E = TypeVar("E", bound=ObjectEvent[object] | Change[object], default=ObjectEvent)

Marker: TypeAlias = Relisted | Synced | Bookmark | Began
"""What comes between the events."""


class Feed(Generic[E]):
    """A resumable list+watch, pulled batch by batch; `memory` infers what a gap hid.

    `replay` lets the objects of the first list come as initial events. `stream` asks for them
    on the watch itself; `stream_deadline` is how long, in seconds, that may then be silent.
    `refused` remembers what the endpoint would not have of what was added to the caller's
    options; without it, nothing that is refused is left out.
    """

    def __init__(
        self,
        source: ListerWatcher,
        options: ListOptions,
        policy: Policy,
        memory: Memory[E],
        *,
        replay: bool = False,
        stream: bool = False,
        stream_deadline: float | None = None,
        refused: Refused | None = None,
    ) -> None:
        self._source = source
        self._options = options
        self._policy = policy
        self._memory = memory
        self._stream = stream or bool(options.send_initial_events)
        self._stream_deadline = stream_deadline
        self._additions = Additions(options, refused)
        self._replay = replay or self._stream
        self._observer = Observer(source.resource, source.namespace)
        self._lists = Lists(source, options, policy.idle_timeout)
        self._probe = Probe(self._lists, self._observer)
        self._position: Position | None = None
        self._open: OpenWatch | None = None
        self._events: list[E | Marker] = []
        self._held_back: Sequence[bytes] = ()
        self._most: int | None = None
        self._raising: errors.WatchkitError | None = None
        self._clock = Stopwatch()
        self._last_life = 0.0
        self._heard_at: float | None = None

    async def pull(self, most: int | None = None) -> Sequence[E | Marker]:
        """Wait for the next events: at least one, in order.

        At most `most` frames of one read are taken; the rest waits, unread, for the next pull.

        Raises:
            ResourceExpired: the version is gone, and the policy is to raise that.
            ApiError: the request is wrong, and stays wrong.
            ProtocolError: the server sent bad frames over and over.

        """
        self._most = most
        with self._clock:
            while not self._events:
                await self._turn()
        return self.drain()

    def drain(self) -> Sequence[E | Marker]:
        """Give the events that the memory knows of already, without waiting for more."""
        events, self._events = self._events, []
        return events

    def relist(self, why: str) -> None:
        """Hang up and list anew: what differs then comes as of a gap. Never waits.

        The list begins after this call, also where one was under way. Not to be called while a
        pull waits: cancel that first.
        """
        self._lists.give_up()
        self._end(Doubted(why))

    def close(self) -> None:
        """Hang up. Never waits; the position stays."""
        self._held_back = ()
        if self._open is not None:
            self._open.close()
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
        silence = self.silence
        heard = self._heard_at is not None
        bound = silence_bound(at, self._policy, self._open.timeout if self._open else 0)
        is_open = self._open is not None
        state = judge(at, is_open=is_open, heard=heard, silence=silence, bound=bound)
        return Health(state, self._heard_at, at.failures, at.cause, resource_version, at.epoch)

    @property
    def silence(self) -> float:
        """Seconds of waiting for the server since it was last heard of."""
        return self._clock.read() - self._last_life

    @property
    def attempt(self) -> int:
        """Failures since progress."""
        return self._position.attempt if self._position is not None else 0

    def _at(self) -> Position:
        if self._position is None:
            version = self._options.resource_version
            now = anyio.current_time()
            self._position = begin(self._policy, now, version=version, stream=self._stream)
        return self._position

    async def _turn(self) -> None:
        if self._raising is not None:
            error, self._raising = self._raising, None
            raise error
        if self._probe.found is not None:
            version, self._probe.found = self._probe.found, None
            self._memory.forget_versions()
            self._end(Restored(version))
        elif self._open is not None:
            await self._receive(self._open)
        else:
            await self._go_on(self._at())

    async def _go_on(self, at: Position) -> None:
        if isinstance(at.next, Dead):
            raise errors.ResourceExpired(*at.next.error.args)
        await anyio.sleep_until(at.not_before)
        try:
            if isinstance(at.next, List):
                await self._list(at.next)
            else:
                await self._connect(at.next)
        except anyio.get_cancelled_exc_class():
            self._decide(Abandoned())
            raise

    # Watching.

    async def _connect(self, what: Watch | Stream) -> None:
        version = what.version if isinstance(what, Watch) else None
        timeout = self._policy.idle_timeout
        try:
            self._open = await open_watch(
                self._source,
                self._options,
                version,
                idle_timeout=timeout,
                clock=self._clock,
                bookmarks=self._additions.bookmarks,
            )
        except errors.WatchkitError as error:
            self._decide(self._additions.judged(error, what))
            return
        self._additions.answered()
        self._heard()
        self._decide(Opened())
        self._observer.opened(version, timeout=self._open.timeout)

    async def _receive(self, watch: OpenWatch) -> None:
        await anyio.lowlevel.checkpoint()
        if self._probe.version is None:
            await self._read(watch)
            return

        async def read() -> bool:
            await self._read(watch)
            return self._open is watch and not self._events

        await self._probe.ask_beside(read, self._at().not_before, self._cut_off_probe)

    def _cut_off_probe(self) -> None:
        """Let events that came meanwhile stand for the answer; else it is asked for again."""
        if self._events:
            self._probe.version = None
        else:
            self._decide(Abandoned())

    async def _read(self, watch: OpenWatch) -> None:
        if self._held_back:
            self._take(watch, self._held_back)
            return
        bound = silence_bound(self._at(), self._policy, watch.timeout)
        if watch.initial is not None and self._stream_deadline is not None:
            bound = min(bound, self._stream_deadline)
        seen = await watch.look(bound, self._policy.idle_timeout)
        if isinstance(seen, Ended | Failed):
            self._end(seen if watch.initial is None else self._additions.unmarked(seen))
            return
        if seen:
            self._heard()
        self._take(watch, seen)

    def _take(self, watch: OpenWatch, frames: Sequence[bytes]) -> None:
        most = len(frames) if self._most is None else max(1, self._most)
        frames, self._held_back = frames[:most], frames[most:]
        if not frames:
            return
        before = self.version
        intake = take_in(
            frames, self._memory, version=before, asked=watch.version, initial=watch.initial
        )
        self._events.extend(intake.events)
        if intake.synced:
            self._finish_initial(watch, intake.version or "")
        if intake.version is not None and intake.version != before:
            watch.moved = True
            self._decide(Moved(intake.version, by_bookmark=intake.bookmarked))
        if intake.failure is not None:
            self._end(Failed(intake.failure, opened=True))

    def _finish_initial(self, watch: OpenWatch, version: str) -> None:
        objects = len(watch.initial.entries) if watch.initial is not None else 0
        watch.initial, watch.version = None, version
        self._observer.listed(version, objects=objects, events=objects, gap=False)

    def _end(self, signal: Signal) -> None:
        self.close()
        self._decide(signal)

    # Listing.

    async def _list(self, what: List) -> None:
        is_wanted = what.gap or self._replay
        try:
            listing = await self._lists.go_on(
                self._memory if is_wanted else None, paged=what.paged, began=self._list_began
            )
        except errors.WatchkitError as error:
            self._decide(self._additions.judged(error, what))
            return
        self._heard()
        self._additions.answered()
        if listing is not None:
            self._relisted(listing, what)

    def _list_began(self, version: str) -> None:
        """Notice a restored store before the first object is compared with those held."""
        if is_restored(self._at(), version):
            self._memory.forget_versions()
            self._decide(Restored(version))

    def _relisted(self, listing: Listing, what: List) -> None:
        version = listing.version or ""
        events = self._memory.replace(listing, initial=not what.gap)
        count = len(events)
        self._observer.listed(version, objects=len(listing.entries), events=count, gap=what.gap)
        self._decide(Listed(version))
        self._probe.version = None  # a list says what a probe would
        if what.gap:
            self._events += [Relisted(version), *events, Synced(version)]
        elif self._replay:
            self._events += [*events, Synced(version)]
        else:
            self._events.append(Began(version))

    # What every turn does.

    def _decide(self, signal: Signal) -> None:
        """Take one decision and say it; an error of it waits until the events before it are out."""
        if isinstance(signal, Failed):
            signal = replace(signal, error=named(signal.error, self._doing(), self._options))
        luck = random.random()  # noqa: S311 - jitter, no secret
        decision = step(self._at(), signal, self._policy, anyio.current_time(), luck)
        before = self.version
        self._position = decision.position
        if decision.probe is not None:
            self._probe.version = decision.probe
        if decision.said is not None:
            self._observer.decided(decision.said, self.version or before)
        if decision.error is not None:
            self._raising = decision.error

    def _doing(self) -> str:
        verb = "list" if isinstance(self._at().next, List) else "watch"
        where = f" in {self._source.namespace}" if self._source.namespace else ""
        return f"{verb} {self._source.resource}{where}"

    def _heard(self) -> None:
        self._last_life = self._clock.read()
        self._heard_at = anyio.current_time()

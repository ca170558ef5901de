"""Drives one list+watch through everything: asks the resume machine, and does what it says.

Nothing lives outside a call: between two pulls there is an open response at most, which
`close()` hangs up at once. So a feed needs no task of its own. Whatever a pull learns is kept at
once, with no await between: cancelled at any point, it loses nothing, and the next goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic

import anyio
import anyio.lowlevel

from watchkit.core import errors
from watchkit.core.health import Health, judge
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
    Restored,
    Signal,
    Stream,
    Watch,
)
from watchkit.core.session import is_restored, silence_bound
from watchkit.core.tally import Tally, end_of
from watchkit.observe.log import Observer
from watchkit.watching.additions import Additions
from watchkit.watching.course import Course
from watchkit.watching.gathering import E, Gathering, Marker
from watchkit.watching.lists import Lists
from watchkit.watching.opened import OpenWatch, open_watch
from watchkit.watching.probe import Probe
from watchkit.watching.pulse import Pulse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from watchkit.core.ledger import Memory
    from watchkit.core.options import ListOptions
    from watchkit.core.position import Position
    from watchkit.core.source import ListerWatcher
    from watchkit.core.statistics import WatchEnd
    from watchkit.watching.additions import Refused


_TURN: Final = 16
"""Frames, and looks for more, after which a watch that never has to wait lets others run.

Behind one event that comes alone there is a wait as a rule: to let others run before that, too,
takes another turn of the event loop.
"""


class Feed(Generic[E]):
    """A resumable list+watch, pulled batch by batch; `memory` infers what a gap hid.

    `replay` lets the objects of the first list come as initial events. `stream` asks for them
    on the watch itself; `stream_deadline` is how long, in seconds, that may then be silent.
    `refused` remembers what the endpoint would not have of what was added to the caller's
    options; without it, nothing that is refused is left out. `tally` counts what happens, `pulse`
    tells when the server was last heard of.
    """

    def __init__(
        self,
        source: ListerWatcher,
        options: ListOptions,
        policy: Policy,
        memory: Memory[E],
        tally: Tally,
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
        self._tally = tally
        stream = stream or bool(options.send_initial_events)
        self._stream_deadline = stream_deadline
        self._additions = Additions(options, refused)
        self._observer = Observer(source.resource, source.namespace)
        self._events: Gathering[E] = Gathering(
            memory, self._observer, tally, replays=replay or stream
        )
        self._course = Course(source, options, policy, self._observer, stream=stream)
        self._lists = Lists(source, options, policy.idle_timeout)
        self._probe = Probe(self._lists, self._observer)
        self._open: OpenWatch | None = None
        self._held_back: Sequence[bytes] = ()
        self._room: Callable[[], int | None] = _unbounded
        self._turn_left = 0
        self.pulse: Pulse = Pulse()

    async def pull(
        self, room: Callable[[], int | None] | None = None, most: int | None = None
    ) -> Sequence[E | Marker]:
        """Wait for the next events: at least one, in order; `most` is how many at most.

        Of one read, so many frames are taken as `room()` says just then (None: all), one at
        least; the rest waits, unread, for the next pull. Where events wait already, nothing is
        awaited.

        Raises:
            ResourceExpired: the version is gone, and the policy is to raise that.
            ApiError: the request is wrong, and stays wrong.
            ProtocolError: the server sent bad frames over and over.

        """
        self._room = room or _unbounded
        with self.pulse:
            while not self._events:
                await self._turn()
        return self._events.drain(most)

    @property
    def is_behind(self) -> bool:
        """Whether the next pull has something to give without waiting for it."""
        return len(self._events) > 0

    def drain(self) -> Sequence[E | Marker]:
        """Give the events that the memory knows of already, without waiting for more."""
        return self._events.drain()

    def relist(self, why: str) -> None:
        """Hang up and list anew: what differs then comes as of a gap. Never waits.

        The list begins after this call, also where one was under way. Not to be called while a
        pull waits: cancel that first.
        """
        self._lists.give_up()
        self._end(Doubted(why))

    def close(self) -> None:
        """Hang up. Never waits; the position stays."""
        self._hang_up("left")

    @property
    def version(self) -> str | None:
        """The last version taken; None before anything is known, and once it has expired."""
        return self._course.version

    def health(self, resource_version: str | None) -> Health:
        """Judge the health of this moment; `resource_version` is the consumer's own position."""
        at, pulse = self._course.at, self.pulse
        heard = pulse.heard_at is not None
        bound = silence_bound(at, self._policy, self._open.timeout if self._open else 0)
        is_open = self._open is not None
        state = judge(at, is_open=is_open, heard=heard, silence=pulse.silence, bound=bound)
        return Health(state, pulse.heard_at, at.failures, at.cause, resource_version, at.epoch)

    @property
    def attempt(self) -> int:
        """Failures since progress."""
        return self._course.attempt

    async def _turn(self) -> None:
        if self._course.raising is not None:
            error, self._course.raising = self._course.raising, None
            raise error
        if self._probe.found is not None:
            version, self._probe.found = self._probe.found, None
            self._memory.forget_versions()
            self._end(Restored(version))
        elif self._open is not None:
            await self._receive(self._open)
        else:
            await self._go_on(self._course.at)

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
            if not isinstance(at.next, List):
                self._tally.watch_ended("left")
            self._decide(Abandoned())
            raise

    # Watching.

    async def _connect(self, what: Watch | Stream) -> None:
        version = what.version if isinstance(what, Watch) else None
        try:
            self._open = await open_watch(
                self._source,
                self._options,
                version,
                idle_timeout=self._policy.idle_timeout,
                clock=self.pulse.clock,
                keep=self._memory.keep,
                bookmarks=self._additions.bookmarks,
            )
        except errors.WatchkitError as error:
            signal = self._additions.judged(error, what)
            self._tally.watch_ended(end_of(signal))
            self._decide(signal)
            return
        self._additions.answered()
        self.pulse.heard(anyio.current_time())
        if version is None:
            self._tally.listed("start")
        self._decide(Opened())
        self._observer.opened(version, timeout=self._open.timeout)

    async def _receive(self, watch: OpenWatch) -> None:
        if self._turn_left <= 0:
            self._turn_left = _TURN
            await anyio.lowlevel.checkpoint()
        if self._probe.version is None:
            await self._read(watch)
            return

        async def read() -> bool:
            await self._read(watch)
            return self._open is watch and not self._events

        await self._probe.ask_beside(read, self._course.at.not_before, self._cut_off_probe)

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
        bound = silence_bound(self._course.at, self._policy, watch.timeout)
        if watch.initial is not None and self._stream_deadline is not None:
            bound = min(bound, self._stream_deadline)
        seen = await watch.look(bound, self._policy.idle_timeout)
        if isinstance(seen, Ended | Failed):
            self._end(seen if watch.initial is None else self._additions.unmarked(seen))
            return
        if seen:
            self.pulse.heard(watch.seen_at)
        self._take(watch, seen)

    def _take(self, watch: OpenWatch, frames: Sequence[bytes]) -> None:
        room = self._room()
        most = len(frames) if room is None else max(1, room)
        frames, self._held_back = frames[:most], frames[most:]
        self._turn_left -= 1 + len(frames)
        if not frames:
            return
        before = self._course.version
        intake = self._events.watched(frames, before, watch.version, watch.initial)
        if intake.synced:
            watch.initial, watch.version = None, intake.version
        has_moved = intake.version != before
        watch.moved = watch.moved or has_moved
        if intake.version is not None and (has_moved or intake.bookmarks):
            self._decide(Moved(intake.version, by_bookmark=intake.bookmarks > 0))
        if intake.failure is not None:
            self._end(Failed(intake.failure, opened=True))

    def _end(self, signal: Signal) -> None:
        self._hang_up(end_of(signal))
        self._decide(signal)

    def _hang_up(self, end: WatchEnd) -> None:
        self._held_back = ()
        if self._open is not None:
            self._open.close()
            self._open = None
            self._tally.watch_ended(end)

    # Listing.

    async def _list(self, what: List) -> None:
        is_wanted = what.gap or self._events.replays
        try:
            listing = await self._lists.go_on(
                self._memory if is_wanted else None, paged=what.paged, began=self._list_began
            )
        except errors.WatchkitError as error:
            self._decide(self._additions.judged(error, what))
            return
        self.pulse.heard(anyio.current_time())
        self._additions.answered()
        if listing is not None:
            self._decide(Listed(self._events.listed(listing, gap=what.gap)))
            self._probe.version = None  # a list says what a probe would

    def _list_began(self, version: str) -> None:
        """Notice a restored store before the first object is compared with those held."""
        self._tally.listed(self._course.reason)
        if is_restored(self._course.at, version):
            self._memory.forget_versions()
            self._decide(Restored(version))

    # What every turn does.

    def _decide(self, signal: Signal) -> None:
        """Take one decision; an error of it waits until the events before it are out."""
        probe = self._course.decide(signal)
        if probe is not None:
            self._probe.version = probe


def _unbounded() -> int | None:
    return None

"""One open watch: what it gives next, and whether it has been silent for too long."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Final

import anyio

from watchkit.core import errors
from watchkit.core.listing import Listing
from watchkit.core.options import stream_query, watch_query
from watchkit.core.position import Ended, Failed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from watchkit.core.objects import Object
    from watchkit.core.options import ListOptions
    from watchkit.core.source import ListerWatcher, WatchStream
    from watchkit.watching.stopwatch import Stopwatch

DEADLINE_SLACK: Final = 15.0
"""Seconds after timeoutSeconds by which a watch must have ended; then it is ended here."""
_LATE: Final = 0.5
"""A timer this late means that the loop was blocked: what has come meanwhile is read first."""


async def open_watch(
    source: ListerWatcher,
    options: ListOptions,
    version: str | None,
    *,
    idle_timeout: float,
    clock: Stopwatch,
    keep: Callable[[Object], object],
    bookmarks: bool = True,
) -> OpenWatch:
    """Watch from strictly after `version`; None: with the current objects as initial events.

    `keep` gives what is kept of each of those until they are whole. `bookmarks` asks for them
    where the caller's options do not say.

    Raises:
        ApiError, TransportError: there was no 200 (see `ListerWatcher.watch`).

    """
    timeout = options.timeout_seconds or _timeout(idle_timeout)
    if version is None:
        query = stream_query(options, timeout=timeout)
    else:
        query = watch_query(options, version=version, timeout=timeout, bookmarks=bookmarks)
    began = clock.read()
    stream = await source.watch(query, idle_timeout=idle_timeout)
    lived = clock.read() - began
    initial = Listing(keep) if version is None else None
    return OpenWatch(stream, version, initial, timeout=timeout, clock=clock, lived=lived)


def _timeout(idle_timeout: float) -> int:
    """A timeoutSeconds in the upper fifth below the idle timeout - 10.

    Random, lest all watches end together; below the idle timeout, so that the bookmark which
    the server sends just before a watch ends proves life in time.
    """
    longest = max(2, math.ceil(idle_timeout - 10))
    shortest = math.ceil(longest * 0.8)
    return shortest + int(random.random() * (longest - shortest + 1))  # noqa: S311 - spread


class OpenWatch:
    """A stream with its bounds, in stopwatch seconds: the consumer's own time is no silence.

    `version` is what the watch asked for, None while its initial events stream in (`initial`
    collects them); `moved` whether it has moved the version since.
    """

    def __init__(
        self,
        stream: WatchStream,
        version: str | None,
        initial: Listing | None,
        *,
        timeout: int,
        clock: Stopwatch,
        lived: float,
    ) -> None:
        """Begin to measure, `lived` seconds after the request."""
        self.version = version
        self.initial = initial
        self.timeout = timeout
        self.moved = False
        self.seen_at: float = anyio.current_time()
        """When it was read last, or opened, on the event loop's clock."""
        self._stream = stream
        self._clock = clock
        self._heard = clock.read()
        self._deadline = self._heard - lived + timeout + DEADLINE_SLACK
        self._started_at = self.seen_at - lived
        self._partial_since: float | None = None
        self._is_graced = False

    def close(self) -> None:
        """Hang up. Never waits."""
        self._stream.close()

    async def look(self, bound: float, idle_timeout: float) -> Sequence[bytes] | Ended | Failed:
        """Wait for frames within the bounds (none: a part of one); give what came instead of them.

        `bound` is how long no frame may come, `idle_timeout` how long a frame may take.
        """
        due = self._due(bound, idle_timeout)
        try:
            now = anyio.current_time()
            left = max(0.0, due - self._clock.read_at(now))
            with anyio.CancelScope(deadline=now + left):
                return self._seen(await self._stream.receive())
            if self._clock.read() > due + _LATE and not self._is_graced:
                self._is_graced = True
                with anyio.move_on_after(_LATE):
                    return self._seen(await self._stream.receive())
        except errors.WatchkitError as error:
            return Failed(error, opened=True)
        return self._timed_out()

    def _seen(self, frames: Sequence[bytes] | None) -> Sequence[bytes] | Ended | Failed:
        if frames is None:
            return self._ended()
        self.seen_at = anyio.current_time()
        now = self._clock.read_at(self.seen_at)
        if frames:
            self._heard, self._is_graced = now, False
        if not self._stream.partial:
            self._partial_since = None
        elif frames or self._partial_since is None:
            self._partial_since = now
        return frames

    def _ended(self) -> Ended | Failed:
        if self.initial is not None:
            cause = errors.TransportError("the watch ended before its initial events did")
            return Failed(cause, opened=True)
        return Ended(anyio.current_time() - self._started_at, self.timeout, self.moved)

    def _due(self, bound: float, idle_timeout: float) -> float:
        due = min(self._heard + bound, self._deadline)
        if self._partial_since is not None:
            due = min(due, self._partial_since + idle_timeout)
        return due

    def _timed_out(self) -> Ended | Failed:
        """Tell a server that talks on behind its time from one that fell silent.

        A watch that nobody ended in time, and that gave no closing bookmark either, is as
        suspect as one that was silent for the whole idle timeout.
        """
        now = self._clock.read()
        silence = now - self._heard
        if now >= self._deadline and silence < DEADLINE_SLACK and self._partial_since is None:
            return self._ended()
        what = "nothing" if self._partial_since is None else "no end of a frame"
        return Failed(errors.IdleTimeout(f"{what} came for {silence:.0f} s"), opened=True)

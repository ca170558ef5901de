"""One open watch over HTTP: reads in, frames out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import anyio

from watchkit.api.incoming import Incoming
from watchkit.core.decoding import is_bookmark, is_status
from watchkit.core.errors import TransportError
from watchkit.core.framing import LineBuffer
from watchkit.core.rhythm import AMID_INITIAL, Rhythm


class HttpWatch:
    """A WatchStream over one answer. What has arrived is given without awaiting anything.

    `suspect` is called once, if the connection turned out bad or had to be given up before its
    end: pooled ones to the same server may be as bad. With a `pause`, in seconds, events that
    come fast are read together, each delayed by that at most (see `core.rhythm`). `initial` says
    that initial events come first: those are read together in any case.
    """

    __slots__ = ("_ended", "_incoming", "_lines", "_pause", "_pause_then", "_rhythm", "_suspect")

    def __init__(
        self,
        incoming: Incoming,
        max_frame: int,
        suspect: Callable[[], None],
        pause: float = 0.0,
        *,
        initial: bool = False,
    ) -> None:
        self._incoming = incoming
        self._lines = LineBuffer(max_frame)
        self._suspect = suspect
        self._pause = max(pause, AMID_INITIAL) if initial else pause
        self._pause_then = pause
        self._rhythm = Rhythm()
        self._ended = False

    @property
    def partial(self) -> bool:
        """Whether a frame has begun whose newline has not come yet."""
        return self._lines.partial

    @property
    def reads_together(self) -> bool:
        """Whether events that come fast are read together now."""
        return self._pause > 0

    async def receive(self) -> list[bytes] | None:
        """Wait for the next read and give the frames that it completed, None at a clean end.

        A last line without its newline is dropped: half an event, or one that the server sends
        again. Only a Status in place of the events is given: it ends as any JSON body may.
        Cancelled, it loses nothing.

        Raises:
            TransportError: the connection broke, or was closed here.
            FrameTooLarge: a frame passed the cap; frames before it were given before.

        """
        self._lines.check()
        try:
            chunk = await self._read()
        except TransportError:
            self._give_up()
            raise
        if chunk:
            frames = self._lines.feed(chunk)
            if self._pause:
                self._keep_time(frames)
            return frames
        self._ended = True
        rest = self._lines.rest()
        return [rest] if is_status(rest) else None

    def close(self) -> None:
        """Hang up at once. Never waits, never raises; a second call does nothing."""
        self._incoming.close()
        self._give_up()

    async def _read(self) -> bytes:
        """Read what there is; where nothing is yet and events come fast, let more come first."""
        if not self._pause or not self._rhythm.is_fast:
            return await self._incoming.read()
        if chunk := self._incoming.take():
            return chunk
        self._incoming.hold()
        try:
            await anyio.sleep(self._rhythm.wait(anyio.current_time(), self._pause))
        finally:
            self._incoming.go_on()
        self._rhythm = self._rhythm.paused(anyio.current_time())
        return await self._incoming.read()

    def _keep_time(self, frames: Sequence[bytes]) -> None:
        self._rhythm = self._rhythm.after(anyio.current_time(), len(frames), self._pause)
        if self._pause != self._pause_then and any(map(is_bookmark, frames)):
            self._pause = self._pause_then

    def _give_up(self) -> None:
        if not self._ended:
            self._ended = True
            self._suspect()

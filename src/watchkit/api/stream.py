"""One open watch over HTTP: reads in, frames out."""

from __future__ import annotations

from collections.abc import Callable

from watchkit.api.incoming import Incoming
from watchkit.core.decoding import is_status
from watchkit.core.errors import TransportError
from watchkit.core.framing import LineBuffer


class HttpWatch:
    """A WatchStream over one answer. What has arrived is given without awaiting anything.

    `suspect` is called once, if the connection turned out bad or had to be given up before its
    end: pooled ones to the same server may be as bad.
    """

    __slots__ = ("_ended", "_incoming", "_lines", "_suspect")

    def __init__(self, incoming: Incoming, max_frame: int, suspect: Callable[[], None]) -> None:
        self._incoming = incoming
        self._lines = LineBuffer(max_frame)
        self._suspect = suspect
        self._ended = False

    @property
    def partial(self) -> bool:
        """Whether a frame has begun whose newline has not come yet."""
        return self._lines.partial

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
            chunk = await self._incoming.read()
        except TransportError:
            self._give_up()
            raise
        if chunk:
            return self._lines.feed(chunk)
        self._ended = True
        rest = self._lines.rest()
        return [rest] if is_status(rest) else None

    def close(self) -> None:
        """Hang up at once. Never waits, never raises; a second call does nothing."""
        self._incoming.close()
        self._give_up()

    def _give_up(self) -> None:
        if not self._ended:
            self._ended = True
            self._suspect()

"""Bytes in, frames out: cuts a watch's bytes into lines, whatever the chunks they come in."""

from __future__ import annotations

from watchkit.core.errors import FrameTooLarge

MAX_FRAME = 8 * 1024 * 1024
"""etcd takes objects up to 1.5 MiB; JSON escapes can make them some times longer on the wire."""


class LineBuffer:
    r"""Collects chunks and gives back complete lines, without `\n` or `\r\n`; blanks are skipped.

    Any chunking of the same bytes gives the same lines. Only `\n` ends a line (not U+0085 or
    U+2028, which JSON strings may hold). Memory: one frame of at most `max_frame` bytes plus one
    chunk, however small the chunks are. The fragments of a long line are joined once, not once
    per chunk.
    """

    __slots__ = ("_begun", "_max_frame", "_overflow")

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        if max_frame < 1:
            msg = f"max_frame must be at least 1 byte, not {max_frame}"
            raise ValueError(msg)
        # Not a list of fragments: of tiny ones, that costs more than forty times the frame.
        self._begun = bytearray()
        self._max_frame = max_frame
        self._overflow = False

    @property
    def partial(self) -> bool:
        """Whether a line has begun whose newline has not come yet."""
        return len(self._begun) > 0

    def rest(self) -> bytes:
        """Take what has come since the last newline: of a stream that has ended, no line."""
        rest = bytes(self._begun)
        self._begun.clear()
        return rest

    def check(self) -> None:
        """Raise what stopped the last `feed`: look before waiting for another chunk.

        Raises:
            FrameTooLarge: a line passed the cap. Lines before it were returned; nothing after
                it can be trusted, so there is no going on.

        """
        if self._overflow:
            msg = f"a watch event was longer than {self._max_frame} bytes"
            raise FrameTooLarge(msg)

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take one chunk; return the lines that it completed.

        Raises:
            FrameTooLarge: an earlier chunk passed the cap (see `check`).

        """
        self.check()
        lines: list[bytes] = []
        start = 0
        # Not `split`, which looks at each byte of its own: `find` jumps from newline to newline.
        while (end := chunk.find(b"\n", start)) >= 0:
            lines.append(chunk[start:end])
            start = end + 1
        rest = chunk[start:]
        if lines and self._begun:
            self._begun += lines[0]
            lines[0] = bytes(self._begun)
            self._begun.clear()
        complete = self._within_cap(lines)
        self._keep(rest)
        return complete

    def _within_cap(self, lines: list[bytes]) -> list[bytes]:
        complete: list[bytes] = []
        most = self._max_frame
        for line in lines:
            frame = line[:-1] if line.endswith(b"\r") else line
            if len(frame) > most:
                self._overflow = True
                break
            if frame and not frame.isspace():
                complete.append(frame)
        return complete

    def _keep(self, rest: bytes) -> None:
        if rest and not self._overflow:
            self._begun += rest
            # One more byte may be the \r of its end.
            self._overflow = len(self._begun) > self._max_frame + 1

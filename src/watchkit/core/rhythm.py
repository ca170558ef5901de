"""Whether events come so fast that it pays to read them together: a decision, without a clock.

Each read wakes the event loop and everything above it, which costs more than what is in it where
that is one event. Between two reads of a busy watch the connection can be left alone for a few
milliseconds: what comes meanwhile is read at once. A lone event is never kept waiting, for there
is a pause only behind an event that followed another within the time of one.
"""

from __future__ import annotations

from typing import Final

import msgspec

LONGEST: Final = 0.1
"""Seconds: a longer pause would be a delay that people see."""

AMID_INITIAL: Final = 0.002
"""Seconds of a pause amid initial events, of which nobody is told before they are whole.

A server sends them two or three at a time, many thousands a second.
"""

_ENOUGH: Final = 32
"""Frames in one read that make it large: to wait for more would only slow down."""


class Rhythm(msgspec.Struct, frozen=True, gc=False):
    """How reads of a watch followed one another so far."""

    ready_at: float = float("-inf")
    """When the connection could be read last: after a read, or after the pause behind it."""
    is_fast: bool = False
    """The last read found something within the time of a pause, and was not large."""

    def after(self, now: float, frames: int, pause: float) -> Rhythm:
        """Give the rhythm after a read that found so many frames at `now`."""
        is_soon = now - self.ready_at <= pause
        return Rhythm(now, is_fast=is_soon and 0 < frames < _ENOUGH)

    def paused(self, now: float) -> Rhythm:
        """Give the rhythm after a pause that ended at `now`."""
        return Rhythm(now, self.is_fast)

    def wait(self, now: float, pause: float) -> float:
        """Say how many seconds the connection is to be left alone now; 0.0: read at once."""
        return max(0.0, self.ready_at + pause - now) if self.is_fast else 0.0

"""Clock: the event loop's time, also for a thread in which no loop runs."""

from __future__ import annotations

import time
from contextlib import suppress
from threading import get_ident

import anyio


class Clock:
    """Gives the time of the loop on which it was read; a metrics server may ask from elsewhere.

    Such a thread cannot read the loop's clock, but knows what that showed, and for how long ago.
    """

    def __init__(self) -> None:
        self._at = 0.0
        self._monotonic = time.monotonic()
        self._thread = get_ident()

    @property
    def is_here(self) -> bool:
        """Whether this is the thread of the loop."""
        return get_ident() == self._thread

    def read(self) -> float:
        """Give the time, on the loop."""
        self._at = anyio.current_time()
        self._monotonic = time.monotonic()
        self._thread = get_ident()
        return self._at

    def seen(self) -> float:
        """Give the time, wherever this is; not `read` yet, it is the loop's only on the loop."""
        if self.is_here:
            with suppress(anyio.NoEventLoopError):  # the loop has ended, or has not begun
                return anyio.current_time()
        return self._at + time.monotonic() - self._monotonic

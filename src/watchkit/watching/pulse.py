"""When the server was last heard of, and how long it has been waited for since."""

from __future__ import annotations

import time
from contextlib import suppress
from threading import get_ident
from typing import TYPE_CHECKING

import anyio

from watchkit.watching.stopwatch import Stopwatch

if TYPE_CHECKING:
    from types import TracebackType


class Pulse:
    """The signs of life of a server; its `with` block is the time of waiting for one.

    `clock` runs while it is waited for; `heard_at` is when it was heard of, on the event loop's
    clock (None: never).
    """

    def __init__(self) -> None:
        self.clock: Stopwatch = Stopwatch()
        self.heard_at: float | None = None
        self._last_life = 0.0
        self._since: float | None = None
        self._monotonic = 0.0
        self._thread = 0

    def heard(self, now: float) -> None:
        """Note that it was heard of at `now`, a moment of the event loop's clock just past."""
        self._last_life = self.clock.read_at(now)
        self.heard_at = self._since = now
        self._monotonic = time.monotonic()

    @property
    def silence(self) -> float:
        """Seconds of waiting for it since it was last heard of."""
        return self.clock.read() - self._last_life

    @property
    def age(self) -> float | None:
        """Seconds since it was last heard of, or first waited for; None: it never was.

        The consumer's own time counts, too. A metrics server may ask from a thread of its own,
        where the loop's clock cannot be read.
        """
        if self._since is None:
            return None
        if get_ident() == self._thread:
            with suppress(RuntimeError):  # the loop has ended, and its clock with it
                return anyio.current_time() - self._since
        return time.monotonic() - self._monotonic

    def __enter__(self) -> None:
        if self._since is None:
            self._since = anyio.current_time()
            self._monotonic = time.monotonic()
            self._thread = get_ident()
        self.clock.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.clock.__exit__(kind, error, traceback)

"""Counts the seconds spent waiting for the server, and only those: the consumer's are its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from types import TracebackType


class Stopwatch:
    """Runs inside its `with` block, stands still outside it."""

    __slots__ = ("_elapsed", "_started")

    def __init__(self) -> None:
        self._elapsed = 0.0
        self._started: float | None = None

    def read(self) -> float:
        """Seconds that it has run so far."""
        return self.read_at(anyio.current_time())

    def read_at(self, now: float) -> float:
        """What `read` would say at `now`, a moment of the event loop's clock that is just past."""
        return self._elapsed if self._started is None else self._elapsed + now - self._started

    def __enter__(self) -> None:
        self._started = anyio.current_time()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._elapsed = self.read()
        self._started = None

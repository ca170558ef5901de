"""What a measured process says of itself: CPU time, memory, garbage collection, stretches."""

import asyncio
import gc
import selectors
import time
from typing import Final

_COLLECTIONS: Final = 5
_OLDEST: Final = 2


class Stretches(selectors.DefaultSelector):
    """Notes for how long the event loop, which asks here for news, was away from asking.

    Seconds of CPU time: what else runs on the machine is not the loop's doing. `collecting` is
    the garbage collector's longest turn, which is part of some stretch; there were `collections`
    full ones.
    """

    def __init__(self) -> None:
        super().__init__()
        self.longest = self.longest_wall = self.collecting = 0.0
        self.collections = 0
        self._since: tuple[float, float] | None = None
        self._collecting_since = 0.0
        gc.callbacks.append(self._collects)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Ask for news, as ever."""
        if self._since is not None:
            cpu, wall = self._since
            self.longest = max(self.longest, time.thread_time() - cpu)
            self.longest_wall = max(self.longest_wall, time.perf_counter() - wall)
        ready = super().select(timeout)
        self._since = (time.thread_time(), time.perf_counter())
        return ready

    def take(self) -> dict[str, float]:
        """Give the longest stretches so far, in milliseconds, and begin anew."""
        longest = {
            "blocked_ms": self.longest * 1e3,
            "blocked_wall_ms": self.longest_wall * 1e3,
            "collecting_ms": self.collecting * 1e3,
            "collections": float(self.collections),
        }
        self.longest = self.longest_wall = self.collecting = 0.0
        self.collections = 0
        return longest

    def _collects(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._collecting_since = time.thread_time()
            return
        self.collecting = max(self.collecting, time.thread_time() - self._collecting_since)
        self.collections += info["generation"] == _OLDEST


class Watched(asyncio.SelectorEventLoop):
    """An event loop as asyncio's own, with its stretches noted."""

    def __init__(self) -> None:
        self.stretches = Stretches()
        super().__init__(self.stretches)


class Meter:
    """CPU time of this process, user and system, since it was made or last asked."""

    def __init__(self) -> None:
        self._began = time.process_time()
        self._wall = time.perf_counter()

    def us(self, count: int) -> float:
        """Microseconds of CPU time for each of so many."""
        now = time.process_time()
        took, self._began = now - self._began, now
        return took / max(1, count) * 1e6

    def wall(self) -> float:
        """Seconds that passed."""
        now = time.perf_counter()
        took, self._wall = now - self._wall, now
        return took


def collection_ms() -> dict[str, float]:
    """Collect garbage until there is none; the least milliseconds of a full look then."""
    gc.collect()
    took: list[float] = []
    for _ in range(_COLLECTIONS):
        began = time.process_time()
        gc.collect()
        took.append((time.process_time() - began) * 1e3)
    return {"collection_ms": min(took), "tracked": float(len(gc.get_objects()))}

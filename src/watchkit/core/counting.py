"""Counts what a work queue does and what comes of reconciles, in tallies that outlive both."""

from __future__ import annotations

from collections import Counter
from typing import Final

from watchkit.core.histogram import Histogram
from watchkit.core.statistics import QueueCounts, ReconcileCounts, ReconcileResult

_QUEUE: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1000.0)
"""Seconds: from a key that goes straight through to the longest wait of the default limiter.

client-go's powers of ten end there too, but six of its twelve are below a millisecond.
"""

_RECONCILE: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds; 13 of the 40 bounds of controller-runtime (pkg/internal/controller/metrics)."""


class QueueTally:
    """The counters of one work queue; they may be read from another thread."""

    def __init__(self, name: str = "") -> None:
        self.name: str = name
        self.adds: int = 0
        self.retries: int = 0
        self.queued: Histogram = Histogram(_QUEUE)
        self.worked: Histogram = Histogram(_QUEUE)

    def statistics(self) -> QueueCounts:
        """Give what was counted so far."""
        queued, worked = self.queued.snapshot(), self.worked.snapshot()
        return QueueCounts(self.name, self.adds, self.retries, queued, worked)

    def __repr__(self) -> str:
        return f"<QueueTally {self.name or 'unnamed'} adds={self.adds} retries={self.retries}>"


class ReconcileTally:
    """The counters of one controller, over all its runs; they may be read from another thread."""

    def __init__(self, controller: str) -> None:
        self.controller: str = controller
        self._results: Counter[ReconcileResult] = Counter()
        self._duration = Histogram(_RECONCILE)

    def count(self, result: ReconcileResult, duration: float) -> None:
        """Count a reconcile that ended."""
        self._results[result] += 1
        self._duration.observe(duration)

    def statistics(self) -> ReconcileCounts:
        """Give what was counted so far."""
        return ReconcileCounts(self.controller, dict(self._results), self._duration.snapshot())

    def __repr__(self) -> str:
        counted = self.statistics()
        ended, failed = counted.duration.count, counted.errors
        return f"<ReconcileTally {self.controller} ended={ended} failed={failed}>"

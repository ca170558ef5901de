"""What the pairs of readers came to: tables to look at, and figures to keep."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from host import machine
from real_run import Reading, Row, Work

_MOMENTS: Final = ("list_cpu_us", "watch_cpu_us")


@dataclass
class Table:
    """The rows of one resource."""

    work: Work
    size: int
    pairs: dict[Row, list[tuple[Reading, Reading]]] = field(default_factory=dict)

    def add(self, row: Row, ours: Reading, theirs: Reading) -> None:
        """Take what a pair came to."""
        self.pairs.setdefault(row, []).append((ours, theirs))

    def print(self) -> None:
        """Print costs first, then how soon handlers were called."""
        work = self.work
        rounds = max(map(len, self.pairs.values()), default=0)
        print(f"\n{work.objects} {work.resource} of {self.size} bytes, {rounds} rounds")
        for key, each in zip(_MOMENTS, ("object listed", "event watched"), strict=True):
            print(f"\n{f'CPU us per {each}':38}{'ours':>20}{'client-go':>20}{'ratio':>7}")
            for row, pairs in self.pairs.items():
                ours, theirs = ([pair[side].cost[key] for pair in pairs] for side in (0, 1))
                print(
                    f"{row.label:38}{_spread(ours):>20}{_spread(theirs):>20}{_ratio(ours, theirs)}"
                )
        print(f"\n{'ms from write to handler, p50 p99':38}{'ours':>20}{'client-go':>20}")
        for row, pairs in self.pairs.items():
            print(f"{row.label:38}{_waits(pairs, 0):>20}{_waits(pairs, 1):>20}")
        every = [reading for pairs in self.pairs.values() for pair in pairs for reading in pair]
        trips = statistics.median(statistics.median(reading.trips) for reading in every)
        rates = [reading.rate for reading in every]
        merged = sum(reading.merged for reading in every) / sum(len(each.waits) for each in every)
        print(f"\n{_spread(rates)} writes a second, answered after {trips:.1f} ms (median);")
        print(f"{merged:.2%} of the events were overtaken by a later one before their handler ran")

    def report(self) -> dict[str, Any]:
        """Give all figures, as JSON takes them."""
        rows = [
            {"mode": row.mode, "label": row.label, "peer": row.peer}
            | {"ours": [_figures(pair[0]) for pair in pairs]}
            | {"client-go": [_figures(pair[1]) for pair in pairs]}
            for row, pairs in self.pairs.items()
        ]
        work = self.work
        sizes = {"objects": work.objects, "events": work.events, "bytes": self.size}
        return {"machine": machine(), "resource": work.resource, **sizes, "rows": rows}


def print_versions(tables: Sequence[Table], *, pinned: bool) -> None:
    """Print the machine, and what ran on it."""
    found: dict[str, str] = {}
    for table in tables:
        for pairs in table.pairs.values():
            for pair in pairs:
                for reading in pair:
                    found |= reading.cost["versions"]
    print(f"\n{machine()}; {'each reader on a core of its own' if pinned else 'not pinned'}")
    print(", ".join(f"{name} {version}" for name, version in found.items()))
    print("median (min-max) of the rounds; ratio: the median of those of one pair each")


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.1f} ({min(values):.0f}-{max(values):.0f})"


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    pairs = zip(ours, theirs, strict=True)
    return f"{statistics.median(mine / its for mine, its in pairs):7.2f}"


def _waits(pairs: Sequence[tuple[Reading, Reading]], side: int) -> str:
    """Give the medians over the rounds of the median and of the 99th percentile."""
    middle = statistics.median(statistics.median(pair[side].waits) for pair in pairs)
    high = statistics.median(_p99(pair[side].waits) for pair in pairs)
    return f"{middle:.1f} {high:6.1f}"


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


def _figures(reading: Reading) -> dict[str, Any]:
    cost = {name: value for name, value in reading.cost.items() if name != "versions"}
    median: Callable[[Sequence[float]], float] = statistics.median
    waits = {"wait_ms_p50": median(reading.waits), "wait_ms_p99": _p99(reading.waits)}
    trips = {"answer_ms_p50": median(reading.trips), "events_per_second": reading.rate}
    return {**cost, **waits, **trips, "merged": reading.merged}

"""What is measured: the points of every curve, and what must be true of each, whatever it costs."""

import importlib.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

Figures = Mapping[str, float]

USUAL: Final = 0
"""The size of a pod as the other benchmarks have it: 5.6 KB."""

_OBJECTS: Final = (1_000, 3_000, 10_000, 30_000, 100_000)
_SIZES: Final = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
_HANDLERS: Final = (1, 3, 10, 30, 100)
_INDEXERS: Final = (0, 1, 2, 4, 8)
_WATCHES: Final = (1, 10, 100, 300, 1_000)
_LISTED: Final = (1_000, 10_000, 50_000, 100_000)
_STORMS: Final = (10, 100, 1_000)
_EVENTS: Final = 10_000


@dataclass(frozen=True)
class Point:
    """One measure at one place of one line: `count` pods of `size` bytes are served to it."""

    curve: str
    line: str
    x: float
    measure: str
    options: dict[str, object] = field(default_factory=dict)
    count: int = 1_000
    size: int = USUAL

    def wrong(self, figures: Figures) -> str | None:
        """Say what was counted wrong, None where all is as it must be."""
        for name, expected in self._expected().items():
            if figures[name] != expected:
                return f"{self.curve}, {self.line}, {self.x:g}: {name} is {figures[name]:g}"
        return None

    def _expected(self) -> dict[str, float]:
        events, count = self.options.get("events", 0), self.options.get("count", 0)
        handlers = self.options.get("handlers", 1)
        assert isinstance(events, int) and isinstance(count, int) and isinstance(handlers, int)  # noqa: PT018, S101
        match self.measure:
            case "informer":
                received = events * handlers
                return {"objects": self.count, "received": received, "not_handled": 0}
            case "relist":
                return {"objects": self.count, "received": 0, "not_handled": 0}
            case "watches":
                return {"seen": (max(1, events // 10) + events) * count}
            case _:
                return {"reopened": count}


def points(*, is_quick: bool) -> list[Point]:
    """Give all points, or (quick) one or two small ones of every curve."""
    some: Callable[[tuple[int, ...]], tuple[int, ...]] = _few if is_quick else tuple
    scale = 0.02 if is_quick else 1.0
    every = (
        _objects(some(_OBJECTS), scale),
        _sizes(some(_SIZES), scale),
        _handlers(some(_HANDLERS), scale),
        _indexers(some(_INDEXERS), scale),
        _watches(some(_WATCHES), scale),
        _lists(some(_LISTED), scale),
        _storms(some(_STORMS)),
    )
    return [point for curve in every for point in curve]


def _few(all_of_them: tuple[int, ...]) -> tuple[int, ...]:
    return all_of_them[1:2]


def _objects(counts: Iterable[int], scale: float) -> Iterable[Point]:
    lines = {"as they come": "none", "strip_managed_fields": "strip"}
    for count in counts:
        for line, transform in lines.items():
            options = {"events": round(_EVENTS * scale), "transform": transform}
            yield Point("objects", line, count, "informer", options, count=round(count * scale))


def _sizes(sizes: Iterable[int], scale: float) -> Iterable[Point]:
    for size in sizes:
        options: dict[str, object] = {"events": round(_EVENTS / 4 * scale)}
        count = round(1_000 * scale)
        yield Point("size", "one handler", size, "informer", options, count, size)


def _handlers(counts: Iterable[int], scale: float) -> Iterable[Point]:
    for handlers in counts:
        options: dict[str, object] = {"events": round(_EVENTS * scale), "handlers": handlers}
        yield Point("handlers", "plain functions", handlers, "informer", options)


def _indexers(counts: Iterable[int], scale: float) -> Iterable[Point]:
    for indexers in counts:
        for line, index in {"of a label": "label", "of a field of the spec": "node"}.items():
            options: dict[str, object] = {"events": round(_EVENTS * scale), "indexers": indexers}
            yield Point("indexers", line, indexers, "informer", {**options, "index": index})


def _watches(counts: Iterable[int], scale: float) -> Iterable[Point]:
    kinds: dict[str, dict[str, object]] = {"plain": {}, "TLS": {"tls": True}}
    if importlib.util.find_spec("uvloop") is not None:
        kinds["TLS, uvloop"] = {"tls": True, "uvloop": True}
    for count in counts:
        events = max(1, round(2 * _EVENTS * scale / count))
        for line, kind in kinds.items():
            options = {"count": count, "events": events, **kind}
            yield Point("watches", line, count, "watches", options, count=100)


def _lists(counts: Iterable[int], scale: float) -> Iterable[Point]:
    for count in counts:
        for line, initial in {"streamed": "auto", "in pages": "list"}.items():
            options: dict[str, object] = {"initial_list": initial}
            yield Point("lists", line, count, "relist", options, count=round(count * scale))


def _storms(counts: Iterable[int]) -> Iterable[Point]:
    for count in counts:
        for line, tls in {"plain": False, "TLS": True}.items():
            yield Point("storm", line, count, "storm", {"count": count, "tls": tls}, count=100)

"""What was measured, as text: one table per curve, medians with the least and the most."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Said = Mapping[str, Any]
"""One point as it is kept: its curve, line and x, and its figures, each of all rounds."""


@dataclass(frozen=True)
class Column:
    """A figure of a table: its name, what it is divided by to be shown, its heading."""

    figure: str
    heading: str
    unit: float = 1.0


KIB: Final = 1024.0
_EVENT: Final = Column("event_us", "event us")
_LIST: Final = Column("list_us", "list us/object")

TABLES: Final[dict[str, tuple[str, tuple[Column, ...]]]] = {
    "objects": (
        "pods cached",
        (
            _LIST,
            _EVENT,
            Column("rss_bytes", "KiB/pod", KIB),
            Column("ratio", "of its JSON"),
            Column("more_ms", "collection +ms"),
        ),
    ),
    "size": ("bytes of a pod", (_LIST, _EVENT, Column("per_kb", "event us/KB"))),
    "handlers": ("handlers", (_LIST, _EVENT, Column("events_blocked_ms", "blocked ms"))),
    "indexers": ("indexers", (_LIST, _EVENT, Column("list_blocked_ms", "list blocked ms"))),
    "watches": (
        "watches",
        (_EVENT, Column("idle_bytes", "idle KiB", KIB), Column("open_us", "opening us")),
    ),
    "lists": (
        "pods cached",
        (
            _LIST,
            Column("list_blocked_ms", "blocked ms"),
            Column("list_collecting_ms", "of it gc ms"),
            Column("relist_us", "relist us/object"),
            Column("relist_blocked_ms", "blocked ms"),
            Column("relist_collecting_ms", "of it gc ms"),
        ),
    ),
    "storm": (
        "watches reset",
        (
            Column("reconnect_us", "us each"),
            Column("median_s", "median s"),
            Column("last_s", "last s"),
            Column("requests", "requests"),
            Column("busiest_tenth", "most in 0.1 s"),
        ),
    ),
}


def text(found: Mapping[str, Any]) -> str:
    """Write all of it."""
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    head = f"{found['machine']}\n{versions}\nload before: {found['load']}; "
    head += f"{found['rounds']} rounds, interleaved; CPU time is user + system\n"
    return head + "".join(_table(name, of_curve(found, name)) for name in TABLES)


def of_curve(found: Mapping[str, Any], curve: str) -> list[Said]:
    """Give the points of one curve."""
    return [point for point in found["points"] if point["curve"] == curve]


def rounds_of(point: Said, figure: str) -> list[float]:
    """Give a figure in all rounds; some follow from others."""
    figures: Mapping[str, Sequence[float]] = point["figures"]
    if figure == "ratio":
        return _divided(figures["rss_bytes"], figures["json_bytes"])
    if figure == "more_ms":
        pairs = zip(figures["collection_ms"], figures["bare_collection_ms"], strict=True)
        return [full - bare for full, bare in pairs]
    if figure == "per_kb":
        return _divided(figures["event_us"], [each / 1e3 for each in figures["json_bytes"]])
    return [*figures.get(figure, ())]


def _divided(some: Iterable[float], others: Iterable[float]) -> list[float]:
    return [one / other for one, other in zip(some, others, strict=True)]


def _table(curve: str, said: list[Said]) -> str:
    if not said:
        return ""
    what, columns = TABLES[curve]
    headings = "".join(f"{column.heading:>26}" for column in columns)
    lines = [f"\n{curve}\n{what:>16}  {'':22}{headings}"]
    for point in said:
        cells = "".join(_cell(rounds_of(point, each.figure), each.unit) for each in columns)
        lines.append(f"{point['x']:16g}  {point['line']:22}{cells}")
    return "\n".join(lines) + "\n"


def _cell(rounds: list[float], unit: float) -> str:
    if not rounds:
        return f"{'-':>26}"
    shown = [each / unit for each in rounds]
    least, most = _short(min(shown)), _short(max(shown))
    return f"{_short(statistics.median(shown)):>12}{f'({least}-{most})':>14}"


def _short(number: float) -> str:
    return f"{number:.2f}" if abs(number) < 10 else f"{number:.1f}"  # noqa: PLR2004

"""Draws what was measured: SVG files, one per plot, for the documents."""

import importlib.util
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.growth.report import KIB, Said, of_curve, rounds_of

_STYLE: Final = {
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "svg.hashsalt": "watchkit",  # the same figures give the same file
    "svg.fonttype": "none",  # text stays text: to be searched, and in the reader's own font
}
_SIZE: Final = (6.4, 3.8)
_DECILES: Final = range(11)


@dataclass(frozen=True)
class Plot:
    """One picture: figures of a curve's lines over its x. `figures` are by what they are called.

    `goal` is a height, and what it stands for.
    """

    file: str
    title: str
    curve: str
    x: str
    y: str
    figures: Mapping[str, str]
    unit: float = 1.0
    is_log: bool = True
    is_y_log: bool = False
    goal: tuple[float, str] | None = None
    once: frozenset[str] = frozenset()
    """Figures that are the same on every line: those of the last one are drawn."""


PLOTS: Final = (
    Plot(
        "objects",
        "Objects in the cache",
        "objects",
        "pods cached",
        "CPU time per object or event (μs)",
        {"list_us": "first list", "event_us": "watch"},
    ),
    Plot(
        "memory",
        "Memory of a cached pod",
        "objects",
        "pods cached",
        "resident memory per pod (KiB)",
        {"rss_bytes": ""},
        unit=KIB,
    ),
    Plot(
        "collection",
        "What the cache adds to a full garbage collection",
        "objects",
        "pods cached",
        "CPU time added (ms)",
        {"more_ms": ""},
        goal=(5, "goal at 10,000 pods"),
    ),
    Plot(
        "size",
        "Size of an object",
        "size",
        "bytes of a pod's JSON",
        "CPU time per object or event (μs)",
        {"list_us": "first list", "event_us": "watch"},
        is_y_log=True,
    ),
    Plot(
        "handlers",
        "Handlers of one informer",
        "handlers",
        "handlers",
        "CPU time per event, over all handlers (μs)",
        {"event_us": "watch"},
        is_y_log=True,
    ),
    Plot(
        "indexers",
        "Indexers of one informer",
        "indexers",
        "indexers",
        "CPU time per event (μs)",
        {"event_us": ""},
        is_log=False,
    ),
    Plot(
        "watches",
        "Watches in one process",
        "watches",
        "watches",
        "CPU time per event (μs)",
        {"event_us": ""},
    ),
    Plot(
        "watches-idle",
        "Memory of an idle watch",
        "watches",
        "watches",
        "resident memory per watch (KiB)",
        {"idle_bytes": ""},
        unit=KIB,
        is_y_log=True,
        goal=(20, "goal, plain"),
    ),
    Plot(
        "relist",
        "A list of what is cached already",
        "lists",
        "pods cached",
        "CPU time per object (μs)",
        {"list_us": "first list", "relist_us": "relist, nothing changed"},
        once=frozenset({"relist_us"}),
    ),
    Plot(
        "blocked",
        "For how long a list keeps the event loop",
        "lists",
        "pods cached",
        "longest stretch of CPU time (ms)",
        {"list_blocked_ms": "first list", "relist_blocked_ms": "relist, nothing changed"},
        is_y_log=True,
        goal=(50, "goal at 50,000 pods"),
        once=frozenset({"relist_blocked_ms"}),
    ),
)


def can_draw() -> bool:
    """Whether matplotlib is there."""
    return importlib.util.find_spec("matplotlib") is not None


def draw(found: Mapping[str, Any], folder: Path) -> None:
    """Draw all that was measured into a folder."""
    import matplotlib as mpl  # noqa: PLC0415 - whoever wants no pictures needs it not

    mpl.use("svg")
    mpl.rcParams.update(_STYLE)
    folder.mkdir(parents=True, exist_ok=True)
    for plot in PLOTS:
        if said := of_curve(found, plot.curve):
            _draw(plot, said, folder / f"growth-{plot.file}.svg")
    if said := of_curve(found, "storm"):
        _draw_storm(said, folder / "growth-storm.svg")


def _draw(plot: Plot, said: Sequence[Said], file: Path) -> None:
    figure, axes = _axes(plot.title, plot.x, plot.y)
    lines = [*dict.fromkeys(point["line"] for point in said)]
    for line in lines:
        for name, called in plot.figures.items():
            if name in plot.once and line != lines[-1]:
                continue
            mine = [point for point in said if point["line"] == line and rounds_of(point, name)]
            rounds = [[each / plot.unit for each in rounds_of(point, name)] for point in mine]
            label = called if name in plot.once else ", ".join(filter(None, [called, line]))
            _line(axes, [point["x"] for point in mine], rounds, label)
    if plot.is_log:
        _make_log(axes.xaxis, axes.set_xscale)
    if plot.is_y_log:
        _make_log(axes.yaxis, axes.set_yscale)
    else:
        axes.set_ylim(bottom=0)
    if plot.goal is not None:
        height, what = plot.goal
        axes.axhline(height, color="gray", linestyle=":", label=what)
    _save(figure, axes, file)


def _make_log(axis: Any, scale: Callable[[str], None]) -> None:  # noqa: ANN401 - matplotlib's
    """Let it be logarithmic, and say numbers as people do."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter  # noqa: PLC0415

    scale("log")
    axis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_formatter(NullFormatter())


def _line(axes: Any, xs: Sequence[float], rounds: Sequence[list[float]], label: str) -> None:  # noqa: ANN401
    """Draw medians, with bars from the least to the most."""
    medians = [statistics.median(each) for each in rounds]
    below = [at - min(each) for at, each in zip(medians, rounds, strict=True)]
    above = [max(each) - at for at, each in zip(medians, rounds, strict=True)]
    axes.errorbar(xs, medians, yerr=[below, above], marker="o", capsize=3, label=label)


def _draw_storm(said: Sequence[Said], file: Path) -> None:
    most = max(point["x"] for point in said)
    title = f"{most:g} watches reset at once"
    figure, axes = _axes(title, "seconds after the reset", "watches open again (%)")
    for point in said:
        if point["x"] == most:
            times = [statistics.median(rounds_of(point, f"decile_{n}")) for n in _DECILES]
            axes.plot(times, [10 * n for n in _DECILES], marker="o", label=point["line"])
    axes.set_xlim(left=0)
    _save(figure, axes, file)


def _axes(title: str, x: str, y: str) -> tuple[Any, Any]:
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return figure, axes


def _save(figure: Any, axes: Any, file: Path) -> None:  # noqa: ANN401 - matplotlib's
    axes.legend(frameon=False)
    figure.savefig(file, metadata={"Date": None})
    text = file.read_text(encoding="utf-8")
    file.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n", encoding="utf-8")

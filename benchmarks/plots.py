"""Draws the side-by-side table: a bar for each program, the range of its rounds across it."""

import statistics
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from report import Report, Row

_COLOURS: Final = {"watchkit_peer": "#1f6feb", "floors": "#8c959f"}
_OTHER: Final = "#d4a72c"
_WHOLE: Final = 100
"""From here on no digit behind the point means anything."""

_PHASES: Final = {"watch": "an event of the watch", "list": "an object of the first list"}


def side_by_side(report: Report, file: Path) -> None:
    """Draw both phases beside each other, on a logarithmic scale, into an SVG file."""
    # The same figures make the same file.
    mpl.rcParams |= {"svg.hashsalt": "watchkit", "font.size": 9}
    rows = [*report.rows.values()][::-1]
    figure = Figure(figsize=(11, 0.3 * len(rows) + 1.2), layout="constrained")
    for axes, (phase, title) in zip(
        figure.subplots(1, 2, sharey=True), _PHASES.items(), strict=True
    ):
        _draw(axes, rows, phase)
        axes.set_title(f"CPU microseconds for {title}", fontsize=10)
    figure.savefig(file, format="svg", metadata={"Date": None})


def _draw(axes: Axes, rows: list[Row], phase: str) -> None:
    medians = [statistics.median(row.cpu(phase)) for row in rows]
    below = [median - min(row.cpu(phase)) for row, median in zip(rows, medians, strict=True)]
    above = [max(row.cpu(phase)) - median for row, median in zip(rows, medians, strict=True)]
    bars = axes.barh(
        [row.program.label for row in rows],
        medians,
        color=[_COLOURS.get(row.program.family, _OTHER) for row in rows],
        xerr=[below, above],
        error_kw={"elinewidth": 0.8, "capsize": 2},
    )
    said = [f"{median:.1f}" if median < _WHOLE else f"{median:,.0f}" for median in medians]
    axes.bar_label(bars, said, padding=6, fontsize=8)
    axes.set_xscale("log")
    axes.set_xlim(left=1)
    axes.margins(x=0.25, y=0.01)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.spines[["top", "right"]].set_visible(False)

"""Measure every curve, print what came of it, keep it as JSON, and draw it.

Believe the ratios of one run rather than its microseconds. docs/performance.md says more.
"""

import argparse
import contextlib
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks import host
from benchmarks.growth import machine, plots, report
from benchmarks.growth.curves import Point, points
from benchmarks.growth.processes import measured

_AT_ONCE: Final = 3


@dataclass
class _Options:
    quick: bool
    rounds: int
    curves: list[str] | None
    json: Path | None
    plots: Path | None
    draw: Path | None


def main() -> None:
    """Do as the command line says."""
    options = _options()
    if options.draw is None:
        found = _found(options)
    else:
        found = json.loads(options.draw.read_text(encoding="utf-8"))
    print(report.text(found))
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if options.plots is not None:
        plots.draw(found, options.plots)
    elif options.quick and plots.can_draw():
        with tempfile.TemporaryDirectory() as folder:
            plots.draw(found, Path(folder))


def _options() -> _Options:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small: it shows that all runs")
    parser.add_argument("--rounds", type=int, default=3, help="of every point, interleaved")
    parser.add_argument("--curves", nargs="*", help="only these", metavar="NAME")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures there")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw into there")
    parser.add_argument("--draw", type=Path, metavar="FILE", help="measure nothing, take these")
    options = _Options(**vars(parser.parse_args()))
    if options.rounds < 1:
        parser.error("there must be at least one round")
    known = {point.curve for point in points(is_quick=True)}
    if unknown := sorted({*(options.curves or ())} - known):
        parser.error(f"no such curve: {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    return options


def _found(options: _Options) -> dict[str, object]:
    wanted = [
        point
        for point in points(is_quick=options.quick)
        if options.curves is None or point.curve in options.curves
    ]
    before = machine.load()
    rounds = _side_by_side(wanted) if options.quick else _in_turn(wanted, options.rounds)
    said = [_said(point, [*each]) for point, *each in zip(wanted, *rounds, strict=True)]
    about = {"machine": host.machine(), "versions": machine.versions(), "load": before}
    return {**about, "quick": options.quick, "rounds": len(rounds), "points": said}


def _side_by_side(wanted: list[Point]) -> list[list[dict[str, float]]]:
    """Measure some at once: what they count is the same, what they cost says nothing."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return [[*threads.map(partial(_checked, pinned=False), wanted)]]


def _in_turn(wanted: list[Point], rounds: int) -> list[list[dict[str, float]]]:
    """Measure all, again and again: what slows the machine down for a while hits all alike."""
    found: list[list[dict[str, float]]] = []
    for number in range(rounds):
        found.append([])
        for point in wanted:
            _say(f"round {number + 1} of {rounds}: {point.curve}, {point.line}, {point.x:g}")
            found[-1].append(_checked(point, pinned=True))
    _say("")
    return found


def _checked(point: Point, *, pinned: bool) -> dict[str, float]:
    figures = measured(point, pinned=pinned)
    if (wrong := point.wrong(figures)) is not None:
        raise SystemExit(f"counted wrong: {wrong}")
    return figures


def _said(point: Point, rounds: list[dict[str, float]]) -> dict[str, object]:
    names = rounds[0].keys()
    return {**asdict(point), "figures": {name: [each[name] for each in rounds] for name in names}}


def _say(progress: str) -> None:
    """Show what is going on, where somebody is watching; it leaves no trace."""
    if sys.stderr.isatty():
        with contextlib.suppress(OSError):
            print(f"\r\033[K{progress}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

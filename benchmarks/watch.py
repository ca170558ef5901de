"""What a watched event costs in CPU time, from the socket to its consumer, beside others.

Prints a table and asserts nothing. Believe the ratios of one run rather than its microseconds:
those are the machine's. docs/performance.md says how it is measured.
"""

import argparse
import contextlib
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
_PATIENCE: Final = 150.0
"""Seconds for one reader, which takes one or two, and gives up by itself before this."""

_PACKAGES: Final = ("watchkit", "aiohttp", "msgspec", "kubernetes_asyncio", "anyio")
_AHEAD: Final = 200
"""Events that the server has behind the last one measured: every reader ends while more come."""


@dataclass
class Row:
    """One reader: what it is called, which part of the events it gets, what each round said."""

    reader: str
    label: str
    part: float = 1.0
    cpu_us: list[float] = field(default_factory=list)
    wall_us: list[float] = field(default_factory=list)
    events: int = 0


def rows() -> list[Row]:
    """Give the readers in the order of the table; the first is what the others are held against.

    The slow ones get fewer events, as a round of all would take a minute.
    """
    return [
        Row("split", "aiohttp: read, split at newlines"),
        Row("objects", "RetryWatcher"),
        Row("field", "RetryWatcher, status.phase read"),
        Row("structs", "RetryWatcher, model=msgspec Struct"),
        Row("peer-dict", "kubernetes_asyncio Watch, dicts", part=0.1),
        Row("peer-typed", "kubernetes_asyncio Watch, V1Pod", part=0.03),
    ]


def main() -> None:
    """Run all readers in turn, round after round, and print what came of it."""
    options = _options()
    server_core, reader_core = _cores()
    table = rows()
    with _server(options.events + _warm_up(options.events) + _AHEAD, server_core) as port:
        for number in range(options.rounds):
            for row in table:
                _say(f"round {number + 1} of {options.rounds}: {row.label}")
                _measure(row, port, options.events, reader_core)
    _say("")
    _print(table, options.rounds, pinned=reader_core is not None)
    if options.json is not None:
        options.json.write_text(json.dumps(_report(table), indent=2) + "\n")


@dataclass
class _Options:
    events: int
    rounds: int
    json: Path | None


def _options() -> _Options:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=10_000, help="measured in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = _Options(**vars(parser.parse_args()))
    if options.events < 1 or options.rounds < 1:
        parser.error("there must be at least one event and one round")
    return options


def _warm_up(events: int) -> int:
    return max(20, events // 10)


def _measure(row: Row, port: int, events: int, core: int | None) -> None:
    wanted = max(10, round(events * row.part))
    arguments = [row.reader, str(port), str(_warm_up(wanted)), str(wanted)]
    with _pinned(core):
        done = subprocess.run(
            [sys.executable, str(_HERE / "readers.py"), *arguments],
            stdout=subprocess.PIPE,
            check=True,
            text=True,
            timeout=_PATIENCE,
        )
    # The last line: what is logged goes to standard output too, as structlog comes.
    said = json.loads(done.stdout.splitlines()[-1])
    row.cpu_us.append(said["cpu_us"])
    row.wall_us.append(said["wall_us"])
    row.events += said["events"]


@contextlib.contextmanager
def _server(events: int, core: int | None) -> Iterator[int]:
    """Give the port of a server that has this many events; it ends with the block."""
    command = [sys.executable, str(_HERE / "stream_server.py"), str(events)]
    with _pinned(core):
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    # Leaving this closes its standard input, by which it ends.
    with process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        yield int(process.stdout.readline())


@contextlib.contextmanager
def _pinned(core: int | None) -> Iterator[None]:
    """Have what is started in the block run on one core, where the system can do that."""
    if core is None or sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _cores() -> tuple[int, int] | tuple[None, None]:
    """Choose two cores, one for the server, one for the readers; none where there is no choice."""
    if sys.platform == "linux":
        usable = sorted(os.sched_getaffinity(0))
        if len(usable) > 1:
            return usable[-2], usable[-1]
    return None, None


def _say(progress: str) -> None:
    """Show what is going on, where somebody is watching; it leaves no trace."""
    if sys.stderr.isatty():
        print(f"\r\033[K{progress}", end="", file=sys.stderr, flush=True)


def _ratios(row: Row, base: Row) -> float:
    """Give the median over the rounds: what slows a whole round down cancels out."""
    return statistics.median(mine / its for mine, its in zip(row.cpu_us, base.cpu_us, strict=True))


def _print(table: list[Row], rounds: int, *, pinned: bool) -> None:
    print(f"{_machine()}; {'each side pinned to a core' if pinned else 'not pinned'}")
    print(", ".join(f"{name} {version}" for name, version in _versions().items()))
    print(f"CPU microseconds per event (user + system), {rounds} rounds, interleaved\n")
    print(f"{'':36}{'median':>9}{'min':>9}{'max':>9}{'ratio':>8}{'events':>9}{'busy':>6}")
    for row in table:
        busy = statistics.median(row.cpu_us) / statistics.median(row.wall_us)
        numbers = (statistics.median(row.cpu_us), min(row.cpu_us), max(row.cpu_us))
        said = "".join(f"{number:9.1f}" for number in numbers)
        ratio = _ratios(row, table[0])
        print(f"{row.label:36}{said}{ratio:8.2f}{row.events:9}{busy:6.0%}")
    print("\nratio: to the first row, the median over the rounds. busy: CPU time by wall time.")


def _machine() -> str:
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, {python}"


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in _PACKAGES}


def _report(table: list[Row]) -> dict[str, object]:
    found = [
        {
            "reader": row.reader,
            "label": row.label,
            "events": row.events,
            "cpu_us_per_event": row.cpu_us,
            "median": statistics.median(row.cpu_us),
            "ratio": _ratios(row, table[0]),
        }
        for row in table
    ]
    return {"machine": _machine(), "versions": _versions(), "rows": found}


if __name__ == "__main__":
    main()

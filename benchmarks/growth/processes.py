"""The processes of one point: a server that is made for it, and whoever is measured."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks import host
from benchmarks.growth.curves import Point

_ROOT: Final = Path(__file__).parents[2]
_PATIENCE: Final = 300.0
"""Seconds for one point; whoever is measured gives up by itself before this."""


def measured(point: Point, *, pinned: bool = True) -> dict[str, float]:
    """Measure a point in fresh processes; what came of it."""
    arguments = [point.measure, "", json.dumps(point.options)]
    server_core, reader_core = (cores() if pinned else None) or (None, None)
    with _server(point, server_core) as ports:
        arguments[1] = ports
        with host.pinned(reader_core):
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.growth.point", *arguments],
                stdout=subprocess.PIPE,
                check=True,
                cwd=_ROOT,
                text=True,
                timeout=_PATIENCE,
            )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def cores() -> tuple[int, int] | None:
    """Choose two cores, one for the server, one for who is measured; None where it cannot be."""
    if sys.platform == "linux":
        usable = sorted(os.sched_getaffinity(0))
        if len(usable) > 1:
            return usable[0], usable[1]
    return None


@contextlib.contextmanager
def _server(point: Point, core: int | None) -> Iterator[str]:
    """Give the ports of a server, as JSON; it ends with the block."""
    sizes = [str(point.count), str(point.size)]
    with host.pinned(core):
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.growth.server", *sizes],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_ROOT,
            text=True,
        )
    # Leaving this closes its standard input, by which it ends.
    with process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        yield process.stdout.readline().strip()

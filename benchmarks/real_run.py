"""One run of a pair of readers, ours and client-go's, against a real API server."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from host import pinned
from real_cluster import Write, Writing
from real_writers import GROUP

from tests.e2e.harness import ControlPlane

_PATIENCE: Final = 150.0
"""Seconds; a reader gives up by itself before this."""


@dataclass(frozen=True)
class Row:
    """A mode of our reader, and what client-go is to do beside it."""

    mode: str
    label: str
    peer: str = "typed"


@dataclass(frozen=True)
class Work:
    """What there is to list and to watch."""

    resource: str
    objects: int
    events: int

    @property
    def arguments(self) -> list[str]:
        """What every reader is told of it."""
        sizes = [f"--objects={self.objects}", f"--events={self.events}"]
        return [f"--resource={self.resource}", *sizes]


Cost: TypeAlias = dict[str, Any]
"""What a reader says in the end: see README.md."""


@dataclass(frozen=True)
class Reading:
    """What one reader said, and how long after a write its handler was called."""

    cost: Cost
    waits: list[float]
    """Milliseconds from a write to the handler, of each event measured."""
    trips: list[float]
    """Milliseconds from a write to its answer, at the writer, of the same ones."""
    merged: int
    """Writes whose event no handler got, as a later one had come."""
    rate: float
    """Events a second."""


@dataclass
class _Reader:
    process: subprocess.Popen[str]
    arrivals: Path

    def listed(self) -> None:
        """Wait until it has its list."""
        self._line("listed")

    def ended(self) -> Cost:
        """Wait until it has seen all, and give what it says."""
        found = self._line("watch_cpu_us")
        if self.process.wait(_PATIENCE):
            raise RuntimeError("a reader failed; what it said stands above")
        return found

    def kill(self) -> None:
        """End it, where it has not ended."""
        self.process.kill()
        self.process.wait()

    def _line(self, key: str) -> Cost:
        """Give the next line that is JSON with this key: what is logged may stand between."""
        assert self.process.stdout is not None  # noqa: S101 - it is a pipe
        for line in self.process.stdout:
            if line.startswith("{") and f'"{key}":' in line:
                found: Cost = json.loads(line)
                return found
        raise RuntimeError("a reader ended early; what it said stands above")


class Pairs:
    """Runs pairs on a control plane; `cores` are those of the two readers, None for any."""

    def __init__(
        self, plane: ControlPlane, clientgo: Path, cores: Sequence[int | None], scratch: Path
    ) -> None:
        self._plane = plane
        self._clientgo = clientgo
        self._cores = cores
        self._scratch = scratch

    def run(self, row: Row, work: Work, number: int) -> tuple[Reading, Reading]:
        """Give what ours and client-go came to; they take turns in who lists first, and where."""
        commands = self._ours(row, work), self._theirs(row, work)
        turn = 1 if number % 2 == 0 else -1
        cores, order = self._cores[::turn], (0, 1)[::turn]
        readers: dict[int, _Reader] = {}
        with ExitStack() as stack:
            for which in order:
                readers[which] = self._started(which, commands[which], cores[which])
                stack.callback(readers[which].kill)
                readers[which].listed()
            writing = Writing(self._plane, work.resource, work.objects)
            stack.callback(writing.kill)
            costs = [readers[which].ended() for which in (0, 1)]
            writes = writing.stop()
        ours, theirs = (reading(costs[which], readers[which].arrivals, writes) for which in (0, 1))
        return ours, theirs

    def _ours(self, row: Row, work: Work) -> list[str | Path]:
        program = Path(__file__).with_name("real_reader.py")
        return [sys.executable, program, *work.arguments, f"--mode={row.mode}"]

    def _theirs(self, row: Row, work: Work) -> list[str | Path]:
        resource = work.resource if work.resource == "pods" else f"{work.resource}.{GROUP}"
        arguments = [*work.arguments, f"--resource={resource}", f"--mode={row.peer}"]
        return [self._clientgo, *arguments]

    def _started(self, which: int, command: list[str | Path], core: int | None) -> _Reader:
        arrivals = self._scratch / f"arrivals-{which}"
        command = [*command, f"--kubeconfig={self._plane.kubeconfig}", f"--arrivals={arrivals}"]
        with pinned(core):
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        return _Reader(process, arrivals)


def reading(cost: Cost, arrivals: Path, writes: Mapping[str, Write]) -> Reading:
    """Join what a reader saw with what was written."""
    lines = [line.split() for line in arrivals.read_text(encoding="ascii").splitlines()]
    came = {version: int(at) for version, at in lines[-cost["events"] :]}
    seen = [writes[version] for version in came]
    first, last = min(map(int, came)), max(map(int, came))
    written = sum(first <= int(version) <= last for version in writes)
    waits = [(at - writes[version].sent) / 1e6 for version, at in came.items()]
    trips = [(write.answered - write.sent) / 1e6 for write in seen]
    seconds = (max(came.values()) - min(came.values())) / 1e9
    return Reading(cost, waits, trips, written - len(came), len(came) / seconds)

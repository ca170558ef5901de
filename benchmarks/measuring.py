"""Runs a program beside a server, each on a core of its own, and checks what it counted."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, Self

import pods
from host import pinned
from programs import Program
from rendering import of_watch

_SERVER: Final = Path(__file__).parent / "stream_server.py"
_HOLD: Final = "120"
"""Seconds that events are kept back at most: as long as a program may run."""

_PATIENCE: Final = 600.0
"""Seconds for one program, which takes a few, and gives up by itself long before this."""


class Failed(Exception):
    """A program failed, or counted what is not there."""


@dataclass(frozen=True)
class Size:
    """How much a program gets to do."""

    objects: int
    events: int
    handlers: int = 1


@dataclass(frozen=True)
class Cores:
    """Which core the server runs on, and which the program: none where there is no choice."""

    server: int | None = None
    program: int | None = None

    @classmethod
    def here(cls) -> "Cores":
        """Choose two cores; the last ones, as the system's own work is on the first."""
        if sys.platform == "linux":
            usable = sorted(os.sched_getaffinity(0))
            if len(usable) > 1:
                return cls(usable[-2], usable[-1])
        return cls()


@dataclass
class Servers:
    """A server for each size, which it keeps for the next round; they end with the block."""

    cores: Cores
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _running: dict[tuple[Size, bool], tuple[IO[str], IO[str]]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def port(self, size: Size, renderer: str | None = None) -> int:
        """Give a port on which all begins anew; what renders protobuf, for a server of that."""
        which = (size, renderer is not None)
        if which in self._running:
            asks, says = self._running[which]
            asks.write("\n")
            asks.flush()
        else:
            prepared = [] if renderer is None else ["--protobuf", self._rendered(size, renderer)]
            asks, says = self._running[which] = self._started(size, prepared)
        return int(says.readline())

    def _rendered(self, size: Size, renderer: str) -> str:
        """Render protobuf into a file, which goes with the servers."""
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        lines, file = folder / "events.json", folder / "events.protobuf"
        count = size.objects + of_watch(size.events)
        with lines.open("wb") as stream:
            stream.writelines(pods.lines(count, size.objects))
        with lines.open("rb") as source, file.open("wb") as sink:
            subprocess.run([renderer, "render"], stdin=source, stdout=sink, check=True)
        lines.unlink()
        return str(file)

    def _started(self, size: Size, prepared: list[str]) -> tuple[IO[str], IO[str]]:
        sizes = ["--objects", str(size.objects), "--events", str(size.events), "--hold", _HOLD]
        with pinned(self.cores.server):
            # Leaving it closes its standard input, by which it ends.
            process = self._stack.enter_context(
                subprocess.Popen(
                    [sys.executable, str(_SERVER), *sizes, *prepared],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
        assert process.stdin is not None  # noqa: S101 - they are pipes
        assert process.stdout is not None  # noqa: S101
        return process.stdin, process.stdout


def measure(
    program: Program, command: list[str], port: int, size: Size, core: int | None
) -> dict[str, Any]:
    """Run a program, and give what it printed.

    Raises:
        Failed: it says so, or its counts are not those of the server.

    """
    sizes = ["--objects", str(size.objects), "--events", str(size.events)]
    server = ["--server", f"http://127.0.0.1:{port}", "--handlers", str(size.handlers)]
    with pinned(core):
        done = subprocess.run(
            [*command, *server, *sizes],
            capture_output=True,
            check=False,
            env={**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
            text=True,
            timeout=_PATIENCE,
        )
    if done.returncode != 0:
        raise Failed(f"status {done.returncode}: {done.stderr[-2000:].strip()}")
    try:
        # The last line: what a library logs goes to standard output too.
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise Failed(f"no figures: {done.stdout[-500:]}") from None
    _check(program, size, found)
    return found


def _check(program: Program, size: Size, found: dict[str, Any]) -> None:
    handled = size.handlers * (size.objects + size.events // 10 + size.events)
    touched = found["handled"] if program.touch else 0
    right = (
        (found["objects"], found["events"]) == (size.objects, size.events)
        and found["handled"] >= handled
        and (found["cached"], found["touched"]) == (size.objects, touched)
        and min(found["list_cpu_us"], found["watch_cpu_us"]) > 0
    )
    if not right:
        raise Failed(f"it should have handled {handled}: {json.dumps(found)}")

"""The real API server of a benchmark: a control plane, what it is filled with, who writes to it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import anyio
from peers import native  # noqa: F401 - by which `tests` is found
from real_writers import GROUP, NAMESPACE, PATHS

from tests.e2e.harness import ControlPlane, define, find_binaries, prepared_control_plane

_WRITERS: Final = 2
"""Processes: more of them write no more."""

_PATIENCE: Final = 600.0


@dataclass(frozen=True)
class Write:
    """When an object's version was asked for and when the answer was there, in nanoseconds."""

    sent: int
    answered: int


@contextmanager
def control_plane() -> Iterator[ControlPlane]:
    """Run an API server that knows pods and gadgets."""
    with prepared_control_plane(find_binaries()) as plane:
        anyio.run(_begin, plane)
        yield plane


async def _begin(plane: ControlPlane) -> None:
    await plane.start()
    await plane.call("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    await define(plane, GROUP, "gadgets", "Gadget")


def fill(plane: ControlPlane, resource: str, objects: int) -> int:
    """Create objects and give the size of one, in bytes of JSON as it is listed."""
    with ExitStack() as started:
        for first, behind in _shares(objects):
            command = _command(plane, resource, "create", first, behind)
            writer = started.enter_context(subprocess.Popen(command))
            started.callback(_ended, writer)
    one = anyio.run(_first, plane, resource)
    return len(json.dumps(one, separators=(",", ":"), ensure_ascii=False).encode())


async def _first(plane: ControlPlane, resource: str) -> object:
    page = await plane.call("GET", PATHS[resource], query={"limit": "1"})
    return page["items"][0]


class Writing:
    """Patches all objects in turn, as fast as the server can, until it is stopped."""

    def __init__(self, plane: ControlPlane, resource: str, objects: int) -> None:
        commands = [
            _command(plane, resource, "patch", first, behind) for first, behind in _shares(objects)
        ]
        pipe = subprocess.PIPE
        self._writers = [
            subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for command in commands
        ]

    def stop(self) -> dict[str, Write]:
        """End it, and tell when each version was written."""
        found: dict[str, Write] = {}
        for writer in self._writers:
            told, _ = writer.communicate()  # which ends its standard input first
            _ended(writer)
            for line in told.splitlines():
                version, sent, answered = line.split()
                found[version] = Write(int(sent), int(answered))
        return found

    def kill(self) -> None:
        """End it, where it was not stopped."""
        for writer in self._writers:
            writer.kill()
            writer.wait()


def _shares(objects: int) -> list[tuple[int, int]]:
    edges = [objects * number // _WRITERS for number in range(_WRITERS + 1)]
    return list(pairwise(edges))


def _command(
    plane: ControlPlane, resource: str, action: str, first: int, behind: int
) -> list[str | Path]:
    program = Path(__file__).with_name("real_writers.py")
    return [sys.executable, program, plane.kubeconfig, resource, action, str(first), str(behind)]


def _ended(writer: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    if writer.wait(_PATIENCE):
        raise RuntimeError("a writer failed; what it said stands above")

"""A server of the benchmarks, and what it answers."""

import http.client
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
PATIENCE = 100.0


@dataclass(frozen=True)
class Answer:
    """What came of a request, so far as it was read."""

    status: int
    kind: str
    body: bytes

    def json(self) -> dict[str, Any]:
        """Give it as what it says it is."""
        assert self.kind == "application/json"
        found: dict[str, Any] = json.loads(self.body)
        return found

    def events(self) -> list[dict[str, Any]]:
        """Give it as the events of a watch."""
        return [json.loads(line) for line in self.body.splitlines()]


@dataclass
class Server:
    """A stream server in a process of its own."""

    process: subprocess.Popen[str]
    port: int = 0

    def begin(self) -> None:
        """Take the port that it says next."""
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def begin_anew(self) -> None:
        """Ask for another port."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.begin()

    def get(self, target: str, accept: str = "application/json", lines: int = 0) -> Answer:
        """Ask for it, and read so many lines; 0 for the whole body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", target, headers={"Accept": accept})
            answer = connection.getresponse()
            read = b"".join(answer.readline() for _ in range(lines)) if lines else answer.read()
            return Answer(answer.status, answer.headers["Content-Type"], read)
        finally:
            connection.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start servers of these sizes, which end with the test."""
    with ExitStack() as stack:

        def start(objects: int, events: int, *options: str) -> Server:
            sizes = ("--objects", str(objects), "--events", str(events))
            process = stack.enter_context(
                subprocess.Popen(  # noqa: S603 - a fixed command
                    [sys.executable, str(FOLDER / "stream_server.py"), *sizes, *options],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            server = Server(process)
            server.begin()
            return server

        yield start

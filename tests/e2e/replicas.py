"""Replicas: processes that say line by line, as JSON, what happens, and are stopped and killed."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream

from .following import PATIENCE
from .harness import JsonObject

ROOT = Path(__file__).parents[2]
LONG = 2 * PATIENCE


class Replica:
    """One replica that runs, and all that it has said."""

    def __init__(self, name: str, process: Process) -> None:
        self.name = name
        self.process = process
        self.said: list[JsonObject] = []

    def __repr__(self) -> str:
        return f"<Replica {self.name} {self.said[-20:]}>"

    async def listen(self) -> None:
        """Take in what it says."""
        assert self.process.stdout is not None
        rest = ""
        async for text in TextReceiveStream(self.process.stdout):
            *lines, rest = (rest + text).split("\n")
            self.said += [json.loads(line) for line in lines]

    async def says(self, event: str, after: int = 0) -> JsonObject:
        """Wait until it says that, behind the first so many lines.

        Raises:
            TimeoutError: it does not; the text has what it says instead.

        """
        with anyio.move_on_after(LONG):
            while True:
                found = [line for line in self.said[after:] if line["event"] == event]
                if found:
                    return found[0]
                await anyio.sleep(0.02)
        raise TimeoutError(f"not {event!r}, but {self!r}")


@asynccontextmanager
async def started(
    name: str, command: Sequence[str], environ: Mapping[str, str] | None = None
) -> AsyncGenerator[Replica]:
    """Run a replica; at the end of the block it is killed."""
    async with (
        await anyio.open_process(command, cwd=ROOT, env=environ, stderr=None) as process,
        anyio.create_task_group() as group,
    ):
        running = Replica(name, process)
        group.start_soon(running.listen)
        try:
            yield running
        finally:
            group.cancel_scope.cancel()
            if process.returncode is None:
                process.kill()  # SIGKILL ends stopped ones, too

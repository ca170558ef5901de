"""Runs `watchkit` as a program of its own, on pipes or on a terminal, and reads what it writes."""

import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio.abc import Process

from watchkit.testing import FakeApiServer

PATIENCE = 150.0
"""Seconds that a program may take for what takes it one on an idle machine."""

COMMAND = (sys.executable, "-m", "watchkit")

NOT_ITS = {"PYTHONUNBUFFERED", "PYTHONIOENCODING", "FORCE_COLOR", "TTY_COMPATIBLE"}
ENVIRON = {name: value for name, value in os.environ.items() if name not in NOT_ITS}
"""What it flushes it flushes itself, and nobody tells it how to write to a pipe."""
ENVIRON["PYTHONUTF8"] = "1"


def at(server: FakeApiServer) -> tuple[str, str]:
    """Give the option that leads to a server."""
    return "--kubeconfig", server.kubeconfig


@dataclass
class Ran:
    """A program's end: its exit status and all that it wrote."""

    status: int
    stdout: str
    stderr: str


async def ran(*arguments: str, **environ: str) -> Ran:
    """Run it to its end."""
    with anyio.fail_after(PATIENCE):
        result = await anyio.run_process([*COMMAND, *arguments], check=False, env=ENVIRON | environ)
    return Ran(result.returncode, result.stdout.decode(), result.stderr.decode())


@dataclass
class Running:
    """A program that runs; `out` and `err` hold what it has written so far."""

    process: Process
    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)
    whole: list[anyio.Event] = field(default_factory=list[anyio.Event])

    async def until(self, holds: Callable[[str], bool]) -> str:
        """Wait until what was written to stdout fulfils a condition, and give it."""
        return await _until(self.out, holds)

    async def until_said(self, text: str) -> str:
        """Wait until a text was written to stderr, and give all of it."""
        return await _until(self.err, lambda said: text in said)

    async def ended(self, number: signal.Signals | None = None) -> int:
        """Send it a signal, if any, wait for its end and give its exit status.

        All that it wrote has been read then.
        """
        if number is not None:
            self.process.send_signal(number)
        with anyio.fail_after(PATIENCE):
            status = await self.process.wait()
            for read in self.whole:
                await read.wait()
        return status


async def _until(written: bytearray, holds: Callable[[str], bool]) -> str:
    with anyio.move_on_after(PATIENCE):
        while not holds(written.decode(errors="replace")):  # noqa: ASYNC110 - also for a cluster
            await anyio.sleep(0.01)
    text = written.decode(errors="replace")
    assert holds(text), text
    return text


@asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[Running]:
    """Run it on pipes; killed with the block where it still runs."""
    async with await anyio.open_process([*COMMAND, *arguments], env=ENVIRON) as process:
        program = Running(process)
        async with anyio.create_task_group() as tasks:
            for stream, taken in (
                (process.stdout, program.out),
                (process.stderr, program.err),
            ):
                assert stream is not None
                program.whole.append(anyio.Event())
                tasks.start_soon(_take, stream, taken, program.whole[-1])
            try:
                yield program
            finally:  # before anything waits for its end: it may never come by itself
                if process.returncode is None:
                    process.kill()
            tasks.cancel_scope.cancel()


async def _take(stream: anyio.abc.ByteReceiveStream, taken: bytearray, whole: anyio.Event) -> None:
    async for data in stream:
        taken += data
    whole.set()


@asynccontextmanager
async def on_terminal(
    *arguments: str, columns: int = 100, lines: int = 24
) -> AsyncIterator[Running]:
    """Run it with stdout and stderr on a terminal of that size; killed with the block."""
    ours, its = os.openpty()
    environ: Mapping[str, str] = ENVIRON | {
        "TERM": "xterm-256color",
        "COLUMNS": str(columns),
        "LINES": str(lines),
    }
    process = await anyio.open_process(
        [*COMMAND, *arguments], stdin=its, stdout=its, stderr=its, env=environ
    )
    os.close(its)
    program = Running(process)
    try:
        async with process, anyio.create_task_group() as tasks:
            program.whole.append(anyio.Event())
            tasks.start_soon(_take_terminal, ours, program.out, program.whole[0])
            try:
                yield program
            finally:  # before anything waits for its end: it may never come by itself
                if process.returncode is None:
                    process.kill()
            tasks.cancel_scope.cancel()
    finally:
        os.close(ours)


async def _take_terminal(terminal: int, taken: bytearray, whole: anyio.Event) -> None:
    while not whole.is_set():
        await anyio.wait_readable(terminal)
        try:
            taken += os.read(terminal, 65536)
        except OSError:  # EIO: nobody has the other end open any more
            whole.set()


def plain(text: str) -> str:
    """Leave out what moves the cursor or sets colours."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)

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

from tests.unit.cli.stem import Fork, Stem
from watchkit.testing import FakeApiServer

PATIENCE = 150.0
"""Seconds that a program may take for what takes it one on an idle machine."""

COMMAND = (sys.executable, "-m", "watchkit")

NOT_ITS = {"PYTHONUNBUFFERED", "PYTHONIOENCODING", "FORCE_COLOR", "TTY_COMPATIBLE"}
ENVIRON = {name: value for name, value in os.environ.items() if name not in NOT_ITS}
"""What it flushes it flushes itself, and nobody tells it how to write to a pipe."""
ENVIRON["PYTHONUTF8"] = "1"

STEM = Stem()
"""Where it stands programs are forks of it; nowhere else."""


def at(server: FakeApiServer) -> tuple[str, str]:
    """Give the option that leads to a server."""
    return "--kubeconfig", server.kubeconfig


@dataclass
class Ran:
    """A program's end: its exit status and all that it wrote."""

    status: int
    stdout: str
    stderr: str


async def ran(
    *arguments: str, stdout: int | None = None, anew: bool = False, **environ: str
) -> Ran:
    """Run it to its end."""
    async with running(*arguments, stdout=stdout, anew=anew, **environ) as program:
        status = await program.ended()
    return Ran(status, program.out.decode(), program.err.decode())


@dataclass
class Running:
    """A program that runs; `out` and `err` hold what it has written so far."""

    process: Process | Fork
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
async def running(
    *arguments: str, stdout: int | None = None, anew: bool = False, **environ: str
) -> AsyncIterator[Running]:
    """Run it on pipes, or with a stdout that is given; killed with the block where it still runs.

    `anew`: by a Python that has imported nothing yet, wherever the stem stands.
    """
    stdin = os.open(os.devnull, os.O_RDONLY)
    out, its_out = (None, os.dup(stdout)) if stdout is not None else os.pipe()
    err, its_err = os.pipe()
    process = await _started(arguments, (stdin, its_out, its_err), ENVIRON | environ, anew=anew)
    program = Running(process)
    read = {err: program.err} if out is None else {err: program.err, out: program.out}
    async with _reading(program, read):
        yield program


@asynccontextmanager
async def on_terminal(
    *arguments: str, columns: int = 100, lines: int = 24
) -> AsyncIterator[Running]:
    """Run it with stdout and stderr on a terminal of that size; killed with the block."""
    environ = {"TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": str(lines)}
    ours, its = os.openpty()
    program = Running(await _started(arguments, (its, its, its), ENVIRON | environ))
    async with _reading(program, {ours: program.out}):
        yield program


async def _started(
    arguments: tuple[str, ...],
    standard: tuple[int, int, int],
    environ: Mapping[str, str],
    *,
    anew: bool = False,
) -> Process | Fork:
    """Start it on three descriptors, which it alone has then."""
    try:
        if STEM.stands and not anew:
            return await STEM.fork(arguments, standard, environ)
        stdin, stdout, stderr = standard
        command = [*COMMAND, *arguments]
        return await anyio.open_process(
            command, stdin=stdin, stdout=stdout, stderr=stderr, env=environ
        )
    finally:
        for descriptor in {*standard}:
            os.close(descriptor)


@asynccontextmanager
async def _reading(program: Running, read: Mapping[int, bytearray]) -> AsyncIterator[None]:
    try:
        async with program.process, anyio.create_task_group() as tasks:
            for descriptor, taken in read.items():
                program.whole.append(anyio.Event())
                tasks.start_soon(_take, descriptor, taken, program.whole[-1])
            try:
                yield
            finally:  # before anything waits for its end: it may never come by itself
                if program.process.returncode is None:
                    program.process.kill()
            tasks.cancel_scope.cancel()
    finally:
        for descriptor in read:
            os.close(descriptor)


async def _take(descriptor: int, taken: bytearray, whole: anyio.Event) -> None:
    while not whole.is_set():
        await anyio.wait_readable(descriptor)
        try:
            data = os.read(descriptor, 65536)
        except OSError:  # EIO: nobody has the other end of the terminal open any more
            data = b""
        taken += data
        if not data:
            whole.set()


def plain(text: str) -> str:
    """Leave out what moves the cursor or sets colours."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)

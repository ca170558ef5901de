"""What runs blocks for tests: the process `tests.docs.run`, and those that it forks."""

import json
import os
import signal
from contextlib import suppress
from typing import Final

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.docs.run import Job

ENDS: Final = 60.0
"""Seconds at most until a block has ended when interrupted; C8 says 1, of an idle machine."""


class Runner:
    """The process that forks one for each block."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._jobs = process.stdin
        self._answers = BufferedByteReceiveStream(process.stdout)

    async def start(self, job: Job) -> "Started":
        """Start a block."""
        await self._jobs.send(json.dumps(job).encode() + b"\n")
        return Started(self, await self.answer())

    async def answer(self) -> int:
        """Wait for the next answer."""
        return int(await self._answers.receive_until(b"\n", 20))


class Started:
    """A block's process."""

    def __init__(self, runner: Runner, pid: int) -> None:
        self.returncode: int | None = None
        self._runner = runner
        self._pid = pid

    async def wait(self) -> int:
        """Wait for its end, and give its exit status."""
        if self.returncode is None:
            self.returncode = await self._runner.answer()
        return self.returncode

    async def interrupted(self) -> int | None:
        """Interrupt it, as Ctrl-C does; give its exit status, None where it does not end."""
        self._send(signal.SIGINT)
        with anyio.move_on_after(ENDS):
            return await self.wait()
        self._send(signal.SIGKILL)
        await self.wait()
        return None

    def _send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(self._pid, number)

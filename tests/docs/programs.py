"""Examples, run as their readers would run them: processes that print, and end when told to."""

import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
SOON: Final = 120.0  # seconds; reached only by a test that fails, however slow the machine


class Program:
    """An example, running."""

    def __init__(self, process: Process, pieces: AsyncIterator[str]) -> None:
        self.process = process
        self.lines: list[str] = []  # what it has printed and was waited for
        self._pieces = pieces
        self._text = ""

    async def says(self, text: str) -> str:
        """Wait until it has printed a line with this text, and give that line."""
        with anyio.fail_after(SOON):
            while True:
                line = await self._line()
                self.lines.append(line)
                if text in line:
                    return line

    async def _line(self) -> str:
        while "\n" not in self._text:
            self._text += await anext(self._pieces)
        line, self._text = self._text.split("\n", 1)
        return line

    async def end(self) -> None:
        """Tell it to end (SIGTERM), and see that it does, with 0; read what it says until then."""
        self.process.send_signal(signal.SIGTERM)
        assert await self._ended() == 0, self.lines

    async def kill(self) -> None:
        """End it at once (SIGKILL); read what it has said until then."""
        self.process.kill()
        await self._ended()

    async def _ended(self) -> int:
        with anyio.fail_after(SOON):
            async for piece in self._pieces:
                self._text += piece
            self.lines += self._text.splitlines()
            return await self.process.wait()


@asynccontextmanager
async def running(
    example: str, *flags: str | Path, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Program]:
    """Run an example; unless the block ended it, see that it ends with 0 when it is told to."""
    command = [sys.executable, "-W", "error", EXAMPLES / example, *flags]
    environment = {**os.environ, **(environ or {})}
    async with await anyio.open_process(
        [str(word) for word in command], env=environment, stderr=None
    ) as process:
        try:
            assert process.stdout is not None
            program = Program(process, aiter(TextReceiveStream(process.stdout)))
            yield program
            if process.returncode is None:
                await program.end()
        finally:
            if process.returncode is None:
                process.kill()

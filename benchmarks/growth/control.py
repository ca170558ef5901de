"""Tells the server of these benchmarks what to do, from the process that is measured."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self


class Control:
    """One connection to a server's control port: a line there, an answer back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def of(cls, port: int) -> AsyncIterator[Self]:
        """Connect."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()

    def say(self, *words: object) -> None:
        """Have something done; what is answered must be heard before the next."""
        self._writer.write(" ".join(map(str, words)).encode() + b"\n")

    async def heard(self) -> Any:  # noqa: ANN401 - any JSON
        """Wait for the answer."""
        return json.loads(await self._reader.readline())

    async def ask(self, *words: object) -> Any:  # noqa: ANN401 - any JSON
        """Have something done, and wait for the answer."""
        self.say(*words)
        return await self.heard()

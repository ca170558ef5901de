"""Informers that the same script is driven through: one of this process, or a program of its own.

A program is started as `PROGRAM... KUBECONFIG NAMESPACE`. A line "counters" or "snapshot" on its
standard input is answered with one line of JSON: the fields of a `View`, each Held as an object of
[uid, version] by key. The end of the input ends it.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from watchkit import SharedInformer

from .harness import JsonObject, RecordingProxy
from .told import Held, Told, View, cached

ENOUGH: Final = 64 * 2**20  # bytes of one answer; a snapshot of 20,000 pods takes some 4 MB
ROOT: Final = Path(__file__).parents[2]
SOON: Final = 60.0  # seconds for an answer, or the end of a program that was asked to end


class Side(Protocol):
    """An informer, and the proxy through which it, and nobody else, talks to the server."""

    name: str
    proxy: RecordingProxy

    async def ask(self, word: str) -> View:
        """Tell how things stand; asked for a "snapshot", with all that is held."""
        ...


@dataclass
class Local:
    """An informer of this process, and what a handler of it is told."""

    name: str
    proxy: RecordingProxy
    informer: SharedInformer[Any]
    told: Told = field(default_factory=Told)

    def __post_init__(self) -> None:
        self.informer.add_event_handler(on_change=self.told.change, on_error="fail")

    async def ask(self, word: str) -> View:
        """See `Side`."""
        return self.told.view(cached(self.informer) if word == "snapshot" else None)


class Program:
    """An informer that is a program of its own."""

    def __init__(self, name: str, proxy: RecordingProxy, process: Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("a program is asked and answers through pipes")
        self.name = name
        self.proxy = proxy
        self._process = process
        self._questions = process.stdin
        self._answers = BufferedByteReceiveStream(process.stdout)

    async def ask(self, word: str) -> View:
        """See `Side`."""
        with anyio.fail_after(SOON):
            await self._questions.send(f"{word}\n".encode())
            line = await self._answers.receive_until(b"\n", ENOUGH)
        return _view(json.loads(line))

    async def end(self) -> int:
        """End it, and return its exit code."""
        await self._questions.aclose()
        with anyio.fail_after(SOON):
            return await self._process.wait()


@asynccontextmanager
async def program(
    name: str, command: Sequence[str | Path], proxy: RecordingProxy, log: Path
) -> AsyncIterator[Program]:
    """Run an informer on the namespace "default"; what it says on stderr goes to a file."""
    words = [*command, proxy.kubeconfig, "default"]
    with log.open("ab") as file:
        async with await anyio.open_process(
            [str(word) for word in words], cwd=ROOT, stderr=file
        ) as process:
            try:
                side = Program(name, proxy, process)
                yield side
                assert await side.end() == 0, f"{name} failed: see {log}"
            finally:
                if process.returncode is None:
                    process.kill()


def _view(answer: JsonObject) -> View:
    counts = Counter[str](answer.pop("counts"))
    cache, held = (_held(answer.pop(name, None)) for name in ("cache", "held"))
    return View(counts=counts, cache=cache, held=held, **answer)


def _held(sent: Mapping[str, Sequence[str]] | None) -> Held | None:
    return None if sent is None else {key: (uid, version) for key, (uid, version) in sent.items()}

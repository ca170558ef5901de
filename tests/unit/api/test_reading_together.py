"""How often a watch reads what comes fast: in virtual time, from a connection that is none."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import cast

import anyio
import pytest

from tests.unit.api.wire import WireServer, client_of, open_watch
from watchkit import ListWatch
from watchkit.api.incoming import Incoming
from watchkit.api.stream import HttpWatch
from watchkit.testing import VirtualClockEventLoop

EVENTS = [b'{"type":"ADDED","object":{"a":%d}}' % number for number in range(100)]
END = b'{"type":"BOOKMARK","object":{}}'
LATER = [b'{"type":"MODIFIED","object":{"a":%d}}' % number for number in range(100)]


class Connection:
    """Lines come on it one by one, `every` so many seconds, and wait for their reader."""

    def __init__(self, lines: Sequence[bytes], every: float) -> None:
        self._lines = lines
        self._every = every
        self._taken = 0
        self._begun = anyio.current_time()

    async def read(self) -> bytes:
        """Give what has come, at least one line; empty after the last."""
        if self._taken < len(self._lines):
            await anyio.sleep_until(self._begun + self._every * (self._taken + 1))
        return self.take()

    def take(self) -> bytes:
        """Give what has come."""
        here = int((anyio.current_time() - self._begun) / self._every + 1e-6)
        taken, self._taken = self._taken, max(self._taken, min(here, len(self._lines)))
        return b"".join(line + b"\n" for line in self._lines[taken : self._taken])

    def hold(self) -> None:
        """Be left alone."""

    go_on = close = hold


def reads(
    lines: Sequence[bytes], every: float, *, initial: bool, pause: float = 0.0
) -> list[list[bytes]]:
    """Give what each read of a watch found, up to its end."""

    async def read_all() -> list[list[bytes]]:
        incoming = cast("Incoming", Connection(lines, every))
        watch = HttpWatch(incoming, 1 << 20, lambda: None, pause, initial=initial)
        found: list[list[bytes]] = []
        while (frames := await watch.receive()) is not None:
            found.append(frames)
        return found

    with asyncio.Runner(loop_factory=VirtualClockEventLoop) as runner:
        return runner.run(read_all())


def parts(found: list[list[bytes]]) -> Iterator[int]:
    """Count the reads up to the bookmark, and those behind it."""
    until = next(n for n, frames in enumerate(found, start=1) if END in frames)
    yield from (until, len(found) - until)


def test_initial_events_are_read_together_and_later_ones_as_they_come() -> None:
    """Nobody is told of one before all are there."""
    found = reads([*EVENTS, END, *LATER], 0.0005, initial=True)

    initial, later = parts(found)
    assert [line for frames in found for line in frames] == [*EVENTS, END, *LATER]
    assert initial <= 100 / 4 + 3
    assert later >= 99


def test_slow_initial_events_are_read_as_they_come() -> None:
    """Where two come further apart than a pause is long, none is waited for."""
    initial, _ = parts(reads([*EVENTS, END], 0.003, initial=True))

    assert initial == 101


@pytest.mark.parametrize("initial", [True, False])
def test_who_reads_later_events_together_does_so_behind_initial_ones(*, initial: bool) -> None:
    """The longer of both pauses counts."""
    found = reads([*EVENTS, END, *LATER], 0.0005, initial=initial, pause=0.005)

    assert all(each <= 100 / 10 + 3 for each in parts(found))


@pytest.mark.anyio
@pytest.mark.parametrize("value", ["true", "false", None])
async def test_initial_events_come_where_they_were_asked_for(value: str | None) -> None:
    """A request says so."""
    query = {} if value is None else {"sendInitialEvents": value}
    async with WireServer([[open_watch()]]) as server, client_of(server.url) as client:
        pods = ListWatch.for_resource(client, "v1", "pods")
        watch = await pods.watch(query, idle_timeout=60)
        try:
            assert watch.reads_together == (value == "true")
        finally:
            watch.close()

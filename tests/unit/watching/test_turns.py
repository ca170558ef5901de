"""Turns of the event loop: a watch that never has to wait leaves some, one that has takes none."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import anyio
import anyio.lowlevel
import pytest

from tests.unit.watching.scripted import modified
from watchkit import ListOptions, RetryWatcher
from watchkit.core.ledger import Ledger
from watchkit.core.position import Policy
from watchkit.core.tally import Tally
from watchkit.watching.feed import Feed

pytestmark = pytest.mark.anyio


class Torrent:
    """A stream of which the next events are always there already; it counts its reads."""

    partial = False

    def __init__(self, *, events: int, waits: bool) -> None:
        self.reads = 0
        self._events = events
        self._waits = waits

    async def receive(self) -> list[bytes]:
        """Give some events in one read."""
        if self._waits:
            await anyio.lowlevel.checkpoint()
        self.reads += 1
        begin = 100 + self.reads * self._events
        return [modified("a", begin + n).rstrip() for n in range(self._events)]

    def close(self) -> None:
        """Nothing is open."""


class Source:
    """Answers a watch with a torrent, at once."""

    resource = "pods"
    namespace = "shop"

    def __init__(self, torrent: Torrent) -> None:
        self._torrent = torrent

    async def list(self, query: Mapping[str, str], *, idle_timeout: float) -> bytes:
        """Be asked for no list."""
        raise AssertionError(query, idle_timeout)

    async def watch(self, query: Mapping[str, str], *, idle_timeout: float) -> Torrent:
        """Give it."""
        assert query
        assert idle_timeout
        return self._torrent


async def turns_during(read: Callable[[], Awaitable[object]], times: int) -> int:
    """Read so many times; how many turns others had meanwhile."""
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as others:
        await read()
        others.start_soon(other)
        for _ in range(times):
            await read()
        others.cancel_scope.cancel()
    return turns


async def turns_beside(torrent: Torrent, events: int) -> int:
    """Read so many events; how many turns others had meanwhile."""
    async with RetryWatcher(Source(torrent), ListOptions(resource_version="100")) as watcher:
        return await turns_during(watcher.__anext__, events)


@pytest.mark.parametrize("in_one_read", [1, 5, 50])
async def test_a_watch_that_never_has_to_wait_lets_others_run(in_one_read: int) -> None:
    """Every sixteen reads and events, or every read of as many."""
    turns = await turns_beside(Torrent(events=in_one_read, waits=False), 1000)

    assert turns >= 1000 / (16 + in_one_read)


async def test_what_is_taken_bit_by_bit_lets_others_run() -> None:
    """One read of a thousand, of which little is wanted at once."""
    source = Source(Torrent(events=1000, waits=False))
    tally, policy = Tally(source.resource), Policy()
    options = ListOptions(resource_version="100")
    feed: Feed = Feed(source, options, policy, Ledger(), tally)
    turns = await turns_during(partial(feed.pull, lambda: 1), 500)
    feed.close()

    assert turns >= 500 / 17


async def test_an_event_that_is_waited_for_takes_no_turn_more() -> None:
    """Others had theirs meanwhile."""
    turns = await turns_beside(Torrent(events=1, waits=True), 1000)

    assert turns <= 1200


async def test_a_watch_that_never_has_to_wait_can_be_cancelled() -> None:
    """Within those sixteen reads and events."""
    torrent = Torrent(events=1, waits=False)
    options = ListOptions(resource_version="100")
    async with RetryWatcher(Source(torrent), options) as watcher:
        await anext(watcher)
        before = torrent.reads
        with anyio.CancelScope() as scope:
            scope.cancel()
            async for _ in watcher:
                pass

    assert scope.cancelled_caught
    assert torrent.reads - before <= 16

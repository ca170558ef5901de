"""With asyncio's own means: timeouts and cancellations that know nothing of anyio's scopes."""

import asyncio

import anyio
import pytest

from tests.unit.watching.reading import pod, started, word
from tests.unit.watching.scripted import Pause, ScriptedSource, added, page, reply, reset
from watchkit import Backoff, ListerWatcher, RetryWatcher
from watchkit.testing import FakeCluster, virtual_backend

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Run on asyncio, in virtual time."""
    return virtual_backend("asyncio")


@pytest.mark.parametrize("means", ["timeout", "wait_for"])
async def test_timeouts_lose_nothing(cluster: FakeCluster, pods: ListerWatcher, means: str) -> None:
    """asyncio.timeout and asyncio.wait_for around anext, over and over: each event comes once."""
    words: list[str] = []

    async def one(watcher: RetryWatcher) -> str:
        if means == "wait_for":
            return word(await asyncio.wait_for(anext(watcher), 0.7))
        async with asyncio.timeout(0.7):
            return word(await anext(watcher))

    async def write() -> None:
        for number in range(20):
            await anyio.sleep(1.3)
            cluster.create(pod(f"p{number}"))

    async with RetryWatcher(pods) as watcher, asyncio.TaskGroup() as tasks:
        await started(watcher)
        tasks.create_task(write())
        for _ in range(60):
            try:
                words.append(await one(watcher))
            except TimeoutError:
                continue

    assert words == [f"+p{number}" for number in range(20)]
    assert sum(each.verb == "watch" for each in cluster.requests) == 1


@pytest.mark.parametrize("after", [0.1, 0.8, 0.9, 1.4, 5, 20])
async def test_a_task_that_is_cancelled_ends_and_leaves_none_behind(after: float) -> None:
    """C8: in a list, a back-off, a watch, beside a probe: no task is left, nothing open."""
    source = ScriptedSource(
        lists=[reply(page(10), head=0.5)],
        watches=[reply(Pause(0.1), reset()), reply(Pause(3), added("a", 11))],
        last_list=reply(page(2000), head=1e6),
    )
    went_on: list[str] = []
    before = asyncio.all_tasks()

    async def consume() -> None:
        async with RetryWatcher(source, backoff=Backoff(jitter="none")) as watcher:
            async for _ in watcher:
                pass
        went_on.append("after the block")

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(consume())
        await anyio.sleep(after)
        task.cancel()

    assert task.cancelled()
    assert went_on == []
    assert source.open == 0
    assert asyncio.all_tasks() == before

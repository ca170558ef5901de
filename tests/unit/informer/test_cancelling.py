"""C8: leaving from every await point leaves no task, connection or timer, within a second."""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from tests.unit.informer.informing import Recorder, settle, touch
from tests.unit.watching.reading import pod
from watchkit import Change, Handler, InformerFactory, SharedInformer
from watchkit.testing import (
    BadJson,
    Disconnect,
    FakeCluster,
    Fault,
    Forbid,
    Gone,
    NoInitialEventsEnd,
    Refuse,
    Stall,
    Throttle,
    Unavailable,
)

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

Scenario = Callable[[FakeCluster, SharedInformer], Awaitable[None]]

STEPS = 40
"""Turns of the loop after which the block is cancelled: 0, 1, 2, ..."""


class Slow(Handler[Any]):
    """An async handler that is always in the middle of something."""

    async def on_change(self, change: Change[Any]) -> None:
        """Take a while."""
        await anyio.sleep(0.3)
        await anyio.lowlevel.checkpoint()


async def plainly(cluster: FakeCluster, informer: SharedInformer) -> None:
    """List, watch, changes."""
    await informer.wait_for_sync()
    for n in range(3):
        touch(cluster, "a", n)
        await settle()


async def with_slow_handlers(cluster: FakeCluster, informer: SharedInformer) -> None:
    """Handlers of both deliveries, several at once."""
    first = informer.add_event_handler(Slow(), concurrency=3)
    informer.add_event_handler(Slow(), delivery="every", buffer=1)
    await first.wait_for_sync()
    await plainly(cluster, informer)


async def with_a_subscription(cluster: FakeCluster, informer: SharedInformer) -> None:
    """A consumer in the block."""
    async with informer.subscribe() as changes:
        async for change in changes:
            touch(cluster, change.name, change.resource_version)
            await settle(0.2)  # or no time would ever pass


async def with_late_handlers(cluster: FakeCluster, informer: SharedInformer) -> None:
    """Added and removed all the time."""
    while True:
        registration = informer.add_event_handler(Recorder())
        cluster.create(pod(f"p{cluster.version}"))
        await registration.wait_for_sync()
        registration.remove()
        await anyio.sleep(0.1)


async def with_version_waits(cluster: FakeCluster, informer: SharedInformer) -> None:
    """Reading one's own writes, and a wait that lasts for ever."""
    await informer.wait_for_version(cluster.create(pod("w")))
    await informer.wait_for_version("999999")


async def with_opaque_waits(cluster: FakeCluster, informer: SharedInformer) -> None:
    """Fresh lists."""
    while True:
        await informer.wait_for_version("alpha")
        await settle(0.2)


async def with_sources(cluster: FakeCluster, informer: SharedInformer) -> None:
    """Added and removed all the time."""
    while True:
        informer.add_source(cluster.source("v1", "pods", "lab"))
        await anyio.lowlevel.checkpoint()
        informer.remove_source("lab")
        await settle(0.2)


def under(fault: Fault, *, times: int | None) -> Scenario:
    """Let a server misbehave in these ways."""

    async def suffer(cluster: FakeCluster, informer: SharedInformer) -> None:
        cluster.inject(fault, times=times)
        await plainly(cluster, informer)
        cluster.inject(Gone("http"), on="watch")
        cluster.inject(Disconnect(), on="open")
        await informer.run_forever()

    return suffer


SCENARIOS: dict[str, Scenario] = {
    "plainly": plainly,
    "slow handlers": with_slow_handlers,
    "a subscription": with_a_subscription,
    "late handlers": with_late_handlers,
    "version waits": with_version_waits,
    "opaque waits": with_opaque_waits,
    "sources": with_sources,
    "refused": under(Refuse(), times=None),
    "forbidden": under(Forbid(), times=None),
    "throttled": under(Throttle(), times=3),
    "unavailable": under(Unavailable(), times=2),
    "no mark": under(NoInitialEventsEnd(), times=None),
    "no head": under(Stall(at="head"), times=None),
    "disconnected": under(Disconnect(after_events=1), times=5),
    "garbled": under(BadJson(), times=4),
}


@asynccontextmanager
async def nothing_left(cluster: FakeCluster) -> AsyncIterator[None]:
    """Hold the end of the block to C8."""
    before = len(anyio.get_running_tasks())
    yield
    assert cluster.open_watches == 0
    assert len(anyio.get_running_tasks()) == before
    requests = len(cluster.requests)
    await anyio.sleep(200)
    assert len(cluster.requests) == requests, "somebody went on"


@pytest.mark.parametrize("name", SCENARIOS)
async def test_cancelled_at_each_checkpoint(name: str) -> None:
    """15 scenarios, each cancelled after 0, 1, 2, ... turns of the loop and some later times."""
    for step in range(STEPS + 4):
        cluster = FakeCluster()
        for each in "abc":
            cluster.create(pod(each))
        async with nothing_left(cluster):
            await cancelled_after(step, cluster, SCENARIOS[name])
    gc.collect()


async def cancelled_after(step: int, cluster: FakeCluster, scenario: Scenario) -> None:
    """Run a scenario, and cancel its block."""
    source = cluster.source("v1", "pods", "shop")
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as killers:
            killers.start_soon(kill, scope, step)
            async with SharedInformer(source, resync_period=0.5, audit_period=0.7) as informer:
                await scenario(cluster, informer)
                await anyio.sleep_forever()
    assert scope.cancelled_caught


async def kill(scope: anyio.CancelScope, step: int) -> None:
    """Cancel after so many turns of the loop; after the last of them, so many half seconds."""
    for _ in range(min(step, STEPS)):
        await anyio.lowlevel.checkpoint()
    await anyio.sleep(max(0, step - STEPS) * 0.45)
    scope.cancel()


@pytest.mark.parametrize("step", range(20))
async def test_a_use_cancelled_at_each_checkpoint(cluster: FakeCluster, step: int) -> None:
    """A lent informer ends with its last user, however that ends."""
    async with InformerFactory() as informers:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as killers:
                killers.start_soon(kill, scope, step)
                async with informers.use(cluster.source("v1", "pods")) as informer:
                    await informer.wait_for_sync()
                    await anyio.sleep_forever()
        await settle()
        assert cluster.open_watches == 0
        assert repr(informers) == "<InformerFactory informers=0>"

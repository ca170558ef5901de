"""C8: leaving from every await point leaves no task, connection or timer, within a second."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from tests.unit.informer.informing import Recorder, settle, touch
from tests.unit.informer.sweeping import Scenario, Steps, run, swept
from tests.unit.watching.reading import pod
from watchkit import Backoff, Change, Handler, InformerFactory, RetryWatcher, SharedInformer, until
from watchkit.testing import (
    VIRTUAL_BACKENDS,
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
    VirtualBackend,
)

pytestmark = pytest.mark.timeout(600)

Informed = Callable[[FakeCluster, SharedInformer], Awaitable[None]]

HORIZON = 4.0
"""Virtual seconds of each scenario: back-offs, idle timeouts, replays and audits are in them."""

AGAIN = 0.6
"""Seconds after which a scenario does the same once more: enough times within those."""

QUICK = Backoff(0.2, 2.0, 1.0)


class Slow(Handler[Any]):
    """An async handler that is always in the middle of something."""

    async def on_change(self, change: Change[Any]) -> None:
        """Take a while, and fail over some."""
        await anyio.sleep(0.3)
        await anyio.lowlevel.checkpoint()
        if change.name == "b":
            raise ValueError("b")


def informed(then: Informed, **options: Any) -> Scenario:  # noqa: ANN401 - an informer's
    """Do something within the block of an informer that audits and replays, and stay there."""

    async def scenario(cluster: FakeCluster) -> None:
        source = cluster.source("v1", "pods", "shop")
        async with SharedInformer(
            source,
            resync_period=1.5,
            audit_period=2.2,
            backoff=QUICK,
            idle_timeout=3,
            **options,
        ) as informer:
            await then(cluster, informer)
            await anyio.sleep_forever()

    return scenario


async def plainly(cluster: FakeCluster, informer: SharedInformer) -> None:
    """List, watch, changes."""
    await informer.wait_for_sync()
    for n in range(3):
        touch(cluster, "a", n)
        await settle()


async def with_slow_handlers(cluster: FakeCluster, informer: SharedInformer) -> None:
    """Handlers of both deliveries, several at once; one holds the watch back."""
    first = informer.add_event_handler(Slow(), concurrency=3)
    informer.add_event_handler(Slow(), delivery="every", buffer=1)
    await first.wait_for_sync()
    await plainly(cluster, informer)


async def with_a_subscription(cluster: FakeCluster, informer: SharedInformer) -> None:
    """A consumer in the block."""
    async with informer.subscribe() as changes:
        async for change in changes:
            touch(cluster, change.name, change.resource_version)
            await settle(AGAIN)  # or no time would ever pass


async def with_a_subscription_to_all(cluster: FakeCluster, informer: SharedInformer) -> None:
    """A consumer that holds the watch back."""
    async with informer.subscribe(delivery="every", buffer=1) as changes:
        async for _ in changes:
            touch(cluster, "a", cluster.version)
            touch(cluster, "b", cluster.version)
            await settle(0.5)


async def with_late_handlers(cluster: FakeCluster, informer: SharedInformer) -> None:
    """Added and removed all the time."""
    while True:
        registration = informer.add_event_handler(Recorder())
        cluster.create(pod(f"p{cluster.version}"))
        await registration.wait_for_sync()
        registration.remove()
        await anyio.sleep(AGAIN)


async def with_version_waits(cluster: FakeCluster, informer: SharedInformer) -> None:
    """Reading one's own writes, and a wait that lasts for ever."""
    await informer.wait_for_version(cluster.create(pod("w")))
    await informer.wait_for_version("999999")


async def with_opaque_waits(cluster: FakeCluster, informer: SharedInformer) -> None:
    """Fresh lists."""
    while True:
        await informer.wait_for_version("alpha")
        await settle(AGAIN)


async def with_sources(cluster: FakeCluster, informer: SharedInformer) -> None:
    """Added and removed all the time."""
    while True:
        informer.add_source(cluster.source("v1", "pods", "lab"))
        await anyio.lowlevel.checkpoint()
        informer.remove_source("lab")
        await settle(AGAIN)


async def restored(cluster: FakeCluster, informer: SharedInformer) -> None:
    """The server's store goes back under it: a probe, a list."""
    await informer.wait_for_sync()
    before = cluster.version
    for n in range(3):
        touch(cluster, "a", n)
        await settle()
    cluster.inject(Refuse(), on="watch")
    cluster.restore(before)


def under(fault: Fault, *, times: int | None, **options: Any) -> Scenario:  # noqa: ANN401
    """Let a server misbehave in these ways."""

    async def suffer(cluster: FakeCluster, informer: SharedInformer) -> None:
        cluster.inject(fault, times=times)
        await plainly(cluster, informer)
        cluster.inject(Gone("http"), on="watch")
        cluster.inject(Disconnect(), on="open")

    return informed(suffer, **options)


async def watched(cluster: FakeCluster) -> None:
    """A watcher: pages, events, a connection that breaks, a gap."""
    options = {"limit": 1, "allow_watch_bookmarks": True}
    source = cluster.source("v1", "pods", "shop")
    async with RetryWatcher(
        source, options, replay_existing=True, backoff=QUICK, idle_timeout=3
    ) as watcher:
        async for event in watcher.with_markers():
            fault = Gone("event") if cluster.version % 2 else Disconnect()
            cluster.inject(fault, on="open")
            touch(cluster, "a", event)
            await settle(0.2)


async def waited_until(cluster: FakeCluster) -> None:
    """A wait for what never comes, over connections that break."""
    source = cluster.source("v1", "pods", "shop")

    async def stir() -> None:
        while True:
            touch(cluster, "a", cluster.version)
            cluster.inject(Disconnect(), on="open")
            await anyio.sleep(1.1)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stir)
        await until(source, lambda _: False, name="a")


async def lent(cluster: FakeCluster) -> None:
    """An informer lent to several, one of whom comes and goes."""
    source = cluster.source("v1", "pods", "shop")
    async with InformerFactory() as informers, anyio.create_task_group() as users:

        async def use(seconds: float) -> None:
            while True:
                async with informers.use(source) as informer:
                    await informer.wait_for_sync()
                    await informer.add_event_handler(Slow()).wait_for_sync()
                    await anyio.sleep(seconds)
                await anyio.sleep(0.1)

        users.start_soon(use, 0.5)
        users.start_soon(use, 0.7)
        await use(0.9)


async def lent_and_failing(cluster: FakeCluster) -> None:
    """A lent informer that fails under its users, and again."""
    source = cluster.source("v1", "pods", "shop")
    async with InformerFactory() as informers:
        while True:
            try:
                async with informers.use(source) as informer:
                    informer.add_event_handler(Slow(), on_error="fail")
                    await anyio.sleep_forever()
            except ValueError:
                await anyio.sleep(AGAIN)


SCENARIOS: dict[str, Scenario] = {
    "plainly": informed(plainly),
    "pages": informed(plainly, initial_list="list", options={"limit": 1}),
    "slow handlers": informed(with_slow_handlers),
    "a subscription": informed(with_a_subscription),
    "a subscription to all": informed(with_a_subscription_to_all),
    "late handlers": informed(with_late_handlers),
    "version waits": informed(with_version_waits),
    "opaque waits": informed(with_opaque_waits),
    "sources": informed(with_sources),
    "restored": informed(restored),
    "refused": under(Refuse(), times=None),
    "forbidden": under(Forbid(), times=None),
    "throttled": under(Throttle(), times=3),
    "unavailable": under(Unavailable(retry_after=1), times=2),
    "no mark": under(NoInitialEventsEnd(), times=None, stream_deadline=1),
    "no head": under(Stall(at="head"), times=2),
    "silent": under(Stall(), times=3),
    "disconnected": under(Disconnect(after_events=1), times=5),
    "garbled": under(BadJson(), times=3),
    "half pages": under(BadJson(), times=3, initial_list="list", options={"limit": 2}),
    "a watcher": watched,
    "until": waited_until,
    "lent": lent,
    "lent and failing": lent_and_failing,
}


@pytest.mark.fault("F75", "F80")
@pytest.mark.parametrize("backend", VIRTUAL_BACKENDS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_cancelled_at_each_checkpoint(name: str, backend: VirtualBackend) -> None:
    """Each scenario is cancelled at each step of any task in its first seconds."""
    assert swept(SCENARIOS[name], backend, HORIZON) > 20


@pytest.mark.parametrize("backend", VIRTUAL_BACKENDS)
def test_a_sweep_finds_what_is_left(backend: VirtualBackend) -> None:
    """A watch that is not hung up in one place is found by the cancellation just there."""

    async def careless(cluster: FakeCluster) -> None:
        stream = await cluster.source("v1", "pods").watch({}, idle_timeout=100)
        await anyio.sleep(1)
        stream.close()

    with pytest.raises(AssertionError):
        swept(careless, backend, HORIZON)
    run(careless, backend, Steps(None), HORIZON)

"""How much comes to a handler of every change at once: no more than its buffer has room for."""

import anyio
import pytest

from tests.unit.informer.informing import synced, touch
from tests.unit.informer.judging import Judge, Manner
from tests.unit.watching.reading import pod
from watchkit import ListerWatcher
from watchkit.informer.shared_informer import SharedInformer
from watchkit.testing import FakeCluster

pytestmark = pytest.mark.anyio

SLOW = Manner(delivery="every", pace=1.0)


async def told(judge: Judge, times: int) -> None:
    """Wait until it was told so often, and rightly."""
    with anyio.fail_after(600):
        while len(judge.told) < times:  # noqa: ASYNC110 - nobody tells of a handler's progress
            await anyio.sleep(0.5)
    assert judge.wrong == []


async def test_a_handler_that_is_added_while_the_watch_waits_has_its_buffer_heeded(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """The read that was under way before it came is no exception."""
    judge = Judge(SLOW)
    async with SharedInformer(pods) as informer:
        await synced(informer)
        registration = informer.add_event_handler(judge, delivery="every", buffer=3)
        cluster.create(pod("a"))
        for n in range(40):
            touch(cluster, "a", n)
        await told(judge, 41)
        assert registration.statistics().peak <= 3


async def test_sources_share_the_room_of_a_buffer(cluster: FakeCluster) -> None:
    """What one has filled, the others do not fill again, save for a change each."""
    judge = Judge(SLOW)
    names = [f"n{n}" for n in range(5)]
    sources = [cluster.source("v1", "pods", each) for each in names]
    async with SharedInformer(sources) as informer:
        registration = informer.add_event_handler(judge, delivery="every", buffer=5)
        await synced(informer)
        for namespace in names:
            made = pod("a")
            made["metadata"]["namespace"] = namespace
            cluster.create(made)
            for n in range(10):
                touch(cluster, "a", n, namespace)
        await told(judge, 55)
        assert registration.statistics().peak <= 5 + len(sources) - 1

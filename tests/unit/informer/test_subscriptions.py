"""Subscriptions: the changes as an async iterator; the same words as for handlers."""

from typing import Any

import anyio
import pytest

from tests.unit.informer.informing import listed, replayed, settle, synced, touch, word
from tests.unit.informer.test_shared_informer import BAD
from tests.unit.watching.reading import pod
from watchkit import Deleted, InvalidRequest, ListerWatcher
from watchkit.core.errors import WatchkitError
from watchkit.core.events import Change, Updated
from watchkit.informer.shared_informer import SharedInformer
from watchkit.testing import FakeCluster

pytestmark = pytest.mark.anyio


async def test_it_gives_what_is_cached_and_then_every_change(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """`match` takes them apart as the README shows; `break` leaves the block."""
    cluster.create(pod("a"))
    words: list[str] = []
    async with SharedInformer(pods) as informer:
        await synced(informer)
        async with informer.subscribe() as changes:
            async for change in changes:
                words.append(word(change))
                match change:
                    case Updated(old, new):
                        assert ("n" in old.annotations, "n" in new.annotations) == (False, True)
                        cluster.delete("v1", "pods", "shop/a")
                    case Deleted(last):
                        assert last.name == "a"
                        break
                    case _:
                        touch(cluster, "a", 1)
        assert "handlers=0" in repr(informer)
    assert words == ["+a!", "~a", "-a"]


async def test_it_ends_with_the_informer(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """Not with an error: the loop is over; what waited is dropped."""
    ended: list[str] = []
    cluster.create(pod("a"))

    async def consume(informer: SharedInformer) -> None:
        async with informer.subscribe() as changes:
            async for _ in changes:
                await settle(1)
        ended.append("ended")

    async with anyio.create_task_group() as others, SharedInformer(pods) as informer:
        others.start_soon(consume, informer)
        await synced(informer)
        cluster.create(pod("b"))
    assert ended == ["ended"]


async def test_it_ends_when_the_informer_fails(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """The error is the block's."""
    cluster.inject(BAD, times=None)
    informer = SharedInformer(pods)
    async with anyio.create_task_group() as others:

        async def consume() -> None:
            async with informer.subscribe() as changes:
                assert [change async for change in changes] == []

        others.start_soon(consume)
        with pytest.raises(InvalidRequest):
            async with informer:
                await anyio.sleep_forever()
    with pytest.raises(WatchkitError, match="ended"):
        async with informer.subscribe():
            pass


async def test_a_slow_consumer_gets_the_last_state(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """delivery="latest": merged meanwhile; the informer never waits for it."""
    seen: list[Change[Any]] = []
    async with SharedInformer(pods) as informer:
        async with informer.subscribe() as changes:
            cluster.create(pod("a"))
            cluster.create(pod("b"))
            seen.append(await anext(changes))
            for n in range(10):
                touch(cluster, "a", n)
                await settle()
            cluster.delete("v1", "pods", "shop/b")
            await settle()
            seen.append(await anext(changes))
            assert informer.health.held_by is None
        assert replayed(seen) == listed(cluster)


async def test_a_slow_consumer_of_every_change_holds_the_watch_back(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """delivery="every", and its predicate."""
    async with SharedInformer(pods) as informer:
        await synced(informer)
        async with informer.subscribe(
            delivery="every", buffer=2, predicate=lambda change: change.name == "a"
        ) as changes:
            cluster.create(pod("a"))
            cluster.create(pod("b"))
            for n in range(5):
                touch(cluster, "a", n)
            await settle()
            held_by = informer.health.held_by
            assert held_by is not None
            assert held_by.startswith("subscription")
            words = [word(await anext(changes)) for _ in range(6)]
            assert words == ["+a", *["~a"] * 5]
        assert informer.health.held_by is None


async def test_a_wait_that_is_cancelled_loses_nothing(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """And iterating goes on."""
    async with SharedInformer(pods) as informer, informer.subscribe() as changes:
        with anyio.move_on_after(1):
            await anext(changes)
        cluster.create(pod("a"))
        assert word(await anext(changes)) == "+a"


async def test_a_consumer_that_never_waits_lets_others_run(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """Many changes at hand do not block the loop."""
    for n in range(500):
        cluster.create(pod(f"p{n}"))
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await anyio.lowlevel.checkpoint()

    async with SharedInformer(pods) as informer, anyio.create_task_group() as others:
        await synced(informer)
        async with informer.subscribe() as changes:
            others.start_soon(other)
            for _ in range(500):
                await anext(changes)
            assert turns >= 4
        others.cancel_scope.cancel()

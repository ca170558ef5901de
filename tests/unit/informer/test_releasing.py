"""What an informer lets go of: nothing is kept for a handler that is not to see it any more."""

import gc
import weakref
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import ClassVar

import anyio
import msgspec
import pytest

from tests.unit.watching.reading import pod
from watchkit import ListerWatcher, SharedInformer
from watchkit.core.events import Change
from watchkit.informer.registration import Registration
from watchkit.testing import FakeCluster

pytestmark = pytest.mark.anyio

PODS = 50


class Seen(msgspec.Struct, weakref=True):
    """A model whose instances can be counted."""

    all: ClassVar[list[weakref.ref["Seen"]]] = []

    def __post_init__(self) -> None:
        """Be counted."""
        self.all.append(weakref.ref(self))

    @classmethod
    def alive(cls) -> int:
        """Count those that somebody holds."""
        gc.collect()
        return sum(each() is not None for each in cls.all)


class Stuck:
    """A handler that comes back from each call at once, until it is to be stuck."""

    def __init__(self) -> None:
        self.gate: anyio.Event | None = None

    async def handle(self, _: Change[Seen]) -> None:
        """Take a change in."""
        if self.gate is not None:
            await self.gate.wait()


@pytest.fixture
async def full(cluster: FakeCluster) -> FakeCluster:
    """Give a cluster of some pods; nothing was seen so far."""
    Seen.all.clear()
    for number in range(PODS):
        cluster.create(pod(f"p{number}"))
    return cluster


@asynccontextmanager
async def listening(
    pods: ListerWatcher, stuck: Stuck
) -> AsyncGenerator[tuple[SharedInformer[Seen], Registration[Seen]]]:
    """Run an informer until its one handler has handled what was there."""
    async with SharedInformer(pods, model=Seen) as informer:
        registration = informer.add_event_handler(on_change=stuck.handle)
        await registration.wait_for_sync()
        yield informer, registration


async def change_all(cluster: FakeCluster, word: str) -> None:
    """Change each pod, in one read."""
    for number in range(PODS):
        change = {"metadata": {"annotations": {"word": word}}}
        cluster.patch("v1", "pods", f"shop/p{number}", change)
    await anyio.sleep(1)


async def test_who_is_stuck_keeps_what_it_saw_and_no_state_between(
    full: FakeCluster, pods: ListerWatcher
) -> None:
    """The old state of each, to be told of what came of it, and the new one."""
    stuck = Stuck()
    async with listening(pods, stuck):
        stuck.gate = anyio.Event()
        for word in ("x", "y", "z"):
            await change_all(full, word)

        # Of the one that it is stuck with also the state that it was called for.
        assert Seen.alive() == 2 * PODS + 1


async def test_who_was_removed_keeps_nothing_but_what_it_works_on(
    full: FakeCluster, pods: ListerWatcher
) -> None:
    """Though its call goes on."""
    stuck = Stuck()
    async with listening(pods, stuck) as (informer, registration):
        stuck.gate = anyio.Event()
        await change_all(full, "x")
        registration.remove()
        for number in range(PODS):
            full.delete("v1", "pods", f"shop/p{number}")
        await anyio.sleep(1)

        assert len(informer.store) == 0
        assert Seen.alive() == 2


async def test_who_has_nothing_to_do_keeps_nothing(full: FakeCluster, pods: ListerWatcher) -> None:
    """What is handled is let go of."""
    stuck = Stuck()
    async with listening(pods, stuck):
        await change_all(full, "x")
        for number in range(PODS):
            full.delete("v1", "pods", f"shop/p{number}")
        await anyio.sleep(1)

        assert Seen.alive() == 0

"""InformerFactory: one informer for all who ask for the same, as long as anybody does."""

from contextlib import AsyncExitStack

import anyio
import pytest

from tests.unit.informer.informing import queries, raises_itself, synced
from tests.unit.informer.test_shared_informer import BAD, Labelled
from tests.unit.watching.reading import pod
from watchkit import HealthState, InvalidRequest
from watchkit.informer.factory import InformerFactory
from watchkit.informer.transforms import strip_managed_fields
from watchkit.testing import FakeCluster

pytestmark = pytest.mark.anyio


async def test_who_asks_for_the_same_gets_the_same(cluster: FakeCluster) -> None:
    """W12: one list and watch for two equal sources; it stops with its last user, not before."""
    cluster.create(pod("a"))
    options = {"label_selector": {"app": "web"}}
    async with InformerFactory() as informers:
        async with informers.use(cluster.source("v1", "pods", "shop"), options) as first:
            await synced(first)
            source = cluster.source("v1", "pods", "shop")
            async with informers.use(source, {"label_selector": "app=web"}) as second:
                assert second is first
                assert len(cluster.requests) == 1
            assert first.health.state is HealthState.WATCHING
        assert first.health.state is HealthState.STOPPED
        assert cluster.open_watches == 0


async def test_it_can_start_again(cluster: FakeCluster) -> None:
    """A use after the last is a new informer."""
    cluster.create(pod("a"))
    async with InformerFactory() as informers:
        for _ in range(3):
            async with informers.use(cluster.source("v1", "pods")) as informer:
                await synced(informer)
                assert len(informer.store) == 1
    assert len(queries(cluster, "watch")) == 3


@pytest.mark.fault("F82")
async def test_who_asks_for_something_else_gets_another(cluster: FakeCluster) -> None:
    """F82: by resource, namespace, options, what is asked for, model and transform."""
    async with InformerFactory() as informers, AsyncExitStack() as stack:
        sources = [
            cluster.source("v1", "pods"),
            cluster.source("v1", "pods", "shop"),
            cluster.source("v1", "secrets"),
            cluster.source("v1", "pods", view="metadata"),
        ]
        others = [{}, {"options": {"extra": {"new": 1}}}, {"transform": strip_managed_fields}]
        found: set[int] = set()
        for source in sources:
            for other in others:
                wish = informers.use(source, **other)  # type: ignore[call-overload]
                found.add(id(await stack.enter_async_context(wish)))
            wish = informers.use(source, model=Labelled)
            found.add(id(await stack.enter_async_context(wish)))
        assert len(found) == 16


async def test_a_fatal_error_leaves_the_block_of_every_user(cluster: FakeCluster) -> None:
    """As itself; the factory, and what else it lends, goes on."""
    cluster.inject(BAD, times=None, when=lambda request: request.resource == "pods")
    async with InformerFactory() as informers:

        async def use() -> None:
            with raises_itself(InvalidRequest):
                async with informers.use(cluster.source("v1", "pods")):
                    await anyio.sleep_forever()

        async with anyio.create_task_group() as users:
            users.start_soon(use)
            users.start_soon(use)
        async with informers.use(cluster.source("v1", "secrets")) as informer:
            await synced(informer)


async def test_what_a_block_raises_leaves_it_as_itself(cluster: FakeCluster) -> None:
    """Through the use and through the factory."""
    with raises_itself(KeyError):
        async with InformerFactory() as informers, informers.use(cluster.source("v1", "pods")):
            raise KeyError("mine")
    assert cluster.open_watches == 0


async def test_it_lends_only_while_entered(cluster: FakeCluster) -> None:
    """Nobody would run what it lends."""
    informers = InformerFactory()
    pods = cluster.source("v1", "pods")
    with pytest.raises(RuntimeError, match="async with"):
        async with informers.use(pods):
            pass
    async with informers:
        assert repr(informers) == "<InformerFactory informers=0>"
    with pytest.raises(RuntimeError, match="async with"):
        async with informers.use(pods):
            pass

"""settled(): waits until nothing is left to do, and says what is where that takes too long."""

from dataclasses import dataclass

import anyio
import pytest
from kubernetes_asyncio.client import CoreV1Api

from tests.unit.testing.manifests import config_map
from watchkit import ListWatch, Object, SharedInformer
from watchkit.testing import (
    Disconnect,
    FakeCluster,
    Refuse,
    Stall,
    run_virtual,
    settled,
)

pytestmark = pytest.mark.anyio


@dataclass
class Counts:
    """What a queue says of itself."""

    depth: int = 0
    later: int = 0
    processing: int = 0


@dataclass
class Queue:
    """A queue that says what it is told to."""

    counts: Counts

    def statistics(self) -> Counts:
        """Give them."""
        return self.counts


@dataclass
class Nested:
    """The statistics of a controller."""

    running: int
    queue: Counts


@dataclass
class Controller:
    """A controller that says what it is told to."""

    counts: Nested

    def statistics(self) -> Nested:
        """Give them."""
        return self.counts


async def test_an_informer_is_settled_once_it_has_what_the_cluster_has(
    cluster: FakeCluster,
) -> None:
    """Writes of just now are in the cache and were handled, however slowly."""
    seen: list[str] = []

    async def handle(new: Object) -> None:
        await anyio.sleep(0.5)
        seen.append(new.name)

    async with SharedInformer(cluster.source("v1", "configmaps")) as informer:
        informer.add_event_handler(on_add=handle)
        for name in "abc":
            cluster.create(config_map(name))
        await settled(cluster, informer)

        assert seen == ["a", "b", "c"]
        cluster.delete("v1", "configmaps", "shop/b")
        await settled(informer)
        assert sorted(informer.store) == ["shop/a", "shop/c"]


async def test_an_informer_that_cannot_catch_up_is_not_settled(cluster: FakeCluster) -> None:
    """It says who is behind and where the cluster is."""
    async with SharedInformer(cluster.source("v1", "configmaps")) as informer:
        await settled(informer)
        cluster.inject(Disconnect(), on="open")
        cluster.inject(Refuse(), times=None)
        cluster.create(config_map("a"))

        with pytest.raises(TimeoutError, match=r"SharedInformer configmaps .* the cluster at 96"):
            await settled(informer, timeout=3)
        cluster.heal()
        await settled(informer, timeout=60)
        assert len(informer.store) == 1


async def test_an_informer_that_holds_what_the_cluster_has_not_is_not_settled(
    cluster: FakeCluster,
) -> None:
    """A deletion that has not come yet, and a restored store, count."""
    version = cluster.version
    cluster.create(config_map("a"))
    async with SharedInformer(cluster.source("v1", "configmaps")) as informer:
        await settled(informer)
        cluster.inject(Stall(20), on="open")
        cluster.delete("v1", "configmaps", "shop/a")
        with pytest.raises(TimeoutError, match="shop/a is not the cluster's"):
            await settled(informer, timeout=3)
        with pytest.raises(TimeoutError, match="1 watches have something to send"):
            await settled(cluster, timeout=3)
        await settled(cluster, informer, timeout=30)

        cluster.inject(Refuse(), times=None)
        cluster.restore(version)
        with pytest.raises(TimeoutError, match="the cluster at 95"):
            await settled(informer, timeout=3)


async def test_only_the_objects_that_an_informer_selects_count(cluster: FakeCluster) -> None:
    """Other labels, other namespaces and other resources do not keep it."""
    source = cluster.source("v1", "configmaps", "shop")
    async with SharedInformer(source, {"label_selector": "a=b"}) as informer:
        cluster.create(config_map("a", a="b"))
        cluster.create(config_map("a", "other", a="b"))
        cluster.create(config_map("b"))
        await settled(informer)

        assert list(informer.store) == ["shop/a"]


async def test_a_handler_that_is_busy_is_not_settled(cluster: FakeCluster) -> None:
    """Neither its informer nor its registration, until it is done."""
    begin, gate = anyio.Event(), anyio.Event()

    async def handle(_new: Object) -> None:
        begin.set()
        await gate.wait()

    cluster.create(config_map("a"))
    async with SharedInformer(cluster.source("v1", "configmaps")) as informer:
        registration = informer.add_event_handler(on_add=handle)
        await begin.wait()

        with pytest.raises(TimeoutError, match="1 keys wait for handlers, or are handled"):
            await settled(informer, timeout=1)
        with pytest.raises(TimeoutError, match=r"Registration .* 1 waiting or running"):
            await settled(registration, timeout=1)
        gate.set()
        await settled(informer, registration)


@pytest.mark.parametrize(
    "thing",
    [
        Queue(Counts(depth=1)),
        Queue(Counts(processing=1)),
        Controller(Nested(1, Counts())),
        Controller(Nested(0, Counts(depth=1))),
    ],
)
async def test_queues_and_controllers_say_what_is_left(thing: Queue | Controller) -> None:
    """Whatever has statistics is asked, and its queue too; nothing more is known of it."""
    with pytest.raises(TimeoutError, match="1 waiting or running"):
        await settled(thing, timeout=1)


async def test_what_is_due_later_is_settled() -> None:
    """A key that comes back in an hour is no work now."""
    await settled(Queue(Counts(later=1)), Controller(Nested(0, Counts(later=3))))


async def test_nothing_is_settled() -> None:
    """Without anything to wait for, it returns."""
    await settled()


def test_informers_of_a_client_settle() -> None:
    """Through connect(), the cluster behind the client is known."""

    async def main() -> None:
        cluster = FakeCluster()
        async with cluster.connect() as api:
            source = ListWatch(CoreV1Api(api).list_namespaced_config_map, "shop")
            async with SharedInformer(source) as informer:
                await settled(informer)
                cluster.create(config_map("a"))
                await settled(informer)
                assert len(informer.store) == 1
                cluster.inject(Stall(), on="open")
                cluster.create(config_map("b"))
                with pytest.raises(TimeoutError):
                    await settled(informer, timeout=1)

    run_virtual(main)


class Wavering:
    """Says that nothing is left a moment before there is something."""

    def __init__(self, *depths: int) -> None:
        self.depths = list(depths)

    def statistics(self) -> Counts:
        """Give the next one."""
        return Counts(depth=self.depths.pop(0))


async def test_one_quiet_look_is_not_enough() -> None:
    """What passes from one hand to another may be in neither for a moment."""
    wavering = Wavering(0, 1, 0, 0, 9)

    await settled(wavering)

    assert wavering.depths == [9]

"""Faults of the store: it goes back, forgets, or a server lags behind it."""

import json

import anyio
import pytest

from tests.unit.testing.manifests import DEFINITION, config_map, pod, shop
from tests.unit.testing.watching import listing, short, watched
from watchkit import SharedInformer
from watchkit.core.errors import NotFound, ResourceExpired, ServerUnavailable, TransportError
from watchkit.core.source import ListerWatcher
from watchkit.testing import Compact, FakeCluster, LagReplica, Restore, settled
from watchkit.testing.replica import Replica

pytestmark = pytest.mark.anyio


async def test_a_restore_strikes_before_the_answer(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """The request sees the past, open watches are cut, and the counter is back."""
    stream = await source.watch({}, idle_timeout=10)
    await stream.receive()
    cluster.inject(Restore(96))

    assert await listing(source) == 1
    assert cluster.version == 96
    with pytest.raises(TransportError):
        await stream.receive()


@pytest.mark.parametrize(("asked", "found"), [(-1, 97), (-1000, 95), (1000, 98), (0, 95)])
async def test_a_restore_goes_as_far_as_it_can(
    cluster: FakeCluster, source: ListerWatcher, asked: int, found: int
) -> None:
    """Relative where negative, and never out of what is kept."""
    cluster.compact(95)
    cluster.inject(Restore(asked))

    await listing(source)

    assert cluster.version == found


async def test_a_restore_can_strike_at_once(cluster: FakeCluster, source: ListerWatcher) -> None:
    """On the open watches it needs no further request."""
    stream = await source.watch({}, idle_timeout=10)
    cluster.inject(Restore(-1), on="open")

    assert cluster.version == 97
    stream.close()


async def test_a_restore_strikes_all_open_watches_at_once(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """There is one store: two versions back is two, however many are cut by it."""
    streams = [await source.watch({"resourceVersion": "98"}, idle_timeout=10) for _ in range(2)]
    injected = cluster.inject(Restore(-2), on="open")

    assert (cluster.version, injected.fired) == (96, 2)
    for stream in streams:
        with pytest.raises(TransportError):
            await stream.receive()


async def test_history_is_forgotten_before_the_answer(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """A watch from before what is kept is told so; from what is kept on, it goes."""
    cluster.inject(Compact(keep=1))

    (seen,) = await watched(source, resourceVersion="95", timeoutSeconds="5")

    assert seen.event["reason"] == "Expired"
    assert await short(source, resourceVersion="97") == [("ADDED", "c")]


async def test_a_stale_list_and_a_fresh_one(cluster: FakeCluster, source: ListerWatcher) -> None:
    """A replica answers "any version" from the past; without a version a list is consistent."""
    cluster.inject(LagReplica(2), times=None)

    async def at(**query: str) -> tuple[int, int]:
        page = json.loads(await source.list(query, idle_timeout=10))
        return int(page["metadata"]["resourceVersion"]), len(page["items"])

    assert await at(resourceVersion="0") == (96, 1)
    assert await at() == (98, 3)
    with pytest.raises(ServerUnavailable, match="Too large resource version: 98, current: 96"):
        await at(resourceVersion="98")


async def test_a_watch_of_a_replica_hears_late(cluster: FakeCluster, source: ListerWatcher) -> None:
    """An event comes once as many versions have followed it, of whatever resource."""
    cluster.inject(LagReplica(2))
    stream = await source.watch({"resourceVersion": "95"}, idle_timeout=10)

    async def names() -> list[str]:
        found: list[str] = []
        with anyio.move_on_after(5):
            while frames := await stream.receive():
                found += [json.loads(frame)["object"]["metadata"]["name"] for frame in frames]
        return found

    assert await names() == ["a"]
    cluster.create(pod("p"))
    assert await names() == ["b"]
    cluster.create(config_map("d"))
    cluster.create(pod("q"))
    assert await names() == ["c"]
    cluster.create(pod("r"))
    assert await names() == ["d"]
    stream.close()


@pytest.mark.fault("F53")
async def test_a_replica_catches_up_with_an_informer(cluster: FakeCluster) -> None:
    """Behind a replica an informer is late, and whole once new requests meet a fresh server."""
    lag = cluster.inject(LagReplica(3), times=None)
    async with SharedInformer(cluster.source("v1", "configmaps")) as informer:
        for name in "abcd":
            cluster.create(config_map(name))
        with pytest.raises(TimeoutError):
            await settled(informer)
        lag.remove()
        for name in "efg":
            cluster.create(pod(name))
        await settled(informer)
        assert len(informer.store) == 4


async def test_a_get_may_be_stale_where_it_says_so(cluster: FakeCluster) -> None:
    """With a version a read may come from the past, without one it does not."""
    state = cluster.front.state
    cluster.create(config_map("a"))
    replica = Replica(state, 1)
    resource = state.catalogue.named("v1", "configmaps")
    assert resource is not None

    assert replica.log(resource).objects == {}
    assert replica.log(resource).since(95) == []
    assert list(state.log(resource).objects) == ["shop/a"]


async def test_pages_of_a_replica_hold_together(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """A continue token goes on with the snapshot it is bound to, wherever it is asked."""
    first = json.loads(await source.list({"limit": "1"}, idle_timeout=10))
    cluster.delete("v1", "configmaps", "shop/b")
    cluster.inject(LagReplica(1))
    token = first["metadata"]["continue"]

    second = json.loads(await source.list({"limit": "1", "continue": token}, idle_timeout=10))

    assert second["items"][0]["metadata"]["name"] == "b"
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    cluster.compact()
    with pytest.raises(ResourceExpired):
        await source.list({"limit": "1", "continue": token}, idle_timeout=10)


def test_what_was_never_there_is_not_restored(cluster: FakeCluster) -> None:
    """After a restore an object of later is gone."""
    cluster.create(config_map("a"))
    cluster.restore(95)

    with pytest.raises(NotFound):
        cluster.get("v1", "configmaps", "shop/a")


async def test_a_resource_that_is_back_can_be_watched_on(cluster: FakeCluster) -> None:
    """A restore to before it was removed: a list shows its object, a watch goes on from there."""
    cluster.add_resource("x.io/v1", "shops", "Shop", namespaced=False)
    for _ in range(2):
        cluster.create({"apiVersion": "x.io/v1", "kind": "Shop", "metadata": {"name": "s"}})
        cluster.remove_resource("x.io/v1", "shops")
        cluster.add_resource("x.io/v1", "shops", "Shop", namespaced=False)
    source = cluster.source("x.io/v1", "shops")

    cluster.restore(96)
    page = json.loads(await source.list({}, idle_timeout=10))
    cluster.delete("x.io/v1", "shops", "s")

    assert [each["metadata"]["name"] for each in page["items"]] == ["s"]
    version = page["metadata"]["resourceVersion"]
    assert (version, await short(source, resourceVersion=version)) == ("96", [("DELETED", "s")])


async def test_a_restored_resource_knows_its_history_again(cluster: FakeCluster) -> None:
    """As far back as it did at that version: not before an earlier removal, but all since then."""
    source = cluster.source("x.io/v1", "shops")
    for _ in range(2):
        cluster.add_resource("x.io/v1", "shops", "Shop")
        cluster.create(shop("a"))
        cluster.create(shop("b"))
        cluster.remove_resource("x.io/v1", "shops")

    cluster.restore(101)
    (gone,) = await watched(source, resourceVersion="98", timeoutSeconds="1")
    assert gone.event["reason"] == "Expired"
    assert await short(source, resourceVersion="99") == [("ADDED", "a"), ("ADDED", "b")]

    cluster.restore(97)
    assert await short(source, resourceVersion="95") == [("ADDED", "a"), ("ADDED", "b")]


async def test_a_definition_made_again_after_a_restore_can_be_watched(cluster: FakeCluster) -> None:
    """Also where the restore falls between its end and that of its objects."""
    cluster.create(DEFINITION)
    for name in "abc":
        cluster.create(shop(name))
    cluster.delete("apiextensions.k8s.io/v1", "customresourcedefinitions", "shops.x.io")
    cluster.restore(cluster.version - 3)
    cluster.create(DEFINITION)
    source = cluster.source("x.io/v1", "shops")

    page = json.loads(await source.list({}, idle_timeout=10))
    cluster.create(shop("d"))

    version = page["metadata"]["resourceVersion"]
    assert page["items"] == []
    assert await short(source, resourceVersion=version) == [("ADDED", "d")]

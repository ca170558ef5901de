"""Several sources fill one cache: disjoint namespaces, added and removed while it runs."""

from collections.abc import Mapping

import anyio
import pytest
from structlog.testing import capture_logs

from tests.unit.informer.informing import Recorder, cached, listed, settle, synced, touch
from tests.unit.watching.reading import pod
from tests.unit.watching.scripted import (
    Pause,
    ScriptedSource,
    ScriptedStream,
    added,
    page,
    reply,
)
from watchkit import Backoff, HealthState
from watchkit.core.errors import TransportError, WatchkitError
from watchkit.core.framing import LineBuffer
from watchkit.informer.shared_informer import SharedInformer
from watchkit.testing import ApiRequest, FakeCluster, Forbid, Gone

pytestmark = pytest.mark.anyio


def of(namespace: str, name: str) -> dict[str, object]:
    """A pod of a namespace."""
    made = pod(name)
    made["metadata"]["namespace"] = namespace
    return made


def in_lab(request: ApiRequest) -> bool:
    """Whether a request is for namespace lab."""
    return request.namespace == "lab"


async def test_several_namespaces_are_one_cache(cluster: FakeCluster) -> None:
    """W13: its version is None, its objects are of both, a relist of one leaves the other be."""
    cluster.create(of("shop", "a"))
    cluster.create(of("lab", "a"))
    cluster.create(of("else", "a"))
    seen = Recorder()
    sources = [cluster.source("v1", "pods", each) for each in ("shop", "lab")]
    async with SharedInformer(sources) as informer:
        informer.add_event_handler(seen)
        await synced(informer)
        assert informer.store.resource_version is None
        assert informer.health.resource_version is None
        cluster.inject(Gone("http"), when=in_lab)
        cluster.inject(Gone("event"), on="open", when=in_lab)
        cluster.create(of("lab", "b"))
        touch(cluster, "a", 1)
        await anyio.sleep(60)
        assert cached(informer) == {**listed(cluster, "shop"), **listed(cluster, "lab")}
    assert sorted(seen.words) == ["+a!", "+a!", "+b?", "~a"]


@pytest.mark.parametrize(
    "others", [("v1", "pods", "shop"), ("v1", "pods", None), ("v1", "secrets", "lab")]
)
def test_sources_that_overlap_or_differ_are_refused(
    cluster: FakeCluster, others: tuple[str, str, str | None]
) -> None:
    """One resource in disjoint namespaces, at the start and later."""
    source = cluster.source("v1", "pods", "shop")
    other = cluster.source(*others)
    with pytest.raises(ValueError, match="sources"):
        SharedInformer([source, other])
    with pytest.raises(ValueError, match="sources"):
        SharedInformer(source).add_source(other)
    with pytest.raises(ValueError, match="source"):
        SharedInformer([])


async def test_a_source_is_added_while_it_runs(cluster: FakeCluster) -> None:
    """Its objects are told of as what was there; it is synced already, and stays so."""
    cluster.create(of("shop", "a"))
    cluster.create(of("lab", "b"))
    seen = Recorder()
    async with SharedInformer(cluster.source("v1", "pods", "shop")) as informer:
        informer.add_event_handler(seen)
        await synced(informer)
        informer.add_source(cluster.source("v1", "pods", "lab"))
        await informer.wait_for_sync(timeout=0.1)
        await settle()
        assert cached(informer) == listed(cluster)
    assert seen.words == ["+a!", "+b!"]
    with pytest.raises(WatchkitError, match="ended"):
        informer.add_source(cluster.source("v1", "pods", "elsewhere"))


async def test_a_source_is_removed_while_it_runs(cluster: FakeCluster) -> None:
    """Its objects are Deleted, inferred; its watch is hung up; it may come back."""
    cluster.create(of("shop", "a"))
    cluster.create(of("lab", "b"))
    seen = Recorder()
    sources = [cluster.source("v1", "pods", each) for each in ("shop", "lab")]
    async with SharedInformer(sources) as informer:
        informer.add_event_handler(seen)
        await synced(informer)
        informer.remove_source("lab")
        cluster.create(of("lab", "c"))
        await settle()
        assert cluster.open_watches == 1
        assert cached(informer) == listed(cluster, "shop")
        assert informer.store.resource_version is not None
        informer.add_source(sources[1])
        await settle()
        assert cached(informer) == listed(cluster)
        with pytest.raises(KeyError):
            informer.remove_source("nowhere")
    assert sorted(seen.words[:2]) == ["+a!", "+b!"]
    assert seen.words[2:] == ["-b?", "+b!", "+c!"]


async def test_a_source_removed_in_the_middle_of_a_burst(cluster: FakeCluster) -> None:
    """Whatever was on its way, nothing of it comes back into the cache."""
    sources = [cluster.source("v1", "pods", each) for each in ("shop", "lab")]
    async with SharedInformer(sources) as informer:
        await synced(informer)
        for n in range(30):
            cluster.create(of("lab", f"p{n}"))
            if n == 15:
                await anyio.lowlevel.checkpoint()
        informer.remove_source("lab")
        await settle()
        assert len(informer.store) == 0


async def test_removing_the_source_that_cannot_sync_lets_the_rest_be_synced(
    cluster: FakeCluster,
) -> None:
    """A wait for sync is for what is watched."""
    cluster.inject(Forbid(), times=None, when=in_lab)
    sources = [cluster.source("v1", "pods", each) for each in ("shop", "lab")]
    async with SharedInformer(sources) as informer:
        with pytest.raises(TimeoutError):
            await informer.wait_for_sync(timeout=5)
        informer.remove_source("lab")
        await informer.wait_for_sync(timeout=1)


async def test_health_is_that_of_the_worst(cluster: FakeCluster) -> None:
    """One namespace that is forbidden makes the informer FORBIDDEN, until it is served again."""
    injection = Forbid()
    cluster.inject(injection, times=None, when=in_lab)
    sources = [cluster.source("v1", "pods", each) for each in ("lab", "shop")]
    async with SharedInformer(sources, backoff=Backoff(cap=1)) as informer:
        await anyio.sleep(5)
        assert informer.health.state is HealthState.FORBIDDEN
        assert informer.health.cause is not None
        cluster.heal()
        await synced(informer)
        assert informer.health.state is HealthState.WATCHING
        assert informer.health.cause is None


async def test_a_resource_that_comes_later(cluster: FakeCluster) -> None:
    """W12: NOT_SERVED, and synced once it is served; gone again, the cache is kept."""
    source = cluster.source("x.io/v1", "shops", "shop")
    async with SharedInformer(source, backoff=Backoff(cap=5)) as informer:
        await anyio.sleep(20)
        assert informer.health.state is HealthState.NOT_SERVED
        cluster.add_resource("x.io/v1", "shops", "Shop")
        made = {"apiVersion": "x.io/v1", "kind": "Shop"}
        cluster.create({**made, "metadata": {"name": "a", "namespace": "shop"}})
        await informer.wait_for_sync(timeout=10)
        assert [*informer.store] == ["shop/a"]
        cluster.remove_resource("x.io/v1", "shops")
        await anyio.sleep(60)
        assert informer.health.state is HealthState.NOT_SERVED


async def test_metadata_alone(cluster: FakeCluster) -> None:
    """A source that asks for metadata fills a cache of it."""
    cluster.create(pod("a", app="web"))
    async with SharedInformer(cluster.source("v1", "pods", view="metadata")) as informer:
        await synced(informer)
        (found,) = informer.store.list(labels="app in (web)")
        assert found.kind == "PartialObjectMetadata"
        assert "spec" not in found


class _Hanging(ScriptedStream):
    """A watch that brings nothing; hung up, it breaks off for whoever waits, as a socket does."""

    def __init__(self) -> None:
        super().__init__((), LineBuffer(1 << 20))
        self._hung_up = anyio.Event()

    async def receive(self) -> list[bytes] | None:
        await self._hung_up.wait()
        raise TransportError("hung up")

    def close(self) -> None:
        self._hung_up.set()


class _HangingSource(ScriptedSource):
    """A source whose watches are of that kind."""

    async def watch(self, query: Mapping[str, str], *, idle_timeout: float) -> ScriptedStream:
        del query, idle_timeout
        return _Hanging()


async def test_a_removed_source_is_no_trouble() -> None:
    """It is left, not lost: nothing is tried again, nothing said of its watch."""
    here = ScriptedSource(namespace="lab", last_list=reply(page(5)))
    there = _HangingSource(namespace="shop", last_list=reply(page(5)))
    with capture_logs() as logs:
        async with SharedInformer([there, here], initial_list="list") as informer:
            await anyio.sleep(5)
            informer.remove_source("shop")
            await settle()
    assert "watch.retrying" not in [each["event"] for each in logs]


async def test_a_source_removed_just_when_something_came() -> None:
    """A read that is over already when its source goes fills nothing any more."""
    here = ScriptedSource(namespace="lab", last_list=reply(page(5)))
    there = ScriptedSource(
        namespace="shop",
        lists=[reply(page(5))],
        watches=[reply(Pause(2), added("a", 6), Pause())],
    )
    async with SharedInformer([there, here], initial_list="list") as informer:
        await anyio.sleep_until(2)
        informer.remove_source("shop")
        await settle()
        assert len(informer.store) == 0

"""Read your own writes: waiting for a version, or for an object at its version."""

from types import SimpleNamespace
from typing import Any

import anyio
import msgspec
import pytest

from tests.unit.informer.informing import cached, listed, synced, touch
from tests.unit.watching.reading import pod
from tests.unit.watching.scripted import Pause, ScriptedSource, manifest, modified, page, reply
from watchkit import ListerWatcher, Object
from watchkit.informer.shared_informer import SharedInformer
from watchkit.testing import FakeCluster, Stall

pytestmark = pytest.mark.anyio


class Meta(msgspec.Struct, rename="camel"):
    """The metadata of a model."""

    name: str
    namespace: str
    resource_version: str


class Model(msgspec.Struct):
    """A model with metadata."""

    metadata: Meta


def as_kubernetes(written: dict[str, Any]) -> object:
    """Make what kubernetes_asyncio answers: attributes all the way."""
    meta = written["metadata"]
    names = {"name": meta["name"], "namespace": meta["namespace"]}
    return SimpleNamespace(
        metadata=SimpleNamespace(**names, resource_version=meta["resourceVersion"])
    )


FORMS: dict[str, Any] = {
    "version": lambda written: written["metadata"]["resourceVersion"],
    "dict": lambda written: written,
    "Object": Object,
    "struct": lambda written: msgspec.convert(written, Model),
    "kubernetes": as_kubernetes,
}


@pytest.mark.parametrize("form", FORMS)
async def test_a_write_is_waited_for(cluster: FakeCluster, pods: ListerWatcher, form: str) -> None:
    """W10: in every form that a write's answer may have; a second wait is over at once."""
    cluster.create(pod("a"))
    async with SharedInformer(pods) as informer:
        await synced(informer)
        cluster.inject(Stall(3), on="open")
        written = touch(cluster, "a", 1)
        with pytest.raises(TimeoutError):
            await informer.wait_for_version(FORMS[form](written), timeout=1)
        await informer.wait_for_version(FORMS[form](written), timeout=30)
        assert cached(informer) == listed(cluster)
        await informer.wait_for_version(FORMS[form](written), timeout=0)


async def test_a_later_version_does_too(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """Somebody else may have written meanwhile."""
    async with SharedInformer(pods) as informer:
        await synced(informer)
        written = cluster.create(pod("a"))
        touch(cluster, "a", 1)
        await informer.wait_for_version(written, timeout=1)


async def test_an_object_that_has_gone_is_not_waited_for(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """Written, and deleted by somebody else before the cache had it."""
    async with SharedInformer(pods) as informer:
        await synced(informer)
        written = cluster.create(pod("a"))
        cluster.delete("v1", "pods", "shop/a")
        await informer.wait_for_version(written, timeout=1)
        assert len(informer.store) == 0


async def test_an_object_that_has_not_come_yet_has_not_gone(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """Absence counts only in a cache that is past the write."""
    async with SharedInformer(pods) as informer:
        await synced(informer)
        cluster.inject(Stall(5), on="open")
        written = cluster.create(pod("a"))
        with pytest.raises(TimeoutError):
            await informer.wait_for_version(written, timeout=4)
        await informer.wait_for_version(written, timeout=4)


async def test_several_sources_need_the_object(cluster: FakeCluster) -> None:
    """A version alone says nothing there; an object's namespace says which."""
    sources = [cluster.source("v1", "pods", each) for each in ("shop", "lab")]
    async with SharedInformer(sources) as informer:
        await synced(informer)
        written = cluster.create(pod("a"))
        await informer.wait_for_version(written, timeout=1)
        with pytest.raises(ValueError, match="several sources"):
            await informer.wait_for_version(str(cluster.version))
        written["metadata"]["namespace"] = "elsewhere"
        with pytest.raises(ValueError, match="not watched"):
            await informer.wait_for_version(written)


@pytest.mark.parametrize("wrong", ["0", "", {"metadata": {"name": "a"}}, {"metadata": {}}])
async def test_what_has_no_version_is_refused(pods: ListerWatcher, wrong: object) -> None:
    """Nothing would ever be at it."""
    with pytest.raises(ValueError, match="version"):
        await SharedInformer(pods).wait_for_version(wrong)


async def test_what_is_no_object_is_refused(pods: ListerWatcher) -> None:
    """By its type."""
    with pytest.raises(TypeError, match="int"):
        await SharedInformer(pods).wait_for_version(5)


async def test_an_opaque_version_is_waited_for_until_it_comes() -> None:
    """At equality: the event itself."""
    source = ScriptedSource(
        lists=[reply(page("alpha", manifest("a", "one")))],
        watches=[reply(Pause(2), modified("a", "two"), Pause())],
    )
    async with SharedInformer(source, initial_list="list") as informer:
        await synced(informer)
        await informer.wait_for_version("alpha", timeout=0)
        await anyio.sleep(3)
        await informer.wait_for_version(manifest("a", "two"), timeout=0)


async def test_an_opaque_version_that_passed_unseen_is_one_fresh_list() -> None:
    """W21: of the versions nobody can say which is later; a list made after the call is."""
    source = ScriptedSource(
        lists=[
            reply(page("alpha", manifest("a", "one"))),
            reply(page("omega", manifest("a", "nine"))),
        ],
    )
    async with SharedInformer(source, initial_list="list") as informer:
        await synced(informer)
        await informer.wait_for_version(manifest("a", "two"), timeout=5)
        meta = informer.store.meta("shop/a")
        assert meta is not None
        assert meta.resource_version == "nine"
    assert len(source.times("list")) == 2

"""model=: what objects are decoded into, and what is kept from their models."""

from typing import assert_type

import msgspec
import pytest
from kubernetes_asyncio.client import V1Pod

from tests.unit.watching.reading import drain, pod, started, take
from tests.unit.watching.scripted import (
    ScriptedSource,
    added,
    error,
    line,
    manifest,
    page,
    reply,
)
from watchkit import Deleted, ListerWatcher, Object, ProtocolError, RetryWatcher
from watchkit.testing import FakeCluster

pytestmark = pytest.mark.anyio


class Spec(msgspec.Struct):
    """What is wanted of a pod's spec."""

    nodeName: str = ""  # noqa: N815 - the name on the wire


class Pod(msgspec.Struct):
    """What is wanted of a pod."""

    spec: Spec


async def test_a_struct_declares_just_what_is_wanted(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """Initial and live events are decoded into it; the rest is skipped."""
    cluster.create({**pod("a"), "spec": {"nodeName": "n1", "containers": [{"name": "c"}]}})
    async with RetryWatcher(pods, replay_existing=True, model=Pod) as watcher:
        first = await anext(watcher)
        assert first.object == Pod(Spec("n1"))
        cluster.patch("v1", "pods", "shop/a", {"spec": {"nodeName": "n2"}})
        second = await anext(watcher)
        assert second.object == Pod(Spec("n2"))
        assert_type(second.object, Pod | Object)


async def test_a_model_of_kubernetes_asyncio_serves_too(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """V1Pod, as `list_namespaced_pod` would give it."""
    cluster.create({**pod("a", app="web"), "spec": {"nodeName": "n1", "containers": []}})
    async with RetryWatcher(pods, replay_existing=True, model=V1Pod) as watcher:
        event = await anext(watcher)

    assert isinstance(event.object, V1Pod)
    assert event.object.spec.node_name == "n1"
    assert event.object.metadata.labels == {"app": "web"}


async def test_identity_is_there_whatever_the_model_keeps(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """`.key`, `.uid`, `.meta` and so on never depend on it."""
    cluster.create(pod("a", app="web"))
    async with RetryWatcher(pods, replay_existing=True, model=Pod) as watcher:
        event = await anext(watcher)

    assert (event.key, event.name, event.namespace) == ("shop/a", "a", "shop")
    assert (event.resource_version, event.resume_version) == ("96", "96")
    assert event.uid
    assert event.meta.labels == {"app": "web"}


async def test_a_deletion_that_the_server_told_is_in_the_model(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """It has the last state; only an inferred one has no more than a name."""
    cluster.create({**pod("a"), "spec": {"nodeName": "n1"}})
    async with RetryWatcher(pods, replay_existing=True, model=Pod) as watcher:
        await take(watcher, 1)
        await started(watcher)
        cluster.delete("v1", "pods", "shop/a")
        event = await anext(watcher)

    assert isinstance(event, Deleted)
    assert event.object == Pod(Spec("n1"))


async def test_an_object_that_does_not_fit_is_raised_and_passed() -> None:
    """The error names the path, not the value; iterating again goes on behind the object."""
    misfit = {**manifest("b", 12), "spec": {"nodeName": 42}}
    source = ScriptedSource(
        watches=[
            reply(
                line("ADDED", {**manifest("a", 11), "spec": {}})
                + line("ADDED", misfit)
                + line("ADDED", {**manifest("c", 13), "spec": {}})
            )
        ]
    )
    async with RetryWatcher(source, {"resource_version": "10"}, model=Pod) as watcher:
        assert await take(watcher, 1) == ["+a"]
        with pytest.raises(ProtocolError, match=r"nodeName") as caught:
            await anext(watcher)
        assert "42" not in str(caught.value)
        assert watcher.resource_version == "11"
        assert await take(watcher, 1) == ["+c"]
        assert watcher.resource_version == "12"

    assert len(source.asked) == 1


async def test_without_a_model_it_is_an_object() -> None:
    """Read only, and only parsed as far as one looks."""
    source = ScriptedSource(watches=[reply(added("a", 11))])
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        assert_type(watcher, RetryWatcher[Object])
        event = await anext(watcher)

    assert isinstance(event.object, Object)
    assert event.object["metadata"]["name"] == "a"


async def test_a_tombstone_is_an_object_in_every_model() -> None:
    """What nobody sent cannot be decoded: an inferred Deleted keeps its Object."""
    source = ScriptedSource(
        watches=[reply(line("ADDED", {**manifest("a", 11), "spec": {}}), error(410))],
        last_list=reply(page(50)),
    )
    async with RetryWatcher(source, {"resource_version": "10"}, model=Pod) as watcher:
        assert await drain(watcher, 10) == ["+a", "-a?"]

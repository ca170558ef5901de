"""Whence requests come: predicates, owners, several informers, streams of anything."""

import math
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from tests.docs.world import pod
from tests.unit.controllers.reconciling import Reconciler, running, sleeps
from tests.unit.core.manifests import an_object
from tests.unit.informer.informing import raises_itself, touch
from watchkit import Added, Change, ListerWatcher, Object, SharedInformer, Updated
from watchkit.controllers import Controller, Request, enqueue_mapped, enqueue_owner
from watchkit.controllers.sources import LOW, priority_of
from watchkit.testing import FakeCluster

pytestmark = pytest.mark.anyio


@pytest.fixture
def reconciler() -> Reconciler:
    """Give a reconcile that succeeds, until told otherwise."""
    return Reconciler()


async def test_every_predicate_must_want_a_change(
    cluster: FakeCluster, pods: ListerWatcher, reconciler: Reconciler
) -> None:
    """Those of one informer say nothing of another."""
    for name in ("a", "b", "c"):
        cluster.create(pod("shop", name))
    controller = Controller(reconciler, name="shop")

    def not_a(change: Change) -> bool:
        return change.name != "a"

    def no_update(change: Change) -> bool:
        return not isinstance(change, Updated)

    def node(obj: Object) -> list[Request]:
        return [Request(None, f"node-of-{obj.name}")]

    async with SharedInformer(pods) as informer:
        controller.watches(informer, predicates=[not_a, no_update])
        only_new = (each for each in [no_update])
        controller.watches(informer, enqueue_mapped(node), predicates=only_new)
        async with running(controller):
            await anyio.sleep(1)
            touch(cluster, "b", 1)
            await anyio.sleep(1)

    nodes = ["node-of-a", "node-of-b", "node-of-c"]
    assert sorted(reconciler.keys) == [*nodes, "shop/b", "shop/c"]


async def test_several_informers_feed_one_controller(
    cluster: FakeCluster, pods: ListerWatcher, reconciler: Reconciler
) -> None:
    """A child's change is its owner's: both ask for the same."""
    cluster.create(pod("shop", "parent"))
    owned = pod("blog", "child")
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "parent", "uid": "u", "controller": True}
    owned["metadata"] = {"name": "child", "namespace": "shop", "ownerReferences": [owner]}
    controller = Controller(reconciler, name="shop")
    async with (
        SharedInformer(pods, {"label_selector": "app=web"}) as parents,
        SharedInformer(pods, {"label_selector": "app!=web"}) as children,
    ):
        controller.watches(parents)
        controller.watches(children, enqueue_owner("v1", "Pod"))
        async with running(controller):
            await anyio.sleep(1)
            cluster.create(owned)
            await anyio.sleep(1)

    assert reconciler.keys == ["shop/parent", "shop/parent"]


async def test_requests_come_by_a_stream(reconciler: Reconciler) -> None:
    """From wherever: a timer, a webhook, another system."""
    send, receive = anyio.create_memory_object_stream[Request](math.inf)
    controller = Controller(reconciler, name="shop")
    controller.watches(receive)
    async with send, receive, running(controller):
        await anyio.sleep(1)
        send.send_nowait(Request("shop", "a"))
        await anyio.sleep(1)
        send.send_nowait(Request(None, "b"))
        await anyio.sleep(1)

    assert reconciler.asked == [(1, "shop/a"), (2, "b")]


async def test_whatever_comes_by_a_stream_can_be_mapped(reconciler: Reconciler) -> None:
    """As a change is: predicates first, then the function that says what is asked for."""
    send, receive = anyio.create_memory_object_stream[int](math.inf)
    controller = Controller(reconciler, name="shop")

    def enqueue(number: int) -> list[Request]:
        return [Request("shop", str(number)), Request("shop", str(number + 1))]

    def is_even(number: int) -> bool:
        return number % 2 == 0

    controller.watches(receive, enqueue, predicates=[is_even])
    async with send, receive, running(controller):
        for number in range(3):
            send.send_nowait(number)
        await anyio.sleep(1)

    assert reconciler.keys == ["shop/0", "shop/1", "shop/2", "shop/3"]


async def test_the_end_of_a_stream_is_not_that_of_the_controller(reconciler: Reconciler) -> None:
    """Nor of a later run."""
    send, receive = anyio.create_memory_object_stream[Request](math.inf)
    controller = Controller(reconciler, name="shop")
    controller.watches(receive)
    send.send_nowait(Request("shop", "a"))
    send.close()
    async with receive:
        for _ in range(2):
            with anyio.move_on_after(10):
                await controller.run()

    assert (reconciler.keys, anyio.current_time()) == (["shop/a"], 20)


async def test_a_stream_waits_while_nobody_runs(reconciler: Reconciler) -> None:
    """What is sent then comes in the next run."""
    send, receive = anyio.create_memory_object_stream[Request](1)
    controller = Controller(reconciler, name="shop")
    controller.watches(receive)
    async with send, receive:
        with anyio.move_on_after(10):
            await controller.run()
        send.send_nowait(Request("shop", "a"))
        with pytest.raises(anyio.WouldBlock):
            send.send_nowait(Request("shop", "b"))
        await anyio.sleep(10)
        with anyio.move_on_after(10):
            await controller.run()

    assert reconciler.asked == [(20, "shop/a")]


async def test_a_stream_that_is_broken_ends_the_run(reconciler: Reconciler) -> None:
    """Nothing would come of it any more, and nobody would know."""
    send, receive = anyio.create_memory_object_stream[Request]()
    controller = Controller(reconciler, name="shop")
    controller.watches(receive)
    send.close()
    receive.close()

    with raises_itself(anyio.ClosedResourceError):
        await controller.run()


async def test_what_comes_by_a_stream_and_names_nothing_ends_the_run(
    reconciler: Reconciler,
) -> None:
    """It is said what that was."""
    send, receive = anyio.create_memory_object_stream[Any](1)
    controller = Controller(reconciler, name="shop")
    controller.watches(receive)
    async with send, receive:
        send.send_nowait(5)
        with raises_itself(AttributeError, "namespace"):
            await controller.run()


async def test_nothing_else_is_watched(reconciler: Reconciler) -> None:
    """A source of an informer, for example."""
    controller = Controller(reconciler, name="shop")
    watches: Callable[..., None] = controller.watches
    with pytest.raises(TypeError, match="an informer or a receive stream, not a FakeCluster"):
        watches(FakeCluster())


async def test_a_slow_reconcile_holds_no_informer_back(
    cluster: FakeCluster, pods: ListerWatcher, reconciler: Reconciler
) -> None:
    """What changes meanwhile waits in the queue, once for each key."""
    cluster.create(pod("shop", "a"))
    reconciler.when("shop/a", sleeps(100))
    controller = Controller(reconciler, name="shop")
    async with SharedInformer(pods) as informer:
        controller.watches(informer)
        async with running(controller):
            for number in range(50):
                await anyio.sleep(1)
                touch(cluster, "a", number)
            await anyio.sleep(0.5)
            assert informer.store["shop/a"].annotations == {"n": "49"}
            await anyio.sleep(100)

    assert [key for _, key in reconciler.asked] == ["shop/a", "shop/a"]


def test_what_is_no_news_can_wait() -> None:
    """What was there before, and what has not changed; whatever else comes is news."""
    obj = an_object("web")

    assert priority_of(Added(obj, obj.meta, initial=True)) == LOW == -100
    assert priority_of(Updated(obj, obj, obj.meta, replayed=True)) == LOW
    assert priority_of(Added(obj, obj.meta)) == 0
    assert priority_of(Updated(obj, obj, obj.meta, inferred=True)) == 0
    assert priority_of(Request("shop", "web")) == 0

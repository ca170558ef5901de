"""Controller: what changes is reconciled, one key at a time, until it succeeds."""

import math
from collections.abc import Callable
from functools import partial

import anyio
import pytest
from structlog.typing import EventDict

from tests.docs.world import pod
from tests.unit.controllers.reconciling import Reconciler, gives, raises, running, sleeps
from tests.unit.informer.informing import touch
from watchkit import ListerWatcher, SharedInformer, TerminalError
from watchkit.controllers import Controller, ItemExponential, Request, Result, WorkQueue
from watchkit.testing import FakeCluster

pytestmark = pytest.mark.anyio


def exact() -> ItemExponential:
    """Make a limiter without luck: 1 s, 2 s, 4 s, ..."""
    return ItemExponential(1, 60, jitter="none")


@pytest.fixture
def reconciler() -> Reconciler:
    """Give a reconcile that succeeds, until told otherwise."""
    return Reconciler()


async def test_what_is_there_and_what_changes_is_reconciled(
    cluster: FakeCluster, pods: ListerWatcher, reconciler: Reconciler
) -> None:
    """Once for each object, once for each change, its deletion too."""
    cluster.create(pod("shop", "a"))
    controller = Controller(reconciler, name="shop", workers=2)
    async with SharedInformer(pods) as informer:
        controller.watches(informer)
        async with running(controller):
            await anyio.sleep(1)
            cluster.create(pod("shop", "b"))
            await anyio.sleep(1)
            touch(cluster, "a", 1)
            await anyio.sleep(1)
            cluster.delete("v1", "pods", "shop/b")
            await anyio.sleep(1)

    assert reconciler.keys == ["shop/a", "shop/b", "shop/a", "shop/b"]
    assert controller.statistics().results == {"success": 4}


async def test_nothing_is_reconciled_before_all_is_known(
    cluster: FakeCluster, reconciler: Reconciler
) -> None:
    """Of each of its informers."""
    cluster.create(pod("shop", "a"))
    cluster.create(pod("blog", "b"))
    first = SharedInformer(cluster.source("v1", "pods", "shop"))
    second = SharedInformer(cluster.source("v1", "pods", "blog"))
    controller = Controller(reconciler, name="shop")
    controller.watches(first)
    controller.watches(second)
    async with first, running(controller):
        await anyio.sleep(10)
        assert reconciler.keys == []
        assert repr(controller).startswith("<Controller shop waiting running=0/1")
        async with second:
            await anyio.sleep(1)
            assert sorted(reconciler.keys) == ["blog/b", "shop/a"]
            assert repr(controller).startswith("<Controller shop working running=0/1")


async def test_all_that_is_there_waits_before_it_begins(
    cluster: FakeCluster, pods: ListerWatcher, reconciler: Reconciler, logs: list[EventDict]
) -> None:
    """Its handlers have handled it: what is more urgent is known to be so."""
    for number in range(300):
        cluster.create(pod("shop", f"p{number}"))
    controller = Controller(reconciler, name="shop")
    async with SharedInformer(pods) as informer:
        controller.watches(informer)
        async with running(controller):
            await anyio.sleep(1)

    (started,) = [each for each in logs if each["event"] == "controller.started"]
    assert started["queued"] == 300


async def test_a_key_is_never_reconciled_twice_at_once(reconciler: Reconciler) -> None:
    """Changes that come meanwhile lead to one more reconcile, after it."""
    queue: WorkQueue[Request] = WorkQueue()
    reconciler.when("shop/a", sleeps(10), sleeps(10))
    controller = Controller(reconciler, name="shop", workers=4, queue=queue)
    async with running(controller):
        for _ in range(5):
            queue.add(Request("shop", "a"))
            await anyio.sleep(1)
        await anyio.sleep(100)

    assert reconciler.asked == [(0, "shop/a"), (10, "shop/a")]


@pytest.mark.parametrize(("workers", "most"), [(1, 1), (3, 3), (9, 5)])
async def test_as_many_at_once_as_there_are_workers(
    reconciler: Reconciler, workers: int, most: int
) -> None:
    """Of different keys."""
    queue: WorkQueue[Request] = WorkQueue()
    for name in "abcde":
        queue.add(Request("shop", name))
        reconciler.when(f"shop/{name}", sleeps(10))
    controller = Controller(reconciler, name="shop", workers=workers, queue=queue)
    async with running(controller):
        await anyio.sleep(5)
        assert controller.statistics().running == most
        await anyio.sleep(95)

    assert (reconciler.most, len(reconciler.ended)) == (most, 5)
    assert controller.statistics().running == 0


async def test_news_come_before_what_was_there_already(
    cluster: FakeCluster, pods: ListerWatcher, reconciler: Reconciler
) -> None:
    """A thousand objects of the first list hold no change back."""
    for number in range(20):
        cluster.create(pod("shop", f"old-{number}"))
        reconciler.when(f"shop/old-{number}", sleeps(10))
    controller = Controller(reconciler, name="shop")
    async with SharedInformer(pods) as informer:
        controller.watches(informer)
        async with running(controller):
            await anyio.sleep(15)
            cluster.create(pod("shop", "new"))
            touch(cluster, "old-19", 1)
            await anyio.sleep(20)

    assert reconciler.keys[2:4] == ["shop/new", "shop/old-19"]


async def test_a_replay_comes_after_news(
    cluster: FakeCluster, pods: ListerWatcher, reconciler: Reconciler
) -> None:
    """What has not changed can wait."""
    for name in ("a", "b"):
        cluster.create(pod("shop", name))
        reconciler.when(f"shop/{name}", sleeps(1), sleeps(10))
    controller = Controller(reconciler, name="shop")
    async with SharedInformer(pods, resync_period=60) as informer:
        controller.watches(informer)
        async with running(controller):
            await anyio.sleep(62)
            cluster.create(pod("shop", "new"))
            await anyio.sleep(30)

    assert len(reconciler.asked) == 5
    assert reconciler.keys[3] == "shop/new"


# What comes of a reconcile.


async def test_a_failure_is_tried_again_later_and_later(reconciler: Reconciler) -> None:
    """Until it succeeds; then it begins anew."""
    queue: WorkQueue[Request] = WorkQueue(exact())
    request = Request("shop", "a")
    error = ZeroDivisionError()
    reconciler.when("shop/a", *[raises(error)] * 3, gives(None), raises(error))
    controller = Controller(reconciler, name="shop", queue=queue)
    async with running(controller):
        queue.add(request)
        await anyio.sleep(20)
        queue.add(request)
        await anyio.sleep(20)

    assert [at for at, _ in reconciler.asked] == [0, 1, 3, 7, 20, 21]
    assert controller.statistics().results == {"error": 4, "success": 2}
    assert queue.failures(request) == 0


async def test_one_that_fails_stops_no_other(reconciler: Reconciler) -> None:
    """Nor does anything that it raises."""
    queue: WorkQueue[Request] = WorkQueue(exact())
    controller = Controller(reconciler, name="shop", queue=queue)
    for number, error in enumerate(
        (ValueError(), ExceptionGroup("", [OSError()]), AssertionError(), RecursionError())
    ):
        queue.add(Request("shop", str(number)))
        reconciler.when(f"shop/{number}", raises(error), gives("nonsense"))
    async with running(controller):
        await anyio.sleep(100)

    assert controller.statistics().results == {"error": 8, "success": 4}


async def test_a_terminal_error_is_not_tried_again(reconciler: Reconciler) -> None:
    """Until something changes; nothing is remembered of it."""
    queue: WorkQueue[Request] = WorkQueue(exact())
    request = Request("shop", "a")
    reconciler.when("shop/a", raises(ValueError()), raises(TerminalError("no such size")))
    controller = Controller(reconciler, name="shop", queue=queue)
    async with running(controller):
        queue.add(request)
        await anyio.sleep(1000)
        assert (len(reconciler.asked), queue.failures(request)) == (2, 0)
        queue.add(request)
        await anyio.sleep(1)

    assert controller.statistics().results == {"error": 1, "terminal": 1, "success": 1}
    assert controller.statistics().errors == 2


async def test_a_result_says_when_to_look_again(reconciler: Reconciler) -> None:
    """A change may come before that; of several times the earliest counts."""
    queue: WorkQueue[Request] = WorkQueue()
    reconciler.when("shop/a", gives(Result(10)), gives(Result(0)), gives(Result(30)))
    controller = Controller(reconciler, name="shop", queue=queue)
    async with running(controller):
        queue.add(Request("shop", "a"))
        await anyio.sleep(15)
        queue.add(Request("shop", "a"))
        await anyio.sleep(100)

    assert [at for at, _ in reconciler.asked] == [0, 10, 10, 15, 40]
    assert controller.statistics().results == {"requeue_after": 3, "success": 2}


async def test_a_success_that_comes_again_forgets_its_failures(reconciler: Reconciler) -> None:
    """`requeue_after` is no failure."""
    queue: WorkQueue[Request] = WorkQueue(exact())
    reconciler.when("shop/a", raises(ValueError()), gives(Result(100)), raises(ValueError()))
    controller = Controller(reconciler, name="shop", queue=queue)
    async with running(controller):
        queue.add(Request("shop", "a"))
        await anyio.sleep(200)

    assert [at for at, _ in reconciler.asked] == [0, 1, 101, 102]


async def test_what_takes_too_long_is_cancelled_and_tried_again(reconciler: Reconciler) -> None:
    """The others go on meanwhile."""
    queue: WorkQueue[Request] = WorkQueue(exact())
    reconciler.when("shop/a", sleeps(1000))
    controller = Controller(reconciler, name="shop", queue=queue, timeout=30)
    async with running(controller):
        queue.add(Request("shop", "a"))
        await anyio.sleep(100)

    assert reconciler.cancelled == [(30, "shop/a")]
    assert [at for at, _ in reconciler.asked] == [0, 31]
    assert controller.statistics().results == {"timeout": 1, "success": 1}


async def test_keys_that_come_again_keep_their_priority(reconciler: Reconciler) -> None:
    """A first list that fails as a whole does not become news by that."""
    queue: WorkQueue[Request] = WorkQueue(exact())
    reconciler.when("shop/old", raises(ValueError()), gives(Result(1)))
    controller = Controller(reconciler, name="shop", queue=queue)
    queue.add(Request("shop", "old"), -100)
    async with running(controller):
        for second in range(3):
            await anyio.sleep(0.5)
            queue.add(Request("shop", "hog"))
            reconciler.when("shop/hog", sleeps(0.9))
            queue.add(Request("shop", f"new-{second}"))
            await anyio.sleep(0.5)
        await anyio.sleep(1)

    assert reconciler.keys.index("shop/new-0") < reconciler.keys.index("shop/old", 1)
    assert reconciler.keys.count("shop/old") == 3


async def test_the_clients_of_a_queue_may_add_keys_of_their_own(reconciler: Reconciler) -> None:
    """Also before it runs; it is theirs to close: then the controller ends when that is drained."""
    queue: WorkQueue[Request] = WorkQueue()
    controller = Controller(reconciler, name="shop", workers=3, queue=queue)
    for name in "ab":
        queue.add(Request("shop", name))
        reconciler.when(f"shop/{name}", sleeps(5))
    queue.close()
    await controller.run()

    assert sorted(reconciler.ended) == [(5, "shop/a"), (5, "shop/b")]
    assert repr(controller) == f"<Controller shop stopped running=0/3 queue={queue!r}>"


# Running again.


async def test_it_can_be_run_again(
    cluster: FakeCluster, pods: ListerWatcher, reconciler: Reconciler
) -> None:
    """All that is cached is reconciled again; what changed in between needs no telling."""
    for name in "ab":
        cluster.create(pod("shop", name))
    controller = Controller(reconciler, name="shop")
    async with SharedInformer(pods) as informer:
        controller.watches(informer)
        async with running(controller):
            await anyio.sleep(1)
        cluster.create(pod("shop", "c"))
        touch(cluster, "a", 1)
        await anyio.sleep(100)
        assert "handlers=0" in repr(informer)
        assert controller.statistics().queue.depth == 0
        async with running(controller):
            await anyio.sleep(1)

    assert reconciler.keys == ["shop/a", "shop/b", "shop/a", "shop/b", "shop/c"]
    assert controller.statistics().results == {"success": 5}


async def test_it_runs_once_at_a_time(pods: ListerWatcher, reconciler: Reconciler) -> None:
    """Two runs of one would reconcile a key twice at once; what it watches is settled then."""
    controller = Controller(reconciler, name="shop")
    async with SharedInformer(pods) as informer:
        async with running(controller):
            await anyio.sleep(1)
            with pytest.raises(RuntimeError, match="controller shop is running already"):
                await controller.run()
            with pytest.raises(RuntimeError, match="let it watch before that"):
                controller.watches(informer)
        controller.watches(informer)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"workers": 0}, "workers is a number"),
        ({"workers": 1.5}, "workers is a number"),
        ({"timeout": 0}, "timeout is in seconds"),
        ({"timeout": math.nan}, "timeout is in seconds"),
        ({"grace": -1}, "grace is in seconds"),
        ({"name": ""}, "a controller has a name"),
        ({"queue": WorkQueue(), "rate_limiter": ItemExponential()}, "its own rate_limiter"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    reconciler: Reconciler, wrong: dict[str, object], said: str
) -> None:
    """When it is made."""
    make: Callable[..., Controller] = partial(Controller, reconciler)
    with pytest.raises(ValueError, match=said):
        make(**{"name": "shop", **wrong})


async def test_it_has_a_name() -> None:
    """For logs and metrics."""
    assert Controller(Reconciler(), name="shop").name == "shop"

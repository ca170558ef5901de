"""How a controller ends: no new key, running reconciles for a while; and with which error."""

from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import anyio.lowlevel
import pytest
from structlog.typing import EventDict

from tests.docs.world import pod
from tests.unit.controllers.reconciling import Reconciler, gives, raises, running, sleeps
from tests.unit.informer.informing import raises_itself, touch
from watchkit import (
    Forbidden,
    InvalidRequest,
    LeadershipLost,
    ListerWatcher,
    SharedInformer,
    WatchkitError,
)
from watchkit.controllers import Controller, Request, Result, WorkQueue
from watchkit.controllers.fencing import FencingToken, Term, current
from watchkit.core.events import Change
from watchkit.testing import Answer, FakeCluster

pytestmark = pytest.mark.anyio

A, B = Request("shop", "a"), Request("shop", "b")


@pytest.fixture
def queue() -> WorkQueue[Request]:
    """Give a queue."""
    return WorkQueue()


@pytest.fixture
def reconciler() -> Reconciler:
    """Give a reconcile that succeeds, until told otherwise."""
    return Reconciler()


async def test_cancelled_it_lets_running_reconciles_end(
    queue: WorkQueue[Request], reconciler: Reconciler, logs: list[EventDict]
) -> None:
    """And takes no key any more; what waits still waits."""
    reconciler.when("shop/a", sleeps(20))
    controller = Controller(reconciler, name="shop", queue=queue)
    async with running(controller):
        queue.add(A)
        queue.add(B)
        await anyio.sleep(5)

    assert anyio.current_time() == 20
    assert (reconciler.keys, reconciler.ended) == (["shop/a"], [(20, "shop/a")])
    assert queue.get_nowait() == B
    (draining,) = [each for each in logs if each["event"] == "controller.draining"]
    assert (draining["running"], draining["grace"]) == (1, 30)


@pytest.mark.parametrize("grace", [0, 10, 29.5])
async def test_after_the_grace_period_they_are_cancelled(
    queue: WorkQueue[Request], reconciler: Reconciler, grace: float
) -> None:
    """What was cancelled waits for the next run, as urgent as it was."""
    reconciler.when("shop/a", sleeps(100))
    controller = Controller(reconciler, name="shop", queue=queue, grace=grace)
    async with running(controller):
        queue.add(A, -100)
        await anyio.sleep(5)

    assert reconciler.cancelled == [(5 + grace, "shop/a")]
    assert controller.statistics().results == {"cancelled": 1}
    assert controller.statistics().running == 0
    queue.add(B)
    assert [queue.get_nowait(), queue.get_nowait()] == [B, A]


async def test_what_ends_while_it_drains_is_settled(
    queue: WorkQueue[Request], reconciler: Reconciler
) -> None:
    """A failure is tried again in the next run, a result remembered, a re-added key kept."""
    reconciler.when("shop/a", sleeps(10, Result(60)), gives(None))
    controller = Controller(reconciler, name="shop", queue=queue, workers=2)
    async with running(controller):
        queue.add(A)
        await anyio.sleep(5)
        queue.add(A)
    assert reconciler.asked == [(0, "shop/a")]
    async with running(controller):
        await anyio.sleep(100)

    assert reconciler.asked == [(0, "shop/a"), (10, "shop/a"), (70, "shop/a")]


async def test_a_reconcile_that_is_never_cancelled_in_time_keeps_its_timeout(
    queue: WorkQueue[Request], reconciler: Reconciler
) -> None:
    """Draining makes no reconcile longer."""
    reconciler.when("shop/a", sleeps(100))
    controller = Controller(reconciler, name="shop", queue=queue, timeout=10)
    async with running(controller):
        queue.add(A)
        await anyio.sleep(5)

    assert anyio.current_time() == 10
    assert controller.statistics().results == {"timeout": 1}


@pytest.mark.parametrize("turns", range(8))
async def test_cancelled_at_any_moment_it_starts_nothing_after_that(
    queue: WorkQueue[Request], reconciler: Reconciler, turns: int
) -> None:
    """A key that comes with the cancellation, or just before it, is not lost either."""
    controller = Controller(reconciler, name="shop", queue=queue, workers=2)
    async with running(controller) as scope:
        await anyio.sleep(1)
        queue.add(A)
        for _ in range(turns):
            await anyio.lowlevel.checkpoint()
        scope.cancel()
        begun = len(reconciler.asked)
        queue.add(B)

    assert len(reconciler.asked) == begun
    assert len(queue) + begun == 2


async def test_cancelled_before_it_synced_it_ends_at_once(
    cluster: FakeCluster, pods: ListerWatcher, reconciler: Reconciler
) -> None:
    """And leaves no handler behind."""
    controller = Controller(reconciler, name="shop")
    informer = SharedInformer(pods)
    controller.watches(informer)
    with anyio.move_on_after(5):
        await controller.run()

    assert anyio.current_time() == 5
    assert "handlers=0" in repr(informer)
    assert repr(controller).startswith("<Controller shop stopped")


# Under a lease.


async def test_who_lost_the_lease_is_given_no_grace(
    queue: WorkQueue[Request], reconciler: Reconciler
) -> None:
    """Another one may begin soon: reconciles that are at work are cancelled at once."""
    reconciler.when("shop/a", sleeps(100))
    controller = Controller(reconciler, name="shop", queue=queue)
    queue.add(A)
    term = Term(anyio.current_time() + 10)
    with term.scope, leading(term):
        await controller.run()

    assert reconciler.cancelled == [(10, "shop/a")]
    assert queue.get_nowait() == A


async def test_who_holds_the_lease_drains_in_peace(
    queue: WorkQueue[Request], reconciler: Reconciler
) -> None:
    """At SIGTERM, say: it is renewed until all has ended."""
    reconciler.when("shop/a", sleeps(20))
    controller = Controller(reconciler, name="shop", queue=queue)
    queue.add(A)
    with leading(Term(anyio.current_time() + 1000)), anyio.move_on_after(10):
        await controller.run()

    assert reconciler.ended == [(20, "shop/a")]


async def test_a_lease_that_is_lost_while_it_drains_ends_the_peace(
    queue: WorkQueue[Request], reconciler: Reconciler
) -> None:
    """At SIGTERM in the middle of an outage, say: soon another one may begin."""
    reconciler.when("shop/a", sleeps(100))
    reconciler.when("shop/b", sleeps(12))
    controller = Controller(reconciler, name="shop", queue=queue, workers=2)
    queue.add(A)
    queue.add(B)
    term = Term(anyio.current_time() + 10)
    with leading(term), anyio.move_on_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(renew, term, 7, 20)
            await controller.run()

    assert reconciler.ended == [(12, "shop/b")]
    ((at, _),) = reconciler.cancelled
    assert 20 <= at <= 20.5


async def renew(term: Term, at: float, until: float) -> None:
    """Renew a lease as an elector does, also while what it leads winds up."""
    with anyio.CancelScope(shield=True):
        await anyio.sleep(at)
        term.extend(until)


async def test_nothing_begins_after_the_term_is_over(
    queue: WorkQueue[Request], reconciler: Reconciler
) -> None:
    """Also where nobody has got to cancelling it yet, as after a freeze; the key waits on."""
    controller = Controller(reconciler, name="shop", queue=queue)
    queue.add_after(A, 9)
    queue.add_after(B, 10)
    with leading(Term(anyio.current_time() + 10)), raises_itself(LeadershipLost):
        await controller.run()

    assert reconciler.asked == [(9, "shop/a")]
    assert queue.get_nowait() == B


@contextmanager
def leading(term: Term) -> Iterator[None]:
    """Let the block run as `LeaderElector.run` lets its main run."""
    token = FencingToken("shop/lease", "me", transitions=1, version="5", term=term)
    before = current.set(token)
    try:
        yield
    finally:
        current.reset(before)


# With which error.


async def test_the_error_of_an_informer_is_raised_as_itself(
    cluster: FakeCluster, pods: ListerWatcher, reconciler: Reconciler
) -> None:
    """Not within a group, and not as a handler that was removed."""
    cluster.inject(Answer(400), on="list", times=99)
    controller = Controller(reconciler, name="shop")
    with raises_itself(InvalidRequest):
        async with SharedInformer(pods, initial_list="list") as informer:
            controller.watches(informer)
            await controller.run()


@pytest.mark.fault("F76")
async def test_an_informer_elsewhere_that_fails_ends_the_run(
    cluster: FakeCluster, reconciler: Reconciler, logs: list[EventDict]
) -> None:
    """While it works; running reconciles are let end."""
    cluster.create(pod("shop", "a"))
    failing = SharedInformer(cluster.source("v1", "pods"))
    reconciler.when("shop/a", sleeps(20))
    controller = Controller(reconciler, name="shop")
    controller.watches(failing)

    async def elsewhere() -> None:
        with raises_itself(Forbidden):
            async with failing:
                failing.add_event_handler(on_update=fail, on_error="fail")
                await anyio.sleep_forever()

    def fail(old: object, new: object) -> None:
        raise Forbidden(403)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(elsewhere)
        tasks.start_soon(change_after, cluster, 5)
        with raises_itself(Forbidden):
            await controller.run()

    assert reconciler.ended == [(20, "shop/a")]
    (failed,) = [each for each in logs if each["event"] == "controller.failed"]
    assert failed["cause"] == "403"


async def change_after(cluster: FakeCluster, seconds: float) -> None:
    """Change the pod a of namespace shop."""
    await anyio.sleep(seconds)
    touch(cluster, "a", 1)


async def test_an_informer_that_has_ended_ends_the_run(
    pods: ListerWatcher, reconciler: Reconciler
) -> None:
    """A controller that hears nothing would look as if nothing happened."""
    controller = Controller(reconciler, name="shop")
    informer = SharedInformer(pods)
    controller.watches(informer)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(enter_for, informer, 5)
        with raises_itself(WatchkitError, "the informer of pods has ended"):
            await controller.run()
    with raises_itself(WatchkitError, "the informer of pods has ended"):
        await controller.run()

    assert anyio.current_time() == 5


async def enter_for(informer: SharedInformer, seconds: float) -> None:
    """Let an informer run for a while."""
    async with informer:
        await anyio.sleep(seconds)


@pytest.mark.parametrize("where", ["enqueue", "predicate"])
async def test_what_could_not_be_enqueued_ends_the_run(
    cluster: FakeCluster,
    pods: ListerWatcher,
    reconciler: Reconciler,
    logs: list[EventDict],
    where: str,
) -> None:
    """A change that is lost in silence would never be made good; the informer goes on."""
    cluster.create(pod("shop", "a"))
    controller = Controller(reconciler, name="shop")

    def wrong(change: Change) -> list[Request]:
        raise LookupError(change.key)

    async with SharedInformer(pods) as informer:
        if where == "enqueue":
            controller.watches(informer, wrong)
        else:
            controller.watches(informer, predicates=[wrong])
        with raises_itself(LookupError, "shop/a"):
            await controller.run()
        await anyio.sleep(1)
        assert informer.is_live(10)

    said = {each["event"]: each for each in logs if "controller" in each}
    assert said["enqueue.failed"]["key"] == "shop/a"
    assert said["controller.failed"]["cause"] == "LookupError: shop/a"


async def test_what_no_reconcile_may_raise_ends_the_run(
    queue: WorkQueue[Request], reconciler: Reconciler
) -> None:
    """Ctrl-C that hits a reconcile is no failure of that."""
    reconciler.when("shop/a", raises(KeyboardInterrupt()))
    controller = Controller(reconciler, name="shop", queue=queue)
    queue.add(A)
    with raises_itself(KeyboardInterrupt):
        await controller.run()

    assert queue.statistics().processing == 0


async def test_a_limiter_that_fails_ends_the_run(
    queue: WorkQueue[Request], reconciler: Reconciler
) -> None:
    """A crash in the loop itself never passes in silence."""

    class Broken:
        def delay(self, key: object, now: float, luck: float) -> float:
            raise ArithmeticError

        def forget(self, key: object) -> None: ...

        def failures(self, key: object) -> int:
            return 0

    broken: WorkQueue[Request] = WorkQueue(Broken())
    reconciler.when("shop/a", raises(ValueError()))
    broken.add(A)
    with raises_itself(ArithmeticError):
        await Controller(reconciler, name="shop", queue=broken).run()

"""Whether a controller is live, and what it says that it is doing."""

import anyio
import pytest

from tests.docs.world import pod
from tests.unit.controllers.reconciling import Reconciler, running, sleeps
from tests.unit.watching.scripted import Pause, ScriptedSource, reply
from watchkit import ListerWatcher, SharedInformer
from watchkit.controllers import Controller, Request, Result
from watchkit.testing import FakeCluster

pytestmark = pytest.mark.anyio

A = Request("shop", "a")


async def stubborn(request: Request) -> Result | None:
    """Do not heed a cancellation, for 1000 seconds."""
    with anyio.CancelScope(shield=True):
        await anyio.sleep(1000)
    return None


async def test_a_reconcile_that_ignores_its_timeout_is_found() -> None:
    """From `max_age` seconds after it on; once it has ended all is well again."""
    controller = Controller(stubborn, name="shop", timeout=100)
    async with running(controller):
        assert controller.is_live(0)
        controller.queue.add(A)
        live: dict[float, bool] = {}
        for at in (99, 100, 159, 160, 161, 1001):
            await anyio.sleep_until(at)
            live[at] = controller.is_live(60)

    assert live == {99: True, 100: True, 159: True, 160: True, 161: False, 1001: True}


async def test_without_a_timeout_it_may_take_as_long_as_it_likes() -> None:
    """A restart would only make it begin anew."""
    controller = Controller(stubborn, name="shop")
    async with running(controller):
        controller.queue.add(A)
        await anyio.sleep(900)
        assert controller.is_live(0)


async def test_a_reconcile_that_outlives_the_grace_period_is_found() -> None:
    """Draining has no end then."""
    controller = Controller(stubborn, name="shop", grace=20)
    live: list[bool] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(controller.run)
        controller.queue.add(A)
        await anyio.sleep(5)
        tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            for at in (24, 34, 36):
                await anyio.sleep_until(at)
                live.append(controller.is_live(10))

    assert live == [True, True, False]
    assert controller.is_live(10)


async def test_its_statistics_say_what_it_is_doing(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """Stopped, waiting for what it watches, working, draining, and stopped again."""
    cluster.create(pod("shop", "a"))
    reconciler = Reconciler()
    reconciler.when("shop/a", sleeps(20))
    silent = SharedInformer(ScriptedSource(last_list=reply(Pause())))
    states: list[str] = []
    async with silent, SharedInformer(pods) as informer:
        waiting = Controller(reconciler, name="waiting")
        waiting.watches(silent)
        controller = Controller(reconciler, name="shop")
        controller.watches(informer)
        states.append(controller.statistics().state)
        async with running(waiting):
            await anyio.sleep(5)
            states.append(waiting.statistics().state)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(controller.run)
            await anyio.sleep(5)
            states.append(controller.statistics().state)
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.sleep(5)
                states.append(controller.statistics().state)
        states.append(controller.statistics().state)

    assert states == ["stopped", "waiting", "working", "draining", "stopped"]

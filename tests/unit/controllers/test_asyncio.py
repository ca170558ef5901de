"""What asyncio alone allows: to cancel anything at all, without a scope, and in silence."""

import asyncio

import anyio
import pytest
from structlog.typing import EventDict

from tests.unit.controllers.reconciling import Reconciler, running, sleeps
from tests.unit.informer.informing import raises_itself
from watchkit import WatchkitError
from watchkit.controllers import Controller, Request, WorkQueue
from watchkit.testing import virtual_backend

pytestmark = pytest.mark.anyio

A = Request("shop", "a")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Run on asyncio, in virtual time."""
    return virtual_backend("asyncio")


async def cancel_after(seconds: float, name: str) -> None:
    """Cancel the tasks that run something of that name."""
    await anyio.sleep(seconds)
    for task in asyncio.all_tasks():
        if name in task.get_name():
            task.cancel()


async def awaits_a_cancelled_future(request: Request) -> None:
    """Reconcile by what somebody else has cancelled."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def test_a_cancellation_from_within_is_a_failure_like_others(logs: list[EventDict]) -> None:
    """To await a future that was cancelled raises what a cancellation raises."""
    queue, reconciler = WorkQueue[Request](), Reconciler()
    reconciler.when("shop/a", awaits_a_cancelled_future)
    controller = Controller(reconciler, name="shop", queue=queue)
    async with running(controller):
        queue.add(A)
        await anyio.sleep(10)

    assert controller.statistics().results == {"error": 1, "success": 1}
    (failed,) = [each for each in logs if each["event"] == "reconcile.failed"]
    assert failed["cause"].startswith("CancelledError")


async def test_a_worker_that_is_cancelled_alone_ends_the_run_loudly() -> None:
    """Anybody can cancel a task; that says nothing, and would take the other workers with it."""
    controller = Controller(Reconciler(), name="shop", workers=3)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(cancel_after, 5, "Life._guard")
        with raises_itself(WatchkitError, "a worker of controller shop was cancelled"):
            await controller.run()

    assert anyio.current_time() == 5


async def test_a_task_that_is_cancelled_drains_like_a_scope() -> None:
    """Twice as well as once: it takes the time of the grace period, and no longer."""
    queue, reconciler = WorkQueue[Request](), Reconciler()
    for name, seconds in {"a": 20, "b": 200}.items():
        queue.add(Request("shop", name))
        reconciler.when(f"shop/{name}", sleeps(seconds))
    controller = Controller(reconciler, name="shop", workers=2, queue=queue)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(controller.run())
        for _ in range(2):
            await anyio.sleep(5)
            task.cancel()

    assert task.cancelled()
    assert reconciler.ended == [(20, "shop/a")]
    assert reconciler.cancelled == [(35, "shop/b")]


async def test_a_program_that_cancels_all_its_tasks_ends() -> None:
    """As some do at SIGTERM: reconciles are hit too, and the run ends all the same."""
    queue, reconciler = WorkQueue[Request](), Reconciler()
    queue.add(A)
    reconciler.when("shop/a", sleeps(200))
    controller = Controller(reconciler, name="shop", queue=queue)

    async def program() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(controller.run())
            await anyio.sleep(5)
            mine = asyncio.all_tasks() - outside
            for task in mine:
                task.cancel()

    outside = asyncio.all_tasks()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.gather(program())

    assert anyio.current_time() == 5
    assert reconciler.cancelled == [(5, "shop/a")]

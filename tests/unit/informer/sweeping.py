"""Running a scenario again and again, and cancelling it at another step each time."""

import asyncio
import gc
import random
from collections.abc import Awaitable, Callable
from contextvars import Context

import anyio
import pytest
import trio
from trio.testing import MockClock

from tests.unit.watching.reading import pod
from watchkit.testing import FakeCluster, VirtualBackend, VirtualClockEventLoop

Scenario = Callable[[FakeCluster], Awaitable[None]]


class Steps(trio.abc.Instrument):
    """Counts the steps of all tasks within `scope`, and cancels that before one of them.

    A step is what a task does from one await that really waits to the next; when all tasks wait,
    the moving of the clock is one.
    """

    def __init__(self, stop_at: int | None) -> None:
        self.count = 0
        self.scope: anyio.CancelScope | None = None
        self.stopped_at: float | None = None
        self._stop_at = stop_at

    def before_task_step(self, task: object) -> None:
        """Count a step of a task on trio."""
        self.another(trio.current_time())

    def before_io_wait(self, timeout: float) -> None:
        """Count it when all tasks of trio wait."""
        if not trio.lowlevel.current_statistics().tasks_runnable:
            self.another(trio.current_time())

    def another(self, now: float) -> bool:
        """Count a step that is about to be made; whether it was cancelled there."""
        is_last = self.scope is not None and self.count == self._stop_at
        if self.scope is not None:
            self.count += 1
            if is_last:
                self.stopped_at = now
                self.scope.cancel()
        return is_last


class CountingLoop(VirtualClockEventLoop):
    """A virtual loop that tells of every callback, which is what a step of a task is to it."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        super().__init__()

    def call_soon(
        self, callback: Callable[..., object], *args: object, context: Context | None = None
    ) -> asyncio.Handle:
        """Count it when it is called."""
        return super().call_soon(self._counted, callback, *args, context=context)

    def _counted(self, callback: Callable[..., object], *args: object) -> None:
        self._steps.another(self.time())
        callback(*args)

    def _jump(self, seconds: float) -> None:
        if not seconds or not self._steps.another(self.time()):
            super()._jump(seconds)


def swept(scenario: Scenario, backend: VirtualBackend, horizon: float) -> int:
    """Cancel a scenario at each of its steps within so many virtual seconds; give their number."""
    whole = Steps(None)
    run(scenario, backend, whole, horizon)
    for step in range(whole.count):
        run(scenario, backend, Steps(step), horizon)
    gc.collect()
    return whole.count


def run(scenario: Scenario, backend: VirtualBackend, steps: Steps, horizon: float) -> None:
    """Run a scenario to its cancellation, and see that nothing is left; each has the same luck."""
    random.seed(0)

    async def main() -> None:
        await _lived(scenario, steps, horizon)
        if backend == "trio":
            assert trio.lowlevel.current_statistics().seconds_to_next_deadline > 1e9
        else:
            await anyio.Event().wait()

    if backend == "trio":
        clock = MockClock(autojump_threshold=0)
        anyio.run(main, backend="trio", backend_options={"clock": clock, "instruments": [steps]})
    else:  # where a timer were left, the clock would jump to it instead
        with pytest.raises(RuntimeError, match="deadlock: every task waits and no timer is set"):
            anyio.run(main, backend_options={"loop_factory": lambda: CountingLoop(steps)})


async def _lived(scenario: Scenario, steps: Steps, horizon: float) -> None:
    cluster = FakeCluster()
    for each in "abc":
        cluster.create(pod(each))
    before = len(anyio.get_running_tasks())
    with anyio.move_on_after(horizon) as steps.scope:
        await scenario(cluster)
    steps.scope = None
    if steps.stopped_at is not None:
        assert anyio.current_time() - steps.stopped_at <= 1
    assert cluster.open_watches == 0
    assert len(anyio.get_running_tasks()) == before
    requests = len(cluster.requests)
    await anyio.sleep(200)
    assert len(cluster.requests) == requests, "somebody went on"

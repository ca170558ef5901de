"""Virtual time: waiting costs nothing, and what can never happen is said."""

import time

import anyio
import pytest

from watchkit.testing import (
    VIRTUAL_BACKENDS,
    VirtualBackend,
    VirtualClockEventLoop,
    run_virtual,
    virtual_backend,
)

pytestmark = pytest.mark.anyio


async def test_a_sleep_moves_the_clock_by_exactly_its_time_and_takes_none() -> None:
    """A day of sleep is over at once, and the clock says that a day has passed."""
    began, really = anyio.current_time(), time.perf_counter()

    await anyio.sleep(86_400)

    assert anyio.current_time() - began == 86_400
    assert time.perf_counter() - really < 3600


async def test_timers_fire_in_the_order_of_their_times() -> None:
    """Sleepers wake by time, not by the order in which they lay down."""
    woke: list[float] = []

    async def sleeper(seconds: float) -> None:
        await anyio.sleep(seconds)
        woke.append(seconds)

    async with anyio.create_task_group() as tasks:
        for seconds in (30, 10, 20):
            tasks.start_soon(sleeper, seconds)

    assert woke == [10, 20, 30]


async def test_a_cancelled_timer_is_never_jumped_to() -> None:
    """A timeout that was not needed leaves no mark on the clock."""
    began = anyio.current_time()

    with anyio.move_on_after(3600):
        await anyio.sleep(1)
    await anyio.sleep(1)

    assert anyio.current_time() - began == 2


async def test_time_stands_still_while_anything_can_run() -> None:
    """Work that never waits for a timer takes no time."""
    began = anyio.current_time()

    for _ in range(100):
        await anyio.lowlevel.checkpoint()

    assert anyio.current_time() == began


@pytest.mark.parametrize("backend", VIRTUAL_BACKENDS)
def test_every_run_begins_at_zero(backend: VirtualBackend) -> None:
    """Two runs have a clock each."""

    async def passing(seconds: float) -> tuple[float, float]:
        began = anyio.current_time()
        await anyio.sleep(seconds)
        return began, anyio.current_time()

    assert run_virtual(passing, 5, backend=backend) == (0, 5)
    assert run_virtual(passing, 7, backend=backend) == (0, 7)


def test_a_deadlock_is_an_error() -> None:
    """Where every task waits and no timer is set, asyncio's virtual loop says so."""

    async def wait_for_nothing() -> None:
        with anyio.move_on_after(10):  # a timer that is gone by the time of the deadlock
            await anyio.sleep(1)
        await anyio.Event().wait()

    with pytest.raises(RuntimeError, match="deadlock"):
        run_virtual(wait_for_nothing)


def test_tiny_steps_after_a_month_still_end() -> None:
    """Far from zero, a sleep of a microsecond moves the clock by about that."""

    async def far_away() -> float:
        await anyio.sleep(30 * 86_400)
        began = anyio.current_time()
        await anyio.sleep(1e-6)
        return anyio.current_time() - began

    assert run_virtual(far_away) == pytest.approx(1e-6, rel=1e-2)


def test_the_loop_is_what_the_backend_names() -> None:
    """`virtual_backend` gives what anyio takes."""
    assert virtual_backend("asyncio") == ("asyncio", {"loop_factory": VirtualClockEventLoop})
    name, options = virtual_backend("trio")
    assert (name, options["clock"].autojump_threshold) == ("trio", 0)

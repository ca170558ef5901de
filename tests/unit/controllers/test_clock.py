"""The loop's time, asked for on the loop and elsewhere."""

import time
from concurrent.futures import Future, ThreadPoolExecutor

import anyio
import pytest

from watchkit.controllers.clock import Clock


@pytest.mark.anyio
async def test_on_the_loop_it_is_the_loops_time() -> None:
    """Whether it was read before or not."""
    clock = Clock()
    await anyio.sleep(7)

    assert clock.seen() == anyio.current_time() == 7
    assert clock.read() == 7


@pytest.mark.anyio
async def test_another_thread_goes_on_from_what_was_read() -> None:
    """How much later it is, the machine's clock says, which is not the loop's here."""
    clock = Clock()
    await anyio.sleep(7)
    clock.read()
    before = time.monotonic()
    while time.monotonic() == before:
        pass
    with ThreadPoolExecutor(1) as threads:
        asked: list[Future[float]] = [threads.submit(clock.seen) for _ in range(2)]
        assert not threads.submit(lambda: clock.is_here).result()

    first, second = (each.result() for each in asked)
    assert 7 < first <= second


def test_it_can_be_asked_where_no_loop_runs() -> None:
    """Before the first loop."""
    assert Clock().seen() >= 0

"""Laws of RateLimiter."""

import anyio
import pytest
from structlog.typing import EventDict

from watchkit import RateLimiter

pytestmark = pytest.mark.anyio


async def test_the_burst_goes_at_once_and_the_rest_at_the_rate(logs: list[EventDict]) -> None:
    """Three of five callers wait for nothing, the others half a second each, in their order."""
    limiter, began, went = RateLimiter(2, 3), anyio.current_time(), list[tuple[int, float]]()

    async def caller(number: int) -> None:
        await anyio.sleep(number * 1e-6)
        await limiter.acquire()
        went.append((number, round(anyio.current_time() - began, 3)))

    async with anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(caller, number)

    assert went == [(0, 0), (1, 0), (2, 0), (3, 0.5), (4, 1)]
    assert [entry["event"] for entry in logs] == ["limiter.waiting"] * 2
    assert {entry["log_level"] for entry in logs} == {"debug"}


async def test_a_cancelled_wait_takes_nothing() -> None:
    """Who gives up leaves the turn to the next, and the token in the bucket."""
    limiter, began = RateLimiter(1, 1), anyio.current_time()
    await limiter.acquire()

    with anyio.move_on_after(0.5):
        await limiter.acquire()
    assert limiter.statistics == {"acquired": 1, "waiting": 0}
    await limiter.acquire()

    assert anyio.current_time() - began == pytest.approx(1.0)


async def test_a_cancelled_place_in_the_line_is_given_up() -> None:
    """Those behind move up."""
    limiter, began = RateLimiter(1, 1), anyio.current_time()
    await limiter.acquire()

    async def impatient() -> None:
        with anyio.move_on_after(0.5):
            await limiter.acquire()

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(impatient)
        await anyio.sleep(0.1)
        assert limiter.statistics == {"acquired": 1, "waiting": 9}
        await limiter.acquire()

    assert anyio.current_time() - began == pytest.approx(1.0)


async def test_hours_of_waiting_are_hours() -> None:
    """The rate holds over a long time, without a call that never comes."""
    limiter, began = RateLimiter(0.1, 1), anyio.current_time()

    for _ in range(1000):
        await limiter.acquire()

    assert anyio.current_time() - began == pytest.approx(9990)
    assert repr(limiter) == "<RateLimiter 0.1/s, burst 1, 1000 acquired>"

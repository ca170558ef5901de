"""The age of the last sign of life, from wherever it is asked for."""

from concurrent.futures import ThreadPoolExecutor

import anyio

from watchkit.testing import run_virtual
from watchkit.watching.pulse import Pulse


async def heard_after(seconds: float) -> Pulse:
    """Wait so long for a sign of life."""
    pulse = Pulse()
    with pulse:
        await anyio.sleep(seconds)
        pulse.heard(anyio.current_time())
    return pulse


async def age_of(pulse: Pulse) -> float | None:
    """Ask within an event loop."""
    return pulse.age


def test_before_anything_was_asked_there_is_no_age() -> None:
    """Also where no event loop runs."""
    pulse = Pulse()

    assert (pulse.age, pulse.heard_at) == (None, None)


def test_a_loop_that_has_ended_can_still_be_asked_about() -> None:
    """Whoever scrapes after the end gets an age by the clock that is left."""
    age = run_virtual(heard_after, 1000.0).age

    assert age is not None
    assert 0 <= age < 1000


def test_the_clock_of_another_threads_loop_is_not_believed() -> None:
    """Two event loops need not agree on what time it is."""
    pulse = run_virtual(heard_after, 1000.0)
    with ThreadPoolExecutor(1) as threads:
        age = threads.submit(run_virtual, age_of, pulse).result()

    assert age is not None
    assert age >= 0

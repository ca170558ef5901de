"""Laws of CircuitBreaker."""

import anyio
import pytest
from structlog.typing import EventDict

from watchkit import CircuitBreaker, CircuitOpen, ServerUnavailable, TransportError
from watchkit.core.classify import api_error

pytestmark = pytest.mark.anyio


async def fails(error: Exception) -> None:
    """Fail with that error."""
    raise error


async def works(value: str, *, more: str = "") -> str:
    """Give something back."""
    return value + more


async def opened(**settings: float) -> CircuitBreaker:
    """Give a breaker that has just opened."""
    breaker = CircuitBreaker(window=2, name="pods", **settings)  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(TransportError):
            await breaker.call(fails, TransportError("reset"))
    return breaker


async def test_what_goes_through_comes_back_as_it_was() -> None:
    """Arguments and results pass, errors are the very same."""
    breaker, error = CircuitBreaker(), ValueError("mine")

    assert await breaker.call(works, "a", more="b") == "ab"
    with pytest.raises(ValueError, match="mine") as caught:
        await breaker.call(fails, error)

    assert caught.value is error


@pytest.mark.parametrize(
    ("error", "opens"),
    [
        (TransportError("refused", reached=False), True),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (api_error(500), True),
        (api_error(503), True),
        (api_error(599), True),
        (api_error(429), False),
        (api_error(400, message="etcdserver: leader changed"), False),
        (api_error(401), False),
        (api_error(404), False),
        (api_error(409), False),
        (ValueError(), False),
        (CircuitOpen(1.0), False),
    ],
    ids=repr,
)
async def test_only_an_ill_server_opens_it(error: Exception, opens: bool) -> None:  # noqa: FBT001
    """Transport faults and 5xx count as failures, nothing else does."""
    breaker = CircuitBreaker(window=2)
    for _ in range(2):
        with pytest.raises(type(error)):
            await breaker.call(fails, error)

    assert breaker.is_closed is not opens


async def test_open_it_calls_nothing_and_says_until_when(logs: list[EventDict]) -> None:
    """CircuitOpen, with the time on the clock of anyio; each change is one event."""
    breaker = await opened(open_for=10.0)
    called: list[int] = []

    async def note() -> None:
        called.append(1)

    with pytest.raises(CircuitOpen, match="circuit of pods is open") as caught:
        await breaker.call(note)
    assert not called
    assert caught.value.until == anyio.current_time() + 10
    await anyio.sleep(10)
    await breaker.call(note)

    assert breaker.is_closed
    assert called == [1]
    assert breaker.statistics == {"outcomes": 0, "failures": 0, "changes": 3, "rejected": 1}
    assert [(entry["event"], entry["breaker"]) for entry in logs] == [
        ("breaker.opened", "pods"),
        ("breaker.half_open", "pods"),
        ("breaker.closed", "pods"),
    ]
    assert logs[0]["until"] == caught.value.until


async def test_the_defaults_are_those_of_the_design() -> None:
    """Half of the last ten calls, and open for a second."""
    breaker = CircuitBreaker()
    for _ in range(5):
        await breaker.call(works, "a")
    for number in range(5):
        assert breaker.is_closed, number
        with pytest.raises(TransportError):
            await breaker.call(fails, TransportError("reset"))

    with pytest.raises(CircuitOpen) as caught:
        await breaker.call(works, "a")
    assert caught.value.until == anyio.current_time() + 1


async def test_half_open_one_call_tries_and_the_others_are_refused() -> None:
    """Ten at once: one goes through."""
    breaker = await opened()
    await anyio.sleep(1)
    outcomes: list[str] = []

    async def attempt() -> None:
        try:
            await breaker.call(anyio.sleep, 5)
        except CircuitOpen:
            outcomes.append("refused")
        else:
            outcomes.append("through")

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(attempt)

    assert outcomes == ["refused"] * 9 + ["through"]
    assert breaker.is_closed


async def test_a_cancelled_try_leaves_the_next_one_its_chance() -> None:
    """A caller that gives up does not keep the circuit open for ever."""
    breaker = await opened()
    await anyio.sleep(1)

    with anyio.move_on_after(1):
        await breaker.call(anyio.sleep_forever)
    assert not breaker.is_closed

    assert await breaker.call(works, "a") == "a"
    assert breaker.is_closed


async def test_a_failed_try_opens_it_again() -> None:
    """For the whole time once more."""
    breaker = await opened()
    await anyio.sleep(1)
    with pytest.raises(ServerUnavailable):
        await breaker.call(fails, api_error(503))

    with pytest.raises(CircuitOpen):
        await breaker.call(works, "a")
    assert repr(breaker) == "<CircuitBreaker pods open, 0/0 failed>"

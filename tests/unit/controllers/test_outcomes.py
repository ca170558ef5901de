"""What came of a reconcile: judged without a controller around it."""

import anyio
import pytest

from tests.unit.controllers.reconciling import gives, raises, sleeps
from watchkit import TerminalError
from watchkit.controllers import Request, Result
from watchkit.controllers.outcomes import (
    Cancelled,
    Failed,
    GivenUp,
    Succeeded,
    attempt,
    failed,
)
from watchkit.core.statistics import RECONCILE_RESULTS

pytestmark = pytest.mark.anyio

SHOP = Request("shop", "web")


@pytest.mark.parametrize(
    ("result", "after"), [(None, None), (Result(), None), (Result(5), 5), (Result(0), 0)]
)
async def test_what_it_gives_back_is_a_success(result: Result | None, after: float | None) -> None:
    """With the time at which to look again, if there is one."""
    assert await attempt(gives(result), SHOP, None) == Succeeded(after)


async def test_what_is_no_result_is_a_failure() -> None:
    """`return True` may mean anything."""
    outcome = await attempt(gives(True), SHOP, None)  # noqa: FBT003

    assert isinstance(outcome, Failed)
    assert str(outcome.error) == "a reconcile gives a Result or None, not True"


async def test_what_it_raises_is_a_failure() -> None:
    """Whatever it is."""
    error = ZeroDivisionError()

    assert await attempt(raises(error), SHOP, None) == Failed(error)


async def test_a_terminal_error_is_given_up() -> None:
    """Also out of a task group, if there is nothing else in it."""
    terminal, other = TerminalError("no such size"), ValueError()

    assert await attempt(raises(terminal), SHOP, None) == GivenUp(terminal)
    alone = ExceptionGroup("", [ExceptionGroup("", [terminal])])
    assert failed(alone) == GivenUp(alone)
    mixed = ExceptionGroup("", [terminal, other])
    assert failed(mixed) == Failed(mixed)


async def test_what_takes_too_long_is_a_timeout() -> None:
    """Cancelled at that time, not before."""
    outcome = await attempt(sleeps(5), SHOP, 5.5)
    assert outcome == Succeeded(None)

    outcome = await attempt(sleeps(60), SHOP, 5)
    assert isinstance(outcome, Failed)
    assert (outcome.verdict, str(outcome.error)) == ("timeout", "a reconcile took longer than 5 s")
    assert anyio.current_time() == 10


async def test_a_timeout_of_its_own_is_an_error_like_any_other() -> None:
    """Only the controller's timeout is counted as one."""

    async def slow(request: Request) -> None:
        with anyio.fail_after(1):
            await anyio.sleep(2)

    outcome = await attempt(slow, SHOP, 5)
    assert isinstance(outcome, Failed)
    assert outcome.verdict == "error"


async def test_what_no_reconcile_should_raise_is_no_outcome() -> None:
    """KeyboardInterrupt and the like go on, and so does a cancellation from outside."""
    with pytest.raises(KeyboardInterrupt):
        await attempt(raises(KeyboardInterrupt()), SHOP, None)
    with anyio.move_on_after(1) as scope:
        await attempt(sleeps(10), SHOP, 5)
    assert scope.cancelled_caught


def test_each_outcome_has_its_word() -> None:
    """By which it is counted."""
    outcomes = [
        *(Succeeded(None), Succeeded(3), Cancelled()),
        *(Failed(ValueError()), Failed(TimeoutError(), "timeout"), GivenUp(TerminalError())),
    ]

    assert {each.verdict for each in outcomes} == {*RECONCILE_RESULTS}

"""Laws of retry_on_conflict and wait_for_dependency."""

import anyio
import pytest
from kubernetes_asyncio.client import ApiException
from structlog.typing import EventDict

from watchkit import (
    AlreadyExists,
    Backoff,
    Conflict,
    RetriesExhausted,
    RetryPolicy,
    TransportError,
    retry_on_conflict,
    wait_for_dependency,
)

pytestmark = pytest.mark.anyio

POLICY = RetryPolicy(attempts=4, backoff=Backoff(initial=1, cap=100, jitter="none"))
CONFLICT = Conflict(409, "Conflict", "the object has been modified")


class Scripted:
    """Raises the errors written for it, one a call, then gives "done"."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.at: list[float] = []

    async def __call__(self) -> str:
        """Be called once more."""
        self.at.append(anyio.current_time())
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    @property
    def waits(self) -> list[float]:
        """The seconds between calls."""
        return [later - before for before, later in zip(self.at, self.at[1:], strict=False)]


def foreign(status: int, reason: str) -> ApiException:
    """Make an error as kubernetes_asyncio raises it, its body as text."""
    error = ApiException(status=status)
    said = vars(error)
    said["headers"] = {}
    said["body"] = f'{{"kind":"Status","code":{status},"reason":"{reason}","message":"secret"}}'
    return error


@pytest.mark.parametrize("error", [CONFLICT, foreign(409, "Conflict"), foreign(409, "")])
async def test_an_update_is_made_again_after_a_conflict(error: Exception) -> None:
    """RY-01: whichever library's conflict it is, with the policy's waits between."""
    update = Scripted(error, error)

    assert await retry_on_conflict(update, POLICY) == "done"
    assert update.waits == [1, 2]


async def test_the_last_conflict_is_raised_as_it_came(logs: list[EventDict]) -> None:
    """RY-01: the very error, with a note of the attempts."""
    errors = [Conflict(409, "Conflict", str(number)) for number in range(5)]
    update = Scripted(*errors)

    with pytest.raises(Conflict) as caught:
        await retry_on_conflict(update, POLICY)

    assert caught.value is errors[3]
    assert caught.value.__notes__ == ["watchkit: raised by attempt 4 of an update"]
    assert [(entry["event"], entry["attempt"]) for entry in logs] == [
        ("conflict.retrying", number) for number in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    "error",
    [
        AlreadyExists(409, "AlreadyExists"),
        foreign(409, "AlreadyExists"),
        foreign(404, "NotFound"),
        TransportError("reset"),
        KeyError("mine"),
    ],
)
async def test_any_other_error_is_raised_at_once(error: Exception) -> None:
    """RY-01: AlreadyExists is no conflict, whatever its code; nothing is noted."""
    update = Scripted(error)

    with pytest.raises(type(error)) as caught:
        await retry_on_conflict(update, POLICY)

    assert caught.value is error
    assert len(update.at) == 1
    assert not hasattr(error, "__notes__")


async def test_an_error_after_a_conflict_says_which_attempt_it_was() -> None:
    """What is raised after a retry is noted, too."""
    with pytest.raises(KeyError) as caught:
        await retry_on_conflict(Scripted(CONFLICT, KeyError("mine")), POLICY)

    assert caught.value.__notes__ == ["watchkit: raised by attempt 2 of an update"]


async def test_without_a_policy_an_update_is_made_five_times_within_a_second() -> None:
    """The default is client-go's in spirit: soon, and not for long."""
    update = Scripted(*[CONFLICT] * 9)
    with pytest.raises(Conflict):
        await retry_on_conflict(update)

    assert len(update.at) == 5
    assert update.at[-1] - update.at[0] < 1


async def test_a_dependency_that_is_there_is_not_waited_for(logs: list[EventDict]) -> None:
    """One probe, and what it gives."""
    assert await wait_for_dependency(Scripted(), POLICY) == "done"
    assert not logs


async def test_a_late_dependency_is_waited_for(logs: list[EventDict]) -> None:
    """Whatever the probe raises; the caller is told before each wait, and may await."""
    probe = Scripted(OSError("no"), KeyError("not yet"), foreign(500, "InternalError"))
    said: list[tuple[int, str, float]] = []

    async def on_waiting(attempt: int, error: Exception, delay: float) -> None:
        await anyio.lowlevel.checkpoint()
        said.append((attempt, type(error).__name__, delay))

    assert await wait_for_dependency(probe, POLICY, on_waiting) == "done"

    assert said == [(1, "OSError", 1), (2, "KeyError", 2), (3, "ApiException", 4)]
    assert probe.waits == [1, 2, 4]
    assert [entry["event"] for entry in logs] == ["dependency.waiting"] * 3 + ["dependency.found"]
    assert logs[-1]["attempts"] == 4
    assert [entry["cause"] for entry in logs[:3]] == [
        "OSError",
        "KeyError",
        "500 InternalError: secret",
    ]


async def test_a_plain_function_may_be_told() -> None:
    """on_waiting need not be a coroutine function."""
    said: list[int] = []
    probe = Scripted(OSError())

    await wait_for_dependency(probe, POLICY, lambda attempt, _error, _delay: said.append(attempt))

    assert said == [1]


async def test_at_the_end_the_last_error_is_the_cause() -> None:
    """RetriesExhausted counts the attempts, and nobody waits for nothing."""
    errors = [OSError(str(number)) for number in range(9)]
    probe = Scripted(*errors)

    with pytest.raises(RetriesExhausted, match="given up after 4 attempts") as caught:
        await wait_for_dependency(probe, POLICY)

    assert caught.value.attempts == len(probe.at) == 4
    assert caught.value.cause is caught.value.__cause__ is errors[3]
    assert probe.at[-1] == anyio.current_time()


async def test_no_probe_begins_after_the_deadline() -> None:
    """A wait that would pass it is not even begun; it counts from the first probe."""
    await anyio.sleep(100)
    probe = Scripted(*[OSError()] * 99)
    policy = RetryPolicy(99, POLICY.backoff, deadline=10)

    with pytest.raises(RetriesExhausted):
        await wait_for_dependency(probe, policy)

    assert probe.waits == [1, 2, 4]
    assert anyio.current_time() == probe.at[-1]


async def test_what_the_listener_raises_ends_the_waiting() -> None:
    """A caller can give up for reasons of its own."""

    def on_waiting(attempt: int, error: Exception, delay: float) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        await wait_for_dependency(Scripted(OSError()), POLICY, on_waiting)


async def test_cancelled_while_waiting_it_is_over() -> None:
    """Cancellation is no failure of the probe's."""
    probe = Scripted(*[OSError()] * 9)

    with anyio.move_on_after(2) as scope:
        await wait_for_dependency(probe, POLICY)

    assert scope.cancelled_caught
    assert len(probe.at) == 2

"""The next start: paced where nothing failed before, backed off in a run of failures."""

import pytest
from msgspec.structs import replace

from tests.unit.core.driving import PLAIN
from watchkit.core import errors
from watchkit.core.moment import Moment, back_off, back_off_to_cap, say, start
from watchkit.core.pace import Pace
from watchkit.core.position import Policy, Position, Watch

NOW = 100.0
WHEN = Moment(Policy(PLAIN), NOW, 0.5)


def standing(attempt: int = 0, tokens: float = 3.0, cause: Exception | None = None) -> Position:
    """Stand somewhere, after so many failures, with so many tokens left."""
    pace = Pace(tokens=tokens, at=NOW)
    return Position(Watch("5"), pace, attempt=attempt, cause=cause)


def test_a_start_comes_after_its_delay() -> None:
    """And takes a token."""
    at = start(standing(), 2.0, WHEN)

    assert at.not_before == NOW + 2.0
    assert at.pace == standing().pace.spend(NOW + 2.0)
    assert at.attempt == 0


@pytest.mark.parametrize("attempt", [0, 5])
def test_a_start_without_a_token_waits_for_one(attempt: int) -> None:
    """Also where failures were before: it is not their back-off that spaces it."""
    assert start(standing(attempt, tokens=-1.0), 0.0, WHEN).not_before == NOW + 2.0


@pytest.mark.parametrize(("attempt", "delay"), [(0, 0.8), (1, 1.6), (3, 6.4), (50, 30.0)])
def test_the_wait_grows_with_the_attempt(attempt: int, delay: float) -> None:
    """And the attempt with each wait."""
    at = back_off(standing(attempt), WHEN)

    assert at.not_before == pytest.approx(NOW + delay)
    assert at.attempt == attempt + 1


def test_the_first_failure_waits_for_a_token_too() -> None:
    """Progress is cheap to fake: an event and a reset, over and over, is no run of failures."""
    assert back_off(standing(0, tokens=-1.0), WHEN).not_before == NOW + 2.0


def test_a_run_of_failures_waits_for_its_back_off_alone() -> None:
    """It takes its token all the same, as a debt at need."""
    at = back_off(standing(1, tokens=-1.0), WHEN)

    assert at.not_before == NOW + 1.6
    assert at.pace.tokens == pytest.approx(-1.0 + 1.6 - 1.0)


def test_the_cap_is_waited_for_at_once() -> None:
    """Where only somebody else's act can help; the next failures count as ever."""
    at = back_off_to_cap(standing(0), WHEN)

    assert (at.not_before, at.attempt) == (NOW + 30.0, 1)


@pytest.mark.fault("F10")
@pytest.mark.parametrize(
    ("asked", "delay"), [(None, 0.8), (0.0, 0.8), (0.5, 0.8), (5.0, 5.0), (60.0, 60), (3600.0, 60)]
)
@pytest.mark.parametrize("kind", [errors.TooManyRequests, errors.Forbidden, errors.ResourceExpired])
def test_retry_after_is_honoured_up_to_60_seconds(
    kind: type[errors.ApiError], asked: float | None, delay: float
) -> None:
    """429, or Retry-After anywhere: wait max(min(Retry-After, 60 s), backoff)."""
    at = standing(cause=kind(429, retry_after=asked))

    assert back_off(at, WHEN).not_before == NOW + delay
    assert back_off_to_cap(at, WHEN).not_before == NOW + max(delay, 30.0)


def test_what_is_said_has_the_attempt_and_the_delay() -> None:
    """In seconds from now, and whatever else there is to say."""
    at = replace(standing(3), not_before=NOW + 1.23456)

    said = say("watch.retrying", "info", at, WHEN, cause="reset")

    assert (said.event, said.level) == ("watch.retrying", "info")
    assert said.fields == {"attempt": 3, "delay": 1.235, "cause": "reset"}
    assert say("x", "debug", replace(at, not_before=0.0), WHEN).fields["delay"] == 0.0

"""Pace: the starts of requests stay inside C7's envelope, whatever order they come in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.driving import PLAIN
from tests.unit.core.envelope import endless_failure, excess
from watchkit.core.backoff import Backoff
from watchkit.core.pace import Pace

BACKOFFS = [
    PLAIN,
    Backoff(0.01, 2.0, 30.0, "none"),
    Backoff(0.05, 1.5, 0.5, "none"),
    Backoff(5.0, 1.0, 5.0, "none"),
    Backoff(0.2, 1.0, 0.2, "none"),
]


@given(
    waits=st.lists(st.floats(0, 3) | st.sampled_from([0.0, 60.0]), max_size=40),
    backoff=st.sampled_from(BACKOFFS),
)
def test_starts_that_wait_for_a_token_keep_to_the_envelope(
    waits: list[float], backoff: Backoff
) -> None:
    """However little time a caller leaves between them: 2 at once, and the rest as C7 says."""
    pace, now = Pace.beside(backoff, 0.0), 0.0
    starts: list[float] = []
    for wait in waits:
        now = pace.free_at(now + wait)
        pace = pace.spend(now)
        starts.append(now)

    assert excess(starts, backoff) <= 0


runs = st.lists(
    st.tuples(st.floats(0, 4) | st.just(0.0), st.integers(1, 7)), min_size=1, max_size=10
)


@given(runs=runs, backoff=st.sampled_from(BACKOFFS))
def test_runs_of_failures_keep_to_the_envelope(
    runs: list[tuple[float, int]], backoff: Backoff
) -> None:
    """Progress, then failures: the first retry waits for a token, the others owe theirs."""
    pace, now = Pace.beside(backoff, 0.0), 0.0
    starts: list[float] = []
    for wait, failures in runs:
        for attempt in range(failures):
            delay = wait if attempt == 0 else backoff.delay(attempt - 1, 0.0)
            now = pace.free_at(now + delay) if attempt < 2 else now + delay
            pace = pace.spend(now)
            starts.append(now)

    assert excess(starts, backoff) <= 0


@pytest.mark.parametrize("backoff", BACKOFFS)
def test_an_endless_failure_is_never_slowed_down(backoff: Backoff) -> None:
    """Its first retry finds a token, and after an hour of it the debt is bounded."""
    pace = Pace.beside(backoff, 0.0)
    starts = endless_failure(backoff, hours=1.0)

    assert all(pace.free_at(0.0) == 0.0 for pace in (pace, pace.spend(0.0), pace.spend(0.0)))
    for start in starts[:2]:
        assert pace.free_at(start) == start
        pace = pace.spend(start)
    for start in starts[2:]:
        pace = pace.spend(start)
    assert pace.free_at(starts[-1]) - starts[-1] <= 31


def test_a_start_in_the_future_is_paid_then() -> None:
    """Tokens come with time, up to three; a start that is decided ahead counts at its time."""
    pace = Pace.beside(PLAIN, 0.0)
    for _ in range(3):
        assert pace.free_at(0.0) == 0.0
        pace = pace.spend(0.0)

    assert pace.free_at(0.0) == 1.0
    pace = pace.spend(pace.free_at(0.0))
    assert pace.free_at(0.0) == 2.0
    pace = pace.spend(10.0)
    assert [pace.spend(10.0).free_at(10.0), pace.spend(10.0).spend(10.0).free_at(10.0)] == [10, 11]
    assert pace.free_at(1000.0) == 1000.0
    assert pace.spend(5.0).spend(5.0).spend(5.0).free_at(5.0) == 12.0, "time does not run twice"


@pytest.mark.parametrize(
    ("backoff", "rate"),
    [
        (Backoff(), 1.0),
        (Backoff(0.2, 1.0, 0.2, "none"), 5.0),
        (Backoff(0.2, 1.0, 0.2, "full"), 10.0),
        (Backoff(1e-9, 1.0, 1.0, "none"), 100.0),
        (Backoff(0.0), 100.0),
    ],
)
def test_the_rate_is_one_a_second_or_what_the_back_off_sends_for_ever(
    backoff: Backoff, rate: float
) -> None:
    """A caller who wants quick retries gets them, up to a hundred a second."""
    assert Pace.beside(backoff, 0.0).rate == pytest.approx(rate)

"""Laws of the token bucket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkit.core.limits import Bucket


@given(
    st.floats(0.01, 1000),
    st.integers(1, 50),
    st.floats(0, 1e9),
    st.lists(st.floats(0, 5), min_size=1, max_size=60),
)
def test_no_window_sees_more_than_the_burst_and_the_rate(
    qps: float, burst: int, start: float, pauses: list[float]
) -> None:
    """Whenever calls come, any W seconds let burst + qps * W of them through, and not one more."""
    bucket, now, let_through = Bucket(qps, burst), start, []
    for pause in pauses:
        now += pause
        while delay := bucket.wait(now):
            assert now + delay > now
            now += delay
        bucket = bucket.take(now)
        let_through.append(now)

    for first, begin in enumerate(let_through):
        for last in range(first, len(let_through)):
            window = let_through[last] - begin
            slack = 1e-6 + qps * 1e-6 * max(1.0, start * 1e-6)  # what floats lose
            assert last - first + 1 <= burst + qps * window + slack


def test_the_burst_is_there_at_once_and_comes_back() -> None:
    """Three at once, then one every half second; a rest fills it again, to the burst at most."""
    bucket, now = Bucket(2, 3), 100.0
    waits = []
    for _ in range(5):
        waits.append(bucket.wait(now))
        now += waits[-1]
        bucket = bucket.take(now)

    assert waits == [0, 0, 0, 0.5, 0.5]
    now += 1000
    for _ in range(3):
        assert bucket.wait(now) == 0
        bucket = bucket.take(now)
    assert bucket.wait(now) == 0.5


def test_a_clock_that_stands_or_steps_back_gives_nothing() -> None:
    """Time that does not pass fills no bucket."""
    bucket = Bucket(1, 1).take(50.0)

    assert bucket.wait(50.0) == bucket.wait(40.0) == 1.0


@pytest.mark.parametrize(
    ("qps", "burst", "text"),
    [
        *((rate, 1, "qps") for rate in (0, -1, float("inf"), float("nan"))),
        *((1, burst, "burst") for burst in (0, 1.5)),
    ],
)
def test_what_makes_no_sense_is_a_value_error(qps: float, burst: int, text: str) -> None:
    """A rate is above 0, a burst at least one call."""
    with pytest.raises(ValueError, match=text):
        Bucket(qps, burst)

"""Laws of the histogram."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkit.core.histogram import Distribution, Histogram

values = st.lists(st.integers(-50, 50).map(float), max_size=50)
bounds_of = st.lists(st.integers(-40, 40).map(float), unique=True, max_size=8).map(
    lambda each: tuple(sorted(each))
)


def counted(bounds: tuple[float, ...], observed: list[float]) -> Distribution:
    """Count all of these."""
    histogram = Histogram(bounds)
    for value in observed:
        histogram.observe(value)
    return histogram.snapshot()


@given(bounds_of, values)
def test_a_bucket_holds_all_values_up_to_its_bound(
    bounds: tuple[float, ...], observed: list[float]
) -> None:
    """Each bound counts the values at most as large as it, the last bucket all of them."""
    shown = counted(bounds, observed)

    expected = [sum(value <= bound for value in observed) for bound in (*bounds, math.inf)]
    assert shown == Distribution(bounds, tuple(expected), sum(observed))
    assert shown.count == len(observed)


@given(bounds_of, values, values)
def test_the_sum_of_two_is_the_histogram_of_both(
    bounds: tuple[float, ...], some: list[float], more: list[float]
) -> None:
    """Added up, two distributions are what one histogram of all values would show."""
    assert counted(bounds, some) + counted(bounds, more) == counted(bounds, some + more)


def test_distributions_of_other_bounds_are_not_added() -> None:
    """What was sorted otherwise cannot be summed."""
    with pytest.raises(ValueError, match="other bounds"):
        _ = counted((1.0,), []) + counted((2.0,), [])


def test_a_snapshot_does_not_move() -> None:
    """It is a value: what is observed later is not in it."""
    histogram = Histogram((1.0, 2.0))
    histogram.observe(1.0)
    before = histogram.snapshot()
    histogram.observe(1.5)

    assert before == Distribution((1.0, 2.0), (1, 1, 1), 1.0)
    assert repr(histogram) == "<Histogram count=2 sum=2.5>"


@pytest.mark.parametrize("bounds", [(2.0, 1.0), (1.0, 1.0), (1.0, math.inf), (math.nan,)])
def test_bounds_that_do_not_rise_are_a_value_error(bounds: tuple[float, ...]) -> None:
    """`+Inf` is always there, and not among them."""
    with pytest.raises(ValueError, match="finite and rise"):
        Histogram(bounds)

"""Backoff: waits that grow to a cap, spread by jitter, for any number of failures."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.strategies import lucks
from watchkit.core.backoff import Backoff

seconds = st.floats(0, 1e6, allow_subnormal=False)
policies = st.builds(
    Backoff,
    initial=seconds,
    factor=st.floats(1, 100) | st.just(2),
    cap=seconds,
    jitter=st.sampled_from(["full", "equal", "none"]),
)
attempts = st.integers(0, 100) | st.integers(0, 10**400)


@given(policies, attempts, lucks)
def test_a_wait_is_between_nothing_and_the_cap(policy: Backoff, attempt: int, luck: float) -> None:
    """For any attempt, also after more failures than floats can count."""
    for delay in (policy.delay(attempt, luck), policy.delay_at_cap(luck)):
        assert 0 <= delay <= policy.cap


@given(policies, attempts, attempts, lucks)
def test_waits_never_shrink(policy: Backoff, first: int, second: int, luck: float) -> None:
    """More failures, with the same luck: no shorter wait; the one at the cap is the longest."""
    earlier, later = sorted((first, second))

    assert policy.delay(earlier, luck) <= policy.delay(later, luck) <= policy.delay_at_cap(luck)


@pytest.mark.fault("F59")
@given(policies, st.integers(0, 60), lucks)
def test_a_wait_is_the_power_with_jitter(policy: Backoff, attempt: int, luck: float) -> None:
    """min(cap, initial * factor**attempt): "full" takes luck's part, "equal" half and luck's."""
    try:
        whole = min(policy.cap, policy.initial * policy.factor**attempt)
    except OverflowError:
        whole = policy.cap
    if policy.initial == 0:
        whole = 0.0

    share = {"none": 1.0, "full": luck, "equal": 0.5 + luck / 2}[policy.jitter]
    assert math.isclose(policy.delay(attempt, luck), whole * share, rel_tol=1e-9)


@given(policies)
def test_growth_reaches_the_cap(policy: Backoff) -> None:
    """Unless it does not grow: then the first wait is the longest."""
    grows = policy.initial > 0 and policy.factor > 1
    longest = policy.cap if grows else min(policy.cap, policy.initial)
    share = {"none": 1.0, "full": 0.5, "equal": 0.75}[policy.jitter]

    assert policy.delay_at_cap(0.5) == longest * share
    assert policy.delay(10**400, 0.5) == longest * share


def test_the_defaults_are_client_gos_with_full_jitter() -> None:
    """0.8 s doubling to 30 s."""
    plain = Backoff(jitter="none")

    delays = [plain.delay(attempt, 0.0) for attempt in range(8)]
    assert delays == pytest.approx([0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0])
    assert Backoff() == Backoff(0.8, 2.0, 30.0, "full")
    assert Backoff().delay(20, 0.0) == 0.0
    assert Backoff(jitter="equal").delay(20, 0.0) == 15.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"initial": -1},
        {"initial": math.inf},
        {"initial": math.nan},
        {"cap": -1},
        {"cap": math.inf},
        {"cap": math.nan},
        {"factor": 0.5},
        {"factor": math.inf},
        {"factor": math.nan},
        {"jitter": "some"},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    """At construction, with the reason."""
    with pytest.raises(ValueError, match=r"jitter is|initial and cap"):
        Backoff(**wrong)  # type: ignore[arg-type]

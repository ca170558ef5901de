"""Laws of the policy: how often, how long between, and where its numbers come from."""

import argparse
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkit import Backoff, RetryPolicy

NONE = Backoff(jitter="none")


def test_the_defaults_are_those_of_the_design() -> None:
    """Five calls in all, the back-off of the watchers, no deadline, what classify calls RETRY."""
    policy = RetryPolicy()

    assert (policy.attempts, policy.backoff, policy.deadline) == (5, Backoff(), None)
    assert set(policy.statuses) == {408, 429, *range(500, 600)}
    assert policy == RetryPolicy(statuses=[408, 429, *range(500, 600)])
    assert hash(policy) == hash(RetryPolicy())


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempts": 0},
        {"attempts": True},
        {"deadline": -1.0},
        {"deadline": math.nan},
        {"statuses": {200}},
        {"statuses": {299}},
        {"statuses": {600}},
    ],
)
def test_what_makes_no_sense_is_a_value_error(wrong: dict[str, object]) -> None:
    """No attempt at all, a time that is none, a code that is no refusal's."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RetryPolicy(**wrong)  # type: ignore[arg-type] # that is the point


def test_any_refusal_may_be_listed() -> None:
    """From the first redirect to the last server error."""
    assert set(RetryPolicy(statuses=[300, 599]).statuses) == {300, 599}


@pytest.mark.parametrize(
    ("failures", "elapsed", "retry_after", "seconds"),
    [
        (1, 0.0, None, 0.8),
        (2, 0.0, None, 1.6),
        (3, 0.0, 1.0, 3.2),  # the longer of both
        (3, 0.0, 5.0, 5.0),
        (1, 0.0, 3600.0, 60.0),  # no server holds a caller longer
        (4, 0.0, None, 6.4),
        (5, 0.0, None, None),  # five calls are all
        (1, 19.2, None, 0.8),
        (1, 19.3, None, None),  # the next would begin after the deadline
        (1, 0.0, 21.0, None),
    ],
)
def test_the_wait_after_a_failure(
    failures: int, elapsed: float, retry_after: float | None, seconds: float | None
) -> None:
    """Back-off or Retry-After, whichever is longer, while attempts and deadline allow."""
    deadline = None if retry_after == 3600.0 else 20.0
    policy = RetryPolicy(attempts=5, backoff=NONE, deadline=deadline)

    assert policy.wait(failures, 0.5, elapsed, retry_after) == seconds


@given(
    attempts=st.integers(1, 20),
    failures=st.integers(1, 30),
    luck=st.floats(0, 1, exclude_max=True),
    elapsed=st.floats(0, 100),
    hint=st.floats(0, 1000) | st.none(),
    deadline=st.floats(0, 100) | st.none(),
)
def test_no_wait_passes_the_attempts_the_deadline_or_the_cap(
    *,
    attempts: int,
    failures: int,
    luck: float,
    elapsed: float,
    hint: float | None,
    deadline: float | None,
) -> None:
    """Whatever fails, when and with whatever hint: the wait is bounded, or there is none."""
    policy = RetryPolicy(attempts, Backoff(cap=7), deadline)

    delay = policy.wait(failures, luck, elapsed, hint)

    if failures >= attempts:
        assert delay is None
    if delay is not None:
        assert min(hint or 0, 60) <= delay <= max(7, min(hint or 0, 60))
        assert deadline is None or elapsed + delay <= deadline


def test_settings_are_found_by_keyword_then_namespace_then_environment() -> None:
    """The most special place wins, value by value, and the rest stays at the defaults."""
    namespace = argparse.Namespace(gateway_max_retries="2", gateway_initial_delay=None, other=1)
    environ = {
        "GATEWAY_MAX_RETRIES": "9",
        "GATEWAY_INITIAL_DELAY": " 0.5 ",
        "GATEWAY_MAX_DELAY": "",
        "MAX_DELAY": "7",
    }
    policy = RetryPolicy.from_settings(namespace=namespace, environ=environ, prefix="gateway_")

    assert policy == RetryPolicy(attempts=3, backoff=Backoff(initial=0.5))
    given_too = RetryPolicy.from_settings(
        max_retries=0, namespace=namespace, environ=environ, prefix="gateway_"
    )
    assert given_too.attempts == 1
    click = RetryPolicy.from_settings(namespace={"max_delay": 2.0}, environ=environ)
    assert click == RetryPolicy(backoff=Backoff(cap=2.0))
    assert RetryPolicy.from_settings() == RetryPolicy()


@pytest.mark.parametrize(
    ("settings", "backoff"),
    [
        ({"initial_delay": 45}, Backoff(initial=45, cap=45)),
        ({"initial_delay": "0"}, Backoff(initial=0)),
        ({"max_delay": 0}, Backoff(initial=0, cap=0)),
        ({"max_delay": 0.1}, Backoff(initial=0.1, cap=0.1)),
        ({"initial_delay": "2", "max_delay": "2"}, Backoff(initial=2, cap=2)),
    ],
)
def test_one_delay_alone_moves_the_other_ones_default(
    settings: dict[str, Any], backoff: Backoff
) -> None:
    """What an operator set is what happens: a default does not cut it short."""
    assert RetryPolicy.from_settings(**settings).backoff == backoff


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"max_retries": "ten"}, r"^max_retries must be a whole number >= 0, not 'ten'$"),
        ({"max_retries": -1}, r"max_retries must be a whole number >= 0, not -1"),
        ({"max_retries": 1.5}, r"max_retries"),
        ({"max_retries": True}, r"max_retries"),
        ({"initial_delay": "1s"}, r"initial_delay must be a number of seconds >= 0, not '1s'"),
        ({"max_delay": "inf"}, r"max_delay"),
        ({"max_delay": float("nan")}, r"max_delay"),
        ({"initial_delay": 5, "max_delay": 2}, r"initial_delay is longer than max_delay: 5 s ag"),
        ({"environ": {"G_MAX_RETRIES": "x"}, "prefix": "g_"}, r"\$G_MAX_RETRIES must be"),
        ({"namespace": argparse.Namespace(g_max_delay="x"), "prefix": "g_"}, r"--g-max-delay must"),
    ],
)
def test_a_bad_setting_is_named_with_its_place(settings: dict[str, object], text: str) -> None:
    """The error says which setting, where it was found, and what would be right."""
    with pytest.raises(ValueError, match=text):
        RetryPolicy.from_settings(**settings)  # type: ignore[arg-type] # that is the point

"""Rate limiters of keys: how long each failure waits, and what they remember of whom."""

from collections.abc import Hashable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkit.core.limiters import (
    ItemExponential,
    ItemFastSlow,
    Limiter,
    MaxOf,
    TokenBucket,
    WithMaxWait,
)

LUCK = st.floats(0, 1, exclude_max=True)


def delays(limiter: Limiter[str], *keys: str, now: float = 0.0, luck: float = 0.0) -> list[float]:
    """Let these keys fail, one after the other, at one moment."""
    return [round(limiter.delay(key, now, luck), 6) for key in keys]


def test_waits_double_per_key_up_to_the_cap() -> None:
    """5 ms, 10 ms, 20 ms, ..., 1000 s; another key begins anew."""
    limiter = ItemExponential(jitter="none")

    assert delays(limiter, "a", "a", "a", "b", "a") == [0.005, 0.01, 0.02, 0.005, 0.04]
    assert delays(limiter, *["a"] * 2000)[-1] == 1000.0


def test_a_forgotten_key_begins_anew() -> None:
    """And nothing is remembered of it."""
    limiter = ItemExponential(1, 60, jitter="none")
    delays(limiter, "a", "a", "b")
    limiter.forget("a")
    limiter.forget("never heard of")

    assert (limiter.failures("a"), limiter.failures("b")) == (0, 1)
    assert repr(limiter) == "<ItemExponential 1..60 s, 1 failing>"
    assert delays(limiter, "a") == [1]


@given(LUCK, st.integers(1, 40))
def test_jitter_leaves_at_least_half_and_never_adds(luck: float, failures: int) -> None:
    """By default; so that keys which failed together do not come back together."""
    jittered, whole = ItemExponential(), ItemExponential(jitter="none")
    for _ in range(failures):
        (longest,) = delays(whole, "a")
        assert longest / 2 - 1e-6 <= jittered.delay("a", 0.0, luck) <= longest + 1e-6


@pytest.mark.fault("F84")
@pytest.mark.parametrize(
    ("limiter", "idle"),
    [
        (ItemExponential(1, 10), 3600),
        (ItemExponential(1, 2000), 4000),
        (ItemFastSlow(1, 5, 3), 3600),
    ],
)
def test_keys_that_nobody_forgets_are_not_kept_for_ever(
    limiter: ItemExponential | ItemFastSlow, idle: float
) -> None:
    """A key that fails no more, and that nobody forgot, goes an hour (or two caps) later."""
    for number in range(1000):
        limiter.delay(f"gone-{number}", number / 1000, 0.0)
    limiter.delay("late", idle, 0.0)
    assert "1001 failing" in repr(limiter)

    limiter.delay("later", idle + 0.9985, 0.0)

    assert "3 failing" in repr(limiter)
    assert (limiter.failures("gone-998"), limiter.failures("gone-999")) == (0, 1)


def test_a_key_that_fails_on_and_on_is_never_forgotten_of_itself() -> None:
    """At the cap it fails every 1000 s, well within the time of the idle."""
    limiter = ItemExponential()
    for number in range(100):
        limiter.delay("a", number * 1000.0, 0.0)
        limiter.delay("b", number * 1000.0, 0.0)

    assert limiter.failures("a") == 100


def test_fast_first_then_slow() -> None:
    """The first failures wait the one time, the others the other."""
    limiter = ItemFastSlow(0.5, 10, 2, jitter="none")

    assert delays(limiter, "a", "a", "a", "a", "b") == [0.5, 0.5, 10, 10, 0.5]
    limiter.forget("a")
    assert delays(limiter, "a") == [0.5]
    assert repr(limiter) == "<ItemFastSlow 2 x 0.5 s, then 10 s, 2 failing>"
    assert delays(ItemFastSlow(4, 8, 1), "a", "a", luck=0.5) == [3, 6]


def test_a_bucket_lets_a_burst_through_then_a_stream() -> None:
    """Whatever keys they are: each takes a token, at need one to come."""
    limiter = TokenBucket(10, 3)

    assert delays(limiter, *"abcdef") == [0, 0, 0, 0.1, 0.2, 0.3]
    assert delays(limiter, "a", now=0.2) == [0.2]
    limiter.forget("a")
    assert limiter.failures("a") == 0
    assert delays(limiter, "a", now=100) == [0]
    assert repr(limiter) == "<TokenBucket 10/s, burst 3>"


@given(st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_no_window_sees_more_retries_than_the_bucket_allows(pauses: list[float]) -> None:
    """What fails together comes back burst by burst: at most 5 + 2 * W in any W seconds."""
    limiter, now, due = TokenBucket(2, 5), 0.0, []
    for pause in pauses:
        now += pause
        due.append(now + limiter.delay("a", now, 0.0))
    due.sort()

    for first, begin in enumerate(due):
        for last in range(first, len(due)):
            assert last - first + 1 <= 5 + 2 * (due[last] - begin) + 1e-6


def test_the_longest_wait_of_several_counts() -> None:
    """Each of them counts every failure, and all of them forget."""
    slow, bucket = ItemExponential(1, 60, jitter="none"), TokenBucket(0.25, 1)
    limiter: MaxOf[Hashable] = MaxOf(slow, bucket)

    assert delays(limiter, "a", "a", "a") == [1, 4, 8]
    assert (limiter.failures("a"), slow.failures("a")) == (3, 3)
    limiter.forget("a")
    assert (limiter.failures("a"), slow.failures("a")) == (0, 0)
    assert (
        repr(limiter)
        == "<MaxOf <ItemExponential 1..60 s, 0 failing> <TokenBucket 0.25/s, burst 1>>"
    )


def test_the_default_is_client_gos() -> None:
    """MaxOf(ItemExponential(), TokenBucket()): a key alone doubles, a hundred keys meet a bound."""
    alone: MaxOf[Hashable] = MaxOf(ItemExponential(jitter="none"), TokenBucket())
    assert delays(alone, "a", "a", "a") == [0.005, 0.01, 0.02]

    many: MaxOf[Hashable] = MaxOf(ItemExponential(jitter="none"), TokenBucket())
    waits = delays(many, *map(str, range(200)))
    assert waits[:100] == [0.005] * 100
    assert waits[-1] == 10.0


def test_a_bound_on_the_wait_bounds_the_wait() -> None:
    """And changes nothing else."""
    limiter: WithMaxWait[Hashable] = WithMaxWait(ItemExponential(1, 60, jitter="none"), 3)

    assert delays(limiter, "a", "a", "a", "a") == [1, 2, 3, 3]
    assert limiter.failures("a") == 4
    limiter.forget("a")
    assert delays(limiter, "a") == [1]
    assert repr(limiter).startswith("<WithMaxWait 3 s of <ItemExponential")


def test_limiters_that_make_no_sense_are_refused() -> None:
    """When they are made."""
    for wrong in (
        lambda: ItemExponential(-1),
        lambda: ItemExponential(jitter="some"),  # type: ignore[arg-type]
        lambda: ItemFastSlow(1, 2, -1),
        lambda: ItemFastSlow(-1, 2, 1),
        lambda: TokenBucket(0),
        lambda: TokenBucket(1, 0),
        MaxOf,
        lambda: WithMaxWait(TokenBucket(), -1),
        lambda: WithMaxWait(TokenBucket(), float("inf")),
    ):
        with pytest.raises(ValueError, match=r"."):
            wrong()

"""Laws of the circuit breaker."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkit.core.breaker import Breaker, Circuit


def fed(breaker: Breaker, outcomes: str, now: float = 0.0) -> Breaker:
    """Feed it outcomes: "x" for a failure, "." for a success."""
    for each in outcomes:
        breaker = breaker.settle(breaker.turn, failed=each == "x", now=now)
    return breaker


@pytest.mark.parametrize(
    ("outcomes", "circuit"),
    [
        ("xxx", Circuit.CLOSED),  # the window is not full
        ("xxxx", Circuit.OPEN),
        ("..xx", Circuit.OPEN),
        ("...x", Circuit.CLOSED),
        ("x...x", Circuit.CLOSED),  # the first has left the window
        (".x..xx", Circuit.OPEN),
        ("....", Circuit.CLOSED),
    ],
)
def test_it_opens_at_the_rate_over_a_full_window(outcomes: str, circuit: Circuit) -> None:
    """Half of the last four, once there are four."""
    assert fed(Breaker(0.5, 4, 1.0), outcomes).circuit is circuit


@pytest.mark.fault("F83")
def test_open_it_admits_nobody_until_its_time_and_then_one() -> None:
    """A second call waits for the outcome of the one that tries."""
    breaker = fed(Breaker(0.5, 2, 10.0), "xx", now=100.0)

    assert breaker.admit(109.9) is None
    probing = breaker.admit(110.0)
    assert probing is not None
    assert probing.circuit is Circuit.HALF_OPEN
    assert probing.admit(111.0) is None


def test_the_one_that_tries_decides() -> None:
    """Its success closes with an empty window, its failure opens for the whole time again."""
    probing = fed(Breaker(0.5, 2, 10.0), "xx", now=100.0).admit(110.0)
    assert probing is not None

    closed = probing.settle(probing.turn, failed=False, now=112.0)
    assert (closed.circuit, closed.outcomes) == (Circuit.CLOSED, ())
    assert fed(closed, "x").circuit is Circuit.CLOSED
    opened = probing.settle(probing.turn, failed=True, now=112.0)
    assert opened.circuit is Circuit.OPEN
    assert opened.admit(121.9) is None
    assert opened.admit(122.0) is not None


def test_a_cancelled_try_lets_the_next_one_try() -> None:
    """No outcome decides nothing; the breaker does not wait for it for ever."""
    probing = fed(Breaker(0.5, 2, 10.0), "xx", now=100.0).admit(110.0)
    assert probing is not None

    abandoned = probing.abandon(probing.turn)
    again = abandoned.admit(110.0)

    assert abandoned.circuit is Circuit.HALF_OPEN
    assert again is not None
    assert again.probing
    assert again.admit(110.0) is None


def test_what_began_before_the_last_change_says_nothing() -> None:
    """A late success closes no open circuit, a late failure opens no new one."""
    old = Breaker(0.5, 2, 10.0)
    opened = fed(old, "xx", now=100.0)

    assert opened.settle(old.turn, failed=False, now=101.0) == opened
    assert opened.abandon(old.turn) == opened
    probing = opened.admit(110.0)
    assert probing is not None
    assert probing.settle(old.turn, failed=True, now=110.0) == probing
    assert probing.settle(opened.turn, failed=False, now=110.0) == probing


@given(
    st.floats(0.01, 1),
    st.integers(1, 12),
    st.lists(st.tuples(st.sampled_from("x.c"), st.floats(0, 3)), max_size=80),
)
def test_it_is_never_stuck_and_never_asks_twice_while_open(
    rate: float, window: int, steps: list[tuple[str, float]]
) -> None:
    """From any state it admits again after open_for; open, at most one call in open_for goes."""
    breaker, now, tried = Breaker(rate, window, 2.0), 0.0, -2.0
    for outcome, pause in steps:
        now += pause
        was = breaker.circuit
        admitted = breaker.admit(now)
        if admitted is None:
            assert was is not Circuit.CLOSED
            later = breaker.admit(now + 2.0)
            assert later is not None
            continue
        if was is Circuit.OPEN:
            assert now >= breaker.until
            assert now >= tried + 2.0  # as the breaker adds it: a difference may round below
            tried = now
        if outcome == "c":
            breaker = admitted.abandon(admitted.turn)
        else:
            breaker = admitted.settle(admitted.turn, failed=outcome == "x", now=now)
            tried = now if breaker.circuit is Circuit.OPEN else tried
        assert len(breaker.outcomes) <= window
        assert sum(breaker.outcomes) < rate * window or len(breaker.outcomes) < window


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ((0, 10, 1), "failure_rate"),
        ((1.1, 10, 1), "failure_rate"),
        ((0.5, 0, 1), "window"),
        ((0.5, 1.5, 1), "window"),
        ((0.5, 10, -1), "open_for"),
        ((0.5, 10, float("inf")), "open_for"),
    ],
)
def test_what_makes_no_sense_is_a_value_error(wrong: tuple[float, int, float], text: str) -> None:
    """A rate in (0, 1], a window of at least one outcome, a time that ends."""
    with pytest.raises(ValueError, match=text):
        Breaker(*wrong)

"""When events come so fast that they are read together; never does a lone one wait."""

from hypothesis import given
from hypothesis import strategies as st

from watchkit.core.rhythm import Rhythm

PAUSE = 0.005
seconds = st.floats(0, 100)
counts = st.integers(0, 100)


def reads(*said: tuple[float, int]) -> Rhythm:
    """Read at these times, so many frames each."""
    rhythm = Rhythm()
    for now, frames in said:
        rhythm = rhythm.after(now, frames, PAUSE)
    return rhythm


def test_two_in_a_row_are_fast() -> None:
    """The third is waited for until a pause after the second, and no longer."""
    rhythm = reads((10.0, 1), (10.004, 1))

    assert rhythm.wait(10.005, PAUSE) == 10.004 + PAUSE - 10.005
    assert rhythm.wait(11, PAUSE) == 0.0


@given(st.lists(st.tuples(seconds, counts)), seconds, counts, seconds)
def test_an_event_after_silence_is_not_fast(
    before: list[tuple[float, int]], silence: float, frames: int, later: float
) -> None:
    """Whatever was before: behind a read that had to be waited for, nothing pauses."""
    rhythm = reads(*sorted(before))
    last = rhythm.ready_at if before else 0.0

    assert rhythm.after(last + 0.01 + silence, frames, PAUSE).wait(later, PAUSE) == 0.0


@given(seconds, st.one_of(st.just(0), st.integers(32, 1000)))
def test_neither_part_of_a_frame_nor_a_large_read_is_waited_after(now: float, frames: int) -> None:
    """What has begun is due at once, and a read that is large by itself needs no pause."""
    assert not reads((now, 1), (now, 1), (now, frames)).is_fast


def test_what_a_pause_has_collected_is_fast_still() -> None:
    """The pause itself is no silence, so a busy watch is read once a pause."""
    rhythm = reads((10.0, 1), (10.001, 1)).paused(10.006)

    assert rhythm.after(10.006, 3, PAUSE).is_fast
    assert not rhythm.after(10.012, 1, PAUSE).is_fast


@given(st.lists(st.tuples(seconds, counts), min_size=1), seconds)
def test_no_wait_is_longer_than_the_pause(before: list[tuple[float, int]], later: float) -> None:
    """Counted from the last read on: what comes right after it is delayed by that at most."""
    rhythm = reads(*sorted(before))

    assert rhythm.wait(rhythm.ready_at + later, PAUSE) <= PAUSE + 1e-9

"""The law of elections: never two holders by each one's own deadline, whatever happens.

$WATCHKIT_ELECTIONS is the number of schedules; `nox -s elections` plays 20,000.
"""

import os
from collections import Counter

import pytest

from tests.unit.core.electing import RATES, Schedule

COUNT = int(os.environ.get("WATCHKIT_ELECTIONS", "1000"))
CHUNK = 100
TROUBLES = {
    *("pause", "kill", "leave", "delete", "label", "conflict", "lost", "429"),
    *("lost request", "lost answer", "late request", "late answer"),
    *("done, and 500", "sent twice"),
}


def play(seeds: range, rates: tuple[float, float] = RATES) -> tuple[Counter[str], int]:
    """Play schedules, each of which judges itself; give the troubles and the terms they had."""
    fired: Counter[str] = Counter()
    terms = 0
    for seed in seeds:
        schedule = Schedule(seed, rates)
        schedule.run()
        fired += schedule.fired
        terms += schedule.terms
    return fired, terms


@pytest.mark.fault("F62")
@pytest.mark.parametrize("first", range(0, COUNT, CHUNK))
def test_never_two_holders_and_always_one_in_the_end(first: int) -> None:
    """Pauses, clocks at other rates, lost and late answers, conflicts, deletions, restarts."""
    fired, terms = play(range(first, min(first + CHUNK, COUNT)))

    assert set(fired) == TROUBLES
    assert terms > CHUNK


def test_a_schedule_is_the_same_whenever_it_is_played() -> None:
    """A seed that fails can be looked at."""
    first, second = Schedule(7), Schedule(7)
    first.run()
    second.run()

    assert first.trace == second.trace


def test_clocks_that_differ_more_than_the_durations_break_it() -> None:
    """The law is as sharp as it is said: with one clock six times as fast there are two holders."""
    with pytest.raises(AssertionError, match="lead together"):
        play(range(200), rates=(0.4, 2.5))

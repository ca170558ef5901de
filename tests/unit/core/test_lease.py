"""Single steps of a candidate and of a holder: what is sent, and what follows from an answer."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from watchkit import InvalidRequest, ServerUnavailable, TooManyRequests, TransportError
from watchkit.core.lease import (
    abandon,
    begin,
    begin_release,
    expired,
    settle,
    settle_release,
    stand_again,
)
from watchkit.core.standing import (
    Absent,
    Answer,
    Create,
    Failed,
    Found,
    Lost,
    Read,
    Refused,
    Replace,
    Request,
    Standing,
    Written,
)
from watchkit.core.tenure import Record, Terms

WALL = datetime(2026, 1, 1, tzinfo=UTC)
TERMS = Terms("a")
OTHERS = Record("b", 15, "t", "t", 3, "7")
SILENCE = Failed(TransportError("silence"))


def sent(at: Standing, now: float) -> tuple[Standing, Request]:
    """Begin the next request."""
    return begin(at, now, WALL)


def after(
    at: Standing, answer: Answer, now: float, *, took: float = 0.1, luck: float = 0
) -> Standing:
    """Send the next request at `now`, and take in its answer."""
    at, request = sent(at, now)
    if isinstance(answer, Written) and isinstance(request, Create | Replace):
        answer = Written(replace(request.record, version=f"{now:g}"))
    return settle(at, answer, now + took, luck)


def leader(now: float = 0.0) -> Standing:
    """Give one that created the lease at that time."""
    at = after(Standing(TERMS), Absent(), now, took=0)
    at = after(at, Written(Record()), now, took=0)
    assert at.leads
    return at


def test_it_looks_before_it_takes() -> None:
    """The first request reads; where there is nothing, it creates."""
    at, request = sent(Standing(TERMS), 0)
    assert request == Read()
    at, request = sent(settle(at, Absent(), 0.1, 0), 0.1)
    assert isinstance(request, Create)
    assert request.record.holder == "a"


def test_a_deadline_is_counted_from_the_sending() -> None:
    """Not from the answer, which may be late."""
    at = after(leader(), Written(Record()), 2, took=4)

    assert (at.leads, at.deadline, at.at) == (True, 12, 6)


def test_an_answer_after_the_deadline_is_too_late() -> None:
    """Even one that says it was done: others may have counted on the end."""
    at = after(leader(), Written(Record()), 8, took=2.5)

    assert not at.leads
    assert at.lost == Lost("it was not renewed for 10 s")


def test_a_lease_taken_too_slowly_is_taken_anew() -> None:
    """Its answer took longer than it lasts."""
    at = after(Standing(TERMS), Absent(), 0, took=0)
    at = after(at, Written(Record()), 0, took=11)

    assert not at.leads
    assert (at.next, at.at) == ("write", 11)
    assert after(at, Written(Record()), 11).leads


@pytest.mark.parametrize("luck", [0.0, 0.5, 0.999])
def test_a_lease_that_is_held_is_looked_at_within_each_period(luck: float) -> None:
    """And at the very moment at which it runs out."""
    at, now, looks = Standing(TERMS), 0.0, [0.0]
    while at.next == "read":
        at = after(at, Found(OTHERS), now, took=0, luck=luck)
        now = at.at
        looks.append(now)

    waits = [later - before for before, later in pairwise(looks)]
    assert now == 15
    assert all(0 <= wait <= 2 for wait in waits)
    assert all(wait >= 1 - luck / 2 for wait in waits[:-3])


def test_a_claim_that_changed_is_waited_for_anew() -> None:
    """By its own duration."""
    at = after(Standing(TERMS), Found(OTHERS), 0)
    at = after(at, Found(replace(OTHERS, renewed="u", duration=40, version="8")), 10)
    at = after(at, Found(replace(OTHERS, renewed="u", duration=40, version="9")), 49)

    assert (at.since, at.next) == (10.1, "read")
    assert at.at == pytest.approx(50.1, abs=0.01)


def test_without_a_duration_ones_own_counts() -> None:
    """A Lease need not say one."""
    at = after(Standing(TERMS), Found(replace(OTHERS, duration=None)), 0, took=0)

    assert after(at, Found(replace(OTHERS, duration=None)), 14.5, took=0, luck=0).at == 15


@pytest.mark.parametrize(
    ("error", "delay"),
    [
        (TransportError("x"), 2),
        (TooManyRequests(429, retry_after=7.0), 7),
        (TooManyRequests(429, retry_after=3600.0), 60),
    ],
)
def test_a_candidate_waits_after_a_failure(error: TransportError, delay: float) -> None:
    """A period, or as long as the server says, up to a minute; then it reads."""
    at = after(Standing(TERMS), Failed(error), 0, took=0)

    assert (at.next, at.at, at.failures) == ("read", delay, 1)


def test_what_is_wrong_for_good_is_fatal_to_a_candidate_only() -> None:
    """A holder has its deadline."""
    wrong = Failed(InvalidRequest(422))

    assert after(Standing(TERMS), wrong, 0).fatal is wrong.error
    assert after(leader(), wrong, 2).fatal is None


@pytest.mark.parametrize(
    ("answer", "following"),
    [
        (Refused(), "read"),
        (SILENCE, "read"),
        (Failed(ServerUnavailable(500)), "read"),
        (Failed(TransportError("refused", reached=False)), "write"),
        (Absent(), "write"),
    ],
)
def test_a_holder_reads_what_may_have_been_done(answer: Answer, following: str) -> None:
    """And writes again what surely was not."""
    at = after(leader(), answer, 2)

    assert (at.leads, at.next) == (True, following)


def test_a_holder_tries_more_often_as_its_deadline_comes_near() -> None:
    """And to the end."""
    at, tries = leader(), [0.0]
    while at.leads:
        tries.append(at.at)
        at = after(at, SILENCE, at.at, took=0)
        if at.at >= at.deadline:
            break

    assert tries[:6] == [0, 2, 4, 6, 8, 9]
    assert len(tries) >= 9


def test_after_a_conflict_it_reads_at_once_then_with_pauses() -> None:
    """No hot loop, whoever writes to the Lease all the time."""
    at = after(leader(), Refused(), 2, luck=0.5)
    assert at.at == pytest.approx(2.1)
    ours = at.record
    assert ours is not None
    at = after(at, Found(replace(ours, version="99")), 2.2)
    assert at.next == "write"
    assert at.at == pytest.approx(2.3)
    at = after(at, Refused(), 2.3, luck=0.5)
    assert at.at == pytest.approx(3.4)


@pytest.mark.fault("F63")
def test_no_two_writes_carry_the_same_time() -> None:
    """Whatever the wall clock does: others see a renewal by it."""
    at = leader()
    stamps: list[str | None] = []
    for now in (2, 4, 6):
        at, request = begin(at, now, WALL)
        assert isinstance(request, Replace)
        stamps.append(request.record.renewed)
        at = settle(at, Written(request.record), now, 0)

    assert stamps == [f"2026-01-01T00:00:00.00000{number}Z" for number in (1, 2, 3)]


def test_a_request_that_was_given_up_may_be_done_yet() -> None:
    """It is read back; one that only reads leaves no doubt."""
    at, _ = sent(leader(), 2)
    assert abandon(at).doubt is not None
    reading, _ = sent(Standing(TERMS), 0)
    assert abandon(reading).doubt is None


def test_what_never_can_be_done_any_more_is_forgotten() -> None:
    """A write over a version that is not there any more."""
    at = after(Standing(TERMS), Found(replace(OTHERS, holder="")), 0)
    at = after(at, SILENCE, 0.1)
    assert at.doubt is not None
    at = after(at, Found(replace(OTHERS, version="8")), 3)

    assert at.doubt is None
    assert begin_release(at, 4, WALL)[1] is None


def test_who_stands_again_remembers_the_lease() -> None:
    """But neither a term nor its loss."""
    lost = expired(leader())
    again = stand_again(lost)

    assert lost.lost is not None
    assert (again.lost, again.leads, again.next, again.known) == (None, False, "read", True)
    assert again.deadline == -math.inf


# releasing


def test_a_holder_releases_at_once_what_it_surely_has() -> None:
    """One write."""
    at, request = begin_release(leader(), 1, WALL)

    assert isinstance(request, Replace)
    assert (request.record.holder, request.record.duration) == ("", 1)
    at = settle_release(at, Written(request.record), 1.1, 0)
    assert begin_release(at, 1.2, WALL)[1] is None


@pytest.mark.parametrize("answer", [Refused(), SILENCE])
def test_a_release_that_failed_is_read_back_and_made_again(answer: Answer) -> None:
    """While it is still as we left it."""
    start = leader()
    at, _ = begin_release(start, 1, WALL)
    at = settle_release(at, answer, 1.1, 0.5)
    at, request = begin_release(at, at.at, WALL)
    assert request == Read()
    assert start.record is not None
    at = settle_release(at, Found(replace(start.record, version="9")), 1.2, 0)
    at, request = begin_release(at, 1.2, WALL)
    assert isinstance(request, Replace)
    assert request.record.version == "9"
    at = settle_release(at, SILENCE, 1.3, 0.5)
    assert at.at == pytest.approx(1.8)


@pytest.mark.parametrize("answer", [Found(OTHERS), Absent()])
def test_what_is_ours_no_more_is_left_alone(answer: Answer) -> None:
    """Somebody else's, or nobody's."""
    at, _ = begin_release(leader(), 1, WALL)
    at = settle_release(at, Refused(), 1.1, 0)
    at, _ = begin_release(at, 1.1, WALL)
    at = settle_release(at, answer, 1.2, 0)

    assert begin_release(at, 1.3, WALL)[1] is None


def test_a_lease_on_trial_is_not_released() -> None:
    """Its holder of before may still be at work: others have to wait as well."""
    at = after(Standing(TERMS), Found(OTHERS), 0)
    at = after(at, Absent(), 1)
    assert at.next == "read"
    assert at.at == pytest.approx(3.1)
    at = after(at, Absent(), 3.2)
    assert at.next == "write"
    unanswered = abandon(sent(at, 3.3)[0])
    assert begin_release(unanswered, 4, WALL)[1] is None
    at = after(at, Written(Record()), 3.3, took=0)
    assert not at.leads
    assert begin_release(at, 4, WALL)[1] is None
    at = after(at, Written(Record()), 18.2, took=0)
    assert not at.leads
    assert after(at, Written(Record()), 18.4, took=0).leads


def test_of_ones_own_writes_only_the_last_one_is_a_proof() -> None:
    """An earlier one that was done late says nothing of who was there in between."""
    at = stand_again(expired(leader()))
    ours = at.record
    assert ours is not None
    assert after(at, Found(ours), 20).trial == -math.inf
    at = after(at, Found(replace(ours, renewed="x")), 20)

    assert at.trial == pytest.approx(35.1)
    assert after(at, Found(OTHERS), 21).trial == -math.inf

"""Laws of the outbox: what becomes one series, what is dropped, and when what may be sent."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkit.core.occurrences import (
    COMBINED,
    REMEMBERED,
    Dropped,
    Occurrence,
    Outbox,
    Outcome,
    Reference,
    Sending,
)

WALL = datetime(2026, 1, 1, tzinfo=UTC)
WEB = Reference("v1", "Pod", "web", "shop", "u-1", "7")


def happened(note: str = "it is", name: str = "web", reason: str = "Up") -> Occurrence:
    """Make an occurrence."""
    regarding = Reference("v1", "Pod", name, "shop", f"u-{name}", "7")
    return Occurrence(regarding, "Normal", reason, reason, note)


class Driver:
    """An outbox, its clock, and a server that takes everything."""

    def __init__(self, capacity: int = 1000) -> None:
        self.outbox = Outbox(capacity)
        self.now = 0.0
        self.suffixes = 0

    def add(self, occurrence: Occurrence) -> Dropped | None:
        """Let something happen."""
        self.suffixes += 1
        wall = WALL + timedelta(seconds=self.now)
        return self.outbox.add(occurrence, self.now, wall, f"{self.suffixes:x}")

    def next(self) -> Sending:
        """Give what is to be sent now."""
        found = self.outbox.next(self.now)
        assert isinstance(found, Sending)
        return found

    def send(self, outcome: Outcome = Outcome.DONE) -> list[tuple[str, str, int]]:
        """Send all that is due."""
        sent: list[tuple[str, str, int]] = []
        while isinstance(found := self.outbox.next(self.now), Sending):
            sent.append((found.what, found.series.occurrence.note, found.count))
            self.outbox.settle(found, outcome, self.now)
        return sent


def test_events_are_sent_in_their_order() -> None:
    """Each once."""
    driver = Driver()
    for name in "abc":
        assert driver.add(happened(name, name)) is None

    assert driver.send() == [("create", name, 1) for name in "abc"]
    assert driver.outbox.next(driver.now) is None
    assert len(driver.outbox) == 0


def test_what_happens_again_is_counted() -> None:
    """EV-01: before it was sent, while it is, and afterwards: one event at the server."""
    driver = Driver()
    driver.add(happened())
    driver.add(happened())
    sending = driver.next()
    assert (sending.what, sending.count) == ("create", 2)
    driver.add(happened())
    driver.outbox.settle(sending, Outcome.DONE, driver.now)

    assert driver.send() == [("update", "it is", 3)]
    driver.now = 359
    driver.add(happened())
    assert driver.send() == [("update", "it is", 4)]


def test_a_series_ends_after_a_while() -> None:
    """EV-01: 6 minutes without a repetition, as in client-go: the next one is a new event."""
    driver = Driver()
    driver.add(happened())
    driver.send()
    driver.now = 361
    driver.add(happened())

    sending = driver.next()
    assert (sending.what, sending.count, sending.series.suffix) == ("create", 1, "2")


def test_an_event_that_is_gone_is_told_anew() -> None:
    """EV-01: a server keeps one for an hour."""
    driver = Driver()
    driver.add(happened())
    driver.add(happened())
    driver.send()
    driver.now = 300
    driver.add(happened())
    driver.outbox.settle(driver.next(), Outcome.GONE, driver.now)

    sending = driver.next()
    assert (sending.what, sending.count) == ("create", 1)
    assert sending.series.first == WALL + timedelta(seconds=300)


def test_many_that_differ_in_their_note_become_one() -> None:
    """EV-01: ten are told, the rest is one series, until none came for ten minutes."""
    driver = Driver()
    for number in range(14):
        driver.add(happened(f"note {number}"))

    sent = driver.send()
    assert len(sent) == 11
    assert sent[-1] == ("create", f"{COMBINED}note 10", 4)
    driver.now = 601
    driver.add(happened("note 99"))
    assert driver.outbox.next(driver.now + 300) is not None


def test_of_one_object_only_so_many_are_sent() -> None:
    """EV-01: 25 at once, then one each five minutes; others are not held up by it."""
    driver = Driver()
    dropped = [driver.add(happened(reason=f"R{number}")) for number in range(30)]

    assert dropped == [None] * 25 + [Dropped.SPAM] * 5
    assert driver.add(happened(name="other")) is None
    assert len(driver.send()) == 26
    driver.now = 300.1
    assert driver.add(happened(reason="R99")) is None
    assert driver.add(happened(reason="R98")) is Dropped.SPAM


def test_counts_wait_for_their_turn_and_are_told_all_at_once() -> None:
    """A series costs what an event costs."""
    driver = Driver()
    for number in range(25):
        driver.add(happened(reason=f"R{number}"))
    driver.send()
    for _ in range(7):
        driver.add(happened(reason="R0"))

    assert driver.send() == []
    wait = driver.outbox.next(driver.now)
    assert wait == pytest.approx(300, abs=1)
    driver.now = 301
    assert driver.send() == [("update", "it is", 8)]


def test_at_the_end_nothing_waits_for_its_turn() -> None:
    """There is no later; only what failed before waits on."""
    driver = Driver()
    for number in range(25):
        driver.add(happened(reason=f"R{number}"))
    driver.send()
    driver.add(happened(reason="R0"))
    driver.add(happened(name="other"))
    failed = driver.next()
    if failed.what == "update":
        pytest.fail("it had no turn left")
    driver.outbox.again(failed, driver.now, 30)
    assert driver.send() == []

    driver.outbox.hurry()

    assert driver.send() == [("update", "it is", 2)]
    assert driver.outbox.next(driver.now) == 30


def test_a_full_outbox_takes_nothing_new() -> None:
    """But counts what it has."""
    driver = Driver(capacity=2)
    assert driver.add(happened(name="a")) is None
    assert driver.add(happened(name="b")) is None
    assert driver.add(happened(name="c")) is Dropped.FULL
    assert driver.add(happened(name="a")) is None

    assert driver.send() == [("create", "it is", 2), ("create", "it is", 1)]
    assert driver.add(happened(name="c")) is None


def test_what_is_sent_again_waits() -> None:
    """And others go first."""
    driver = Driver()
    driver.add(happened(name="a"))
    driver.add(happened("b", "b"))
    driver.outbox.again(driver.next(), driver.now, 5)

    assert driver.send() == [("create", "b", 1)]
    assert driver.outbox.next(driver.now) == 5
    driver.now = 5
    assert driver.next().series.attempts == 1


def test_what_was_refused_is_tried_when_it_happens_again() -> None:
    """As a new event."""
    driver = Driver()
    driver.add(happened())
    driver.send(Outcome.REFUSED)
    driver.add(happened())

    assert driver.next().what == "create"


def test_only_the_last_few_are_remembered() -> None:
    """Memory is bounded, whatever happens to how many objects."""
    driver = Driver(capacity=10_000)
    for number in range(REMEMBERED + 1):
        driver.add(happened(name=str(number)))
    assert len(driver.send()) == REMEMBERED + 1
    driver.add(happened(name="1"))
    driver.add(happened(name="0"))

    assert [what for what, _, _ in driver.send()] == ["update", "create"]


def test_a_late_refusal_is_not_that_of_a_later_event() -> None:
    """The series had ended meanwhile, and another one begun."""
    driver = Driver()
    driver.add(happened())
    late = driver.next()
    driver.now = 400
    driver.add(happened())
    driver.outbox.settle(late, Outcome.REFUSED, driver.now)
    driver.add(happened())

    assert driver.send() == [("create", "it is", 2)]


def test_an_object_is_the_same_in_another_version() -> None:
    """But not in another life."""
    later = Reference("v1", "Pod", "web", "shop", "u-1", "8")
    again = Reference("v1", "Pod", "web", "shop", "u-2", "9")

    assert later.identity == WEB.identity != again.identity


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.integers(0, 3),
            st.floats(0, 400),
            st.sampled_from(Outcome),
        ),
        max_size=60,
    )
)
def test_no_object_is_told_of_more_often_than_the_filter_lets(
    steps: list[tuple[str, int, float, Outcome]],
) -> None:
    """25 + W/300 in any W seconds, beside what is told anew; and counts only rise."""
    driver = Driver()
    told: dict[object, int] = {}
    sent = dict.fromkeys("ab", 0)
    for name, number, wait, outcome in steps:
        driver.now += wait
        driver.add(happened(f"n{number}", name))
        while isinstance(found := driver.outbox.next(driver.now), Sending):
            series = found.series
            if found.what == "update":
                assert found.count > told[id(series)]
            gone = outcome is Outcome.GONE and found.what == "update"
            what = Outcome.DONE if outcome is Outcome.GONE and not gone else outcome
            sent[series.occurrence.regarding.name] += not gone
            driver.outbox.settle(found, what, driver.now)
            told[id(series)] = series.told

    assert all(count <= 25 + driver.now / 300 + 1 for count in sent.values())

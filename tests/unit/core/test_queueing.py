"""The rules of a work queue: told one by one, then held against a naive model in any order."""

import gc
import weakref

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from watchkit.core.queueing import Keys


def taken(keys: Keys[str], now: float = 0.0) -> str | None:
    """Take a key."""
    found = keys.take(now)
    return None if found is None else found.key


def all_taken(keys: Keys[str], now: float = 0.0) -> list[str]:
    """Take what is there, in order, and be done with it at once."""
    found: list[str] = []
    while (key := taken(keys, now)) is not None:
        keys.done(key)
        found.append(key)
    return found


def times(keys: Keys[str]) -> tuple[float | None, int]:
    """When the next of the later keys is due, and how many there are."""
    return keys.due, keys.later


def test_keys_come_in_the_order_of_their_adding() -> None:
    """First come, first served; one that waits already keeps its place."""
    keys: Keys[str] = Keys()
    fresh = [keys.add(key, 0, 0.0) for key in "abcab"]

    assert fresh == [True, True, True, False, False]
    assert (len(keys), keys.tally.adds) == (3, 3)
    assert all_taken(keys) == ["a", "b", "c"]


@pytest.mark.fault("F84")
def test_a_key_that_is_worked_on_is_not_given_out() -> None:
    """Added meanwhile, however often, it is given out once more when that is done."""
    keys: Keys[str] = Keys()
    keys.add("a", 0, 0.0)
    assert taken(keys) == "a"
    again = [keys.add("a", 0, 1.0) for _ in range(3)]

    assert again == [False, False, False]
    assert taken(keys) is None
    assert (len(keys), keys.tally.adds) == (0, 2)
    keys.done("a")
    assert all_taken(keys, 1.0) == ["a"]


def test_the_more_urgent_comes_first() -> None:
    """And of these, the one that waits longest."""
    keys: Keys[str] = Keys()
    for key, priority in [("a", -100), ("b", 0), ("c", -100), ("d", 7), ("e", 0)]:
        keys.add(key, priority, 0.0)

    assert all_taken(keys) == ["d", "b", "e", "a", "c"]


def test_a_higher_priority_lifts_and_a_lower_one_changes_nothing() -> None:
    """A lifted key goes behind those that wait there; how long it waited is still known."""
    keys: Keys[str] = Keys()
    for key, priority, now in [("a", -100, 0), ("b", 0, 1), ("a", 0, 2), ("c", 0, 3), ("b", -5, 4)]:
        keys.add(key, priority, now)

    assert taken(keys, 10) == "b"
    lifted = keys.take(10)
    assert lifted is not None
    assert (lifted.key, lifted.waited) == ("a", 10)
    assert taken(keys, 10) == "c"


def test_a_key_comes_again_at_the_priority_of_its_adding() -> None:
    """The highest of those with which it was added while it was worked on."""
    keys: Keys[str] = Keys()
    keys.add("a", 5, 0.0)
    assert taken(keys) == "a"
    assert (keys.priority_of("a"), keys.priority_of("b")) == (5, 0)
    for key, priority in [("a", -100), ("b", -50), ("a", -10), ("a", -20)]:
        keys.add(key, priority, 0.0)
    keys.done("a")

    assert all_taken(keys) == ["a", "b"]


def test_a_later_key_comes_when_its_time_has_come_and_once() -> None:
    """Not before; in the order of their times."""
    keys: Keys[str] = Keys()
    assert [keys.add_later("b", 20, 0), keys.add_later("a", 10, 0)] == [True, True]
    assert times(keys) == (10, 2)
    assert (taken(keys, 9.99), len(keys)) == (None, 0)
    assert all_taken(keys, 10) == ["a"]
    assert times(keys) == (20, 1)
    assert all_taken(keys, 99) == ["b"]
    assert times(keys) == (None, 0)
    assert keys.tally.adds == 2


@pytest.mark.parametrize(("first", "second"), [(10, 20), (20, 10), (10, 10)])
def test_of_several_times_the_earliest_counts(first: float, second: float) -> None:
    """And of several priorities the highest."""
    keys: Keys[str] = Keys()
    keys.add_later("a", first, 3)
    assert keys.add_later("a", second, 1) == (second < first)
    keys.add("b", 2, 0.0)

    assert keys.due == 10
    assert all_taken(keys, 10) == ["a", "b"]
    assert all_taken(keys, 99) == []


def test_a_later_key_comes_whatever_became_of_it_meanwhile() -> None:
    """It was to be looked at then: that it was looked at before does not count."""
    keys: Keys[str] = Keys()
    keys.add_later("a", 10, 0)
    keys.add("a", 0, 0.0)

    assert all_taken(keys, 5) == ["a"]
    assert all_taken(keys, 10) == ["a"]


def test_a_later_key_that_is_worked_on_comes_again_after_that() -> None:
    """Its time has come: it is as if it was added."""
    keys: Keys[str] = Keys()
    keys.add("a", 0, 0.0)
    assert taken(keys) == "a"
    keys.add_later("a", 10, 0)

    assert not keys.promote(10)
    assert taken(keys, 10) is None
    keys.done("a")
    found = keys.take(15)
    assert found is not None
    assert found.waited == 5


def test_how_long_a_key_waited_counts_from_when_it_was_due() -> None:
    """Nobody may have looked then."""
    keys: Keys[str] = Keys()
    keys.add_later("a", 10, 0)
    found = keys.take(17)

    assert found is not None
    assert found.waited == 7


@pytest.mark.parametrize("at", [float("inf"), float("nan")])
def test_no_time_is_refused(at: float) -> None:
    """It would never come, or break the order of those that do."""
    keys: Keys[str] = Keys()
    with pytest.raises(ValueError, match="added at a time"):
        keys.add_later("a", at, 0)


def test_only_who_works_on_a_key_can_be_done_with_it() -> None:
    """A second `done` would let two work on it."""
    keys: Keys[str] = Keys()
    keys.add("a", 0, 0.0)
    with pytest.raises(ValueError, match="nobody works on"):
        keys.done("a")
    assert taken(keys, 3.0) == "a"

    assert keys.began() == [3.0]
    assert keys.done("a") == 3.0
    with pytest.raises(ValueError, match="nobody works on"):
        keys.done("a")


@pytest.mark.fault("F84")
def test_closed_it_takes_nothing_in_and_gives_out_the_rest() -> None:
    """What was added while it is worked on is part of the rest; what comes later is not."""
    keys: Keys[str] = Keys()
    keys.add("a", 0, 0.0)
    assert taken(keys) == "a"
    keys.add("a", 0, 0.0)
    keys.add("b", 0, 0.0)
    keys.add_later("c", 1, 0)
    keys.close()

    assert not keys.add("d", 0, 0.0)
    assert not keys.add_later("d", 5, 0)
    assert (keys.due, keys.later, keys.is_drained) == (None, 0, False)
    assert all_taken(keys, 9) == ["b"]
    assert (keys.is_drained, keys.is_idle) == (False, False)
    keys.done("a")
    assert all_taken(keys, 9) == ["a"]
    assert (keys.is_drained, keys.is_idle) == (True, True)


def test_aborted_it_gives_out_nothing_more() -> None:
    """What is worked on can still be done with."""
    keys: Keys[str] = Keys()
    keys.add("a", 0, 0.0)
    keys.add("b", 3, 0.0)
    assert taken(keys) == "b"
    keys.add("b", 0, 0.0)
    keys.abort()

    assert taken(keys) is None
    assert (len(keys), keys.is_drained, keys.is_idle) == (0, True, False)
    keys.done("b")
    assert taken(keys) is None
    assert keys.is_idle


def test_who_only_looks_sees_what_is_due_and_moves_nothing() -> None:
    """A key that waits already is one, and one that is worked on waits for nobody yet."""
    keys: Keys[str] = Keys()
    keys.add("ready", 0, 0.0)
    keys.add("running", 5, 0.0)
    assert taken(keys) == "running"
    for key, at in {"ready": 5.0, "running": 5.0, "new": 6.0, "late": 7.0}.items():
        keys.add_later(key, at, 0)

    seen = {now: keys.waiting(now) for now in (4.0, 5.0, 6.0, 7.0)}
    assert seen == {4.0: (1, 4), 5.0: (1, 2), 6.0: (2, 1), 7.0: (3, 0)}
    assert (len(keys), keys.later, keys.tally.adds) == (1, 4, 2)


def test_the_heap_of_times_is_bounded_by_the_keys() -> None:
    """A key whose time is set earlier and earlier leaves no trail."""
    keys: Keys[str] = Keys()
    for number in range(100_000, 0, -1):
        keys.add_later("a", float(number), 0)

    assert len(keys._heap) < 200  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    assert (keys.due, keys.later) == (1.0, 1)
    assert all_taken(keys, 1e9) == ["a"]


def test_a_hundred_thousand_keys_cost_no_more_each_than_ten() -> None:
    """Taking the first of a line does not walk over those that have gone."""
    keys: Keys[int] = Keys()
    for number in range(100_000):
        keys.add(number, -100, 0.0)
    order: list[int] = []
    while (found := keys.take(0.0)) is not None:
        order.append(found.key)
        keys.done(found.key)

    assert order == list(range(100_000))  # quadratic, it would meet the timeout of the test


class Key:
    """A key that can be seen to be gone."""


def test_a_key_that_is_done_with_is_let_go() -> None:
    """Whatever was done with it before."""
    keys: Keys[Key] = Keys()
    key = Key()
    gone = weakref.ref(key)
    keys.add_later(key, 30.0, 1)
    keys.add_later(key, 20.0, 1)
    keys.add(key, 0, 0.0)
    keys.add(key, 5, 0.0)
    keys.take(0.0)
    keys.add(key, 0, 0.0)
    keys.add(key, 9, 0.0)
    keys.done(key)
    keys.take(40.0)
    keys.done(key)
    del key
    gc.collect()

    assert (gone(), keys.due) == (None, None)


class QueueMachine(RuleBasedStateMachine):
    """Any order of what users of a queue do, held against lists that are searched."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: Keys[str] = Keys()
        self.now = 0.0
        self.waiting: list[tuple[int, str]] = []  # the priority, in the order of their adding
        self.running: list[str] = []
        self.again: dict[str, int] = {}
        self.later: list[tuple[float, int, str, int]] = []  # when, which came first, key, priority
        self.count = 0
        self.closed = False

    def _add(self, key: str, priority: int) -> None:
        if key in self.running:
            self.again[key] = max(priority, self.again.get(key, priority))
            return
        held = [entry for entry in self.waiting if entry[1] == key]
        if not held:
            self.waiting.append((priority, key))
        elif held[0][0] < priority:
            self.waiting.remove(held[0])
            self.waiting.append((priority, key))

    def _next(self) -> str | None:
        if not self.waiting:
            return None
        most = max(priority for priority, _ in self.waiting)
        return next(key for priority, key in self.waiting if priority == most)

    def _come(self) -> None:
        for entry in sorted(each for each in self.later if each[0] <= self.now):
            self.later.remove(entry)
            self._add(entry[2], entry[3])

    @rule(key=st.sampled_from("abcde"), priority=st.sampled_from([-100, 0, 5]))
    def add(self, key: str, priority: int) -> None:
        """Add a key: it can be given out at once, unless it waits or is worked on."""
        before = len(self.waiting)
        fresh = self.keys.add(key, priority, self.now)
        if not self.closed:
            self._add(key, priority)
        assert fresh == (len(self.waiting) > before)

    @rule(
        key=st.sampled_from("abcde"),
        delay=st.integers(1, 9),
        priority=st.sampled_from([-100, 0, 5]),
    )
    def add_later(self, key: str, delay: int, priority: int) -> None:
        """Add a key for later: the earliest time counts, and the highest priority."""
        due, at = self.keys.due, self.now + delay
        first = self.keys.add_later(key, at, priority)
        assert first == (not self.closed and (due is None or at < due))
        if self.closed:
            return
        held = [entry for entry in self.later if entry[2] == key]
        self.count += 1
        entry = (at, self.count, key, priority)
        if held:
            self.later.remove(held[0])
            entry = min(held[0], entry)
            entry = (*entry[:3], max(held[0][3], priority))
        self.later.append(entry)

    @rule(seconds=st.integers(0, 5))
    def wait(self, seconds: int) -> None:
        """Let time pass; nobody looks."""
        self.now += seconds

    @rule()
    def look(self) -> None:
        """Let what is due wait."""
        self.keys.promote(self.now)
        self._come()

    @rule()
    def take(self) -> None:
        """Take the key that the model says, or none where it says none."""
        self._come()
        expected = self._next()
        assert taken(self.keys, self.now) == expected
        if expected is not None:
            assert expected not in self.running
            self.running.append(expected)
            self.waiting = [entry for entry in self.waiting if entry[1] != expected]

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        """End the work on a key: if it was added meanwhile, it waits."""
        key = data.draw(st.sampled_from(self.running))
        self.keys.done(key)
        self.running.remove(key)
        if key in self.again:
            self._add(key, self.again.pop(key))

    @rule(abort=st.booleans(), really=st.integers(0, 5))
    def close(self, abort: bool, really: int) -> None:  # noqa: FBT001
        """Close, and with `abort` drop what waits; rarely, lest nothing else happens."""
        if really:
            return
        self.closed = True
        self.later.clear()
        if abort:
            self.keys.abort()
            self.waiting.clear()
            self.again.clear()
        else:
            self.keys.close()

    @invariant()
    def counts_agree(self) -> None:
        """What it says of itself is what the model has."""
        keys = self.keys
        assert len(keys) == len(self.waiting)
        assert (keys.running, keys.later) == (len(self.running), len(self.later))
        assert keys.due == min((entry[0] for entry in self.later), default=None)
        due = {key for at, _, key, _ in self.later if at <= self.now}
        waiting = {key for _, key in self.waiting} | (due - {*self.running})
        assert keys.waiting(self.now) == (len(waiting), len(self.later) - len(due))
        assert keys.is_closed == self.closed
        assert keys.is_drained == (not self.waiting and not self.again)
        assert keys.is_idle == (not self.waiting and not self.running)


TestQueue = QueueMachine.TestCase

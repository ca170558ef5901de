"""What waits for a handler that wants only some changes: the last one counts, deletions stay."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.informer.caches import obj, said
from watchkit.core.events import Added, Change, Deleted, Updated
from watchkit.informer.queues import Latest


def change(word: str) -> Change:
    """Make a change of object a in a word: sign, uid, version."""
    sign, uid, version = word.split()
    now = obj("a", uid, version)
    if sign == "~":
        return Updated(obj("a", uid, "1"), now, now.meta)
    return (Added if sign == "+" else Deleted)(now, now.meta)


@pytest.mark.parametrize(
    ("words", "waiting"),
    [
        (["- u1 2", "- u2 4"], ["-a u1 2", "-a u2 4"]),
        (["- u1 2", "- u2 4", "- u3 6"], ["-a u1 2", "-a u3 6"]),
        (["- u1 2", "- u2 4", "~ u3 6"], ["-a u1 2", "~a u3 1>6"]),
        (["- u1 2", "~ u2 4", "- u2 5"], ["-a u1 2", "-a u2 5"]),
        (["- u1 2", "~ u2 4", "+ u3 6"], ["-a u1 2", "+a u3 6"]),
        (["- u1 2", "- u1 4"], ["-a u1 4"]),
        (["~ u1 2", "+ u2 4"], ["+a u2 4"]),
        (["+ u1 2", "+ u2 4"], ["+a u2 4"]),
    ],
)
def test_what_a_predicate_left_out_between_breaks_no_law(
    words: list[str], waiting: list[str]
) -> None:
    """Two at most wait: the deletion of what may have been seen, and what came last."""
    queue: Latest = Latest()
    for word in words:
        queue.put(change(word))

    assert len(queue) == 1
    taken = []
    while (each := queue.take()) is not None:
        taken.append(each)
        queue.done(each.key)
    assert said(taken) == waiting


class Told:
    """A queue of one reader, and what was put into it and taken out."""

    def __init__(self, *, is_single: bool) -> None:
        self.queue: Latest = Latest(is_single=is_single)
        self.put: list[Change] = []
        self.taken: list[Change] = []
        self.in_hand: Change | None = None
        self.version = 0

    def put_all(self, names: list[str]) -> None:
        """Put what happened to these objects: they come, and are updated from then on."""
        changes = [self.next(name) for name in names]
        self.put += changes
        self.queue.put_all(changes, distinct=len(set(names)) == len(names))

    def next(self, name: str) -> Change:
        """Make an object's next change."""
        self.version += 1
        now = obj(name, "u1", str(self.version))
        before = [each.object for each in self.put if each.name == name]
        if not before:
            return Added(now, now.meta)
        return Updated(before[-1], now, now.meta)

    def read(self) -> None:
        """Finish what is in hand, and take the next."""
        if self.in_hand is not None:
            self.queue.finish(self.in_hand)
        self.in_hand = self.queue.take()
        if self.in_hand is not None:
            self.taken.append(self.in_hand)


@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=4) | st.none()), st.booleans())
def test_a_reader_sees_each_key_go_from_what_it_saw_to_what_is(
    steps: list[list[str] | None],
    is_single: bool,  # noqa: FBT001
) -> None:
    """Whether changes are given out as they came or from under their keys."""
    told = Told(is_single=is_single)
    for step in steps:
        if step is None:
            told.read()
        else:
            told.put_all(step)
        assert len(told.queue) <= len({each.key for each in told.put})
    while told.in_hand is not None or len(told.queue):
        told.read()

    assert told.queue.keys() == set()
    for name in "abcd":
        mine = [each for each in told.taken if each.name == name]
        last = [each for each in told.put if each.name == name][-1:]
        assert [each.resource_version for each in mine[-1:]] == [
            each.resource_version for each in last
        ]
        for before, after in pairwise(mine):
            assert isinstance(after, Updated)
            assert after.old.resource_version == before.resource_version


def test_what_was_given_out_is_worked_on_until_it_is_done() -> None:
    """Its key waits, and counts among those on their way."""
    told = Told(is_single=True)
    told.put_all(["a", "b"])
    told.read()
    told.put_all(["a"])

    assert told.queue.keys() == {"shop/a", "shop/b"}
    told.read()
    assert said(told.taken) == ["+a u1 1", "+b u1 2"]
    told.read()
    assert said(told.taken[2:]) == ["~a u1 1>3"]


def test_what_is_in_hand_counts_among_the_keys_on_their_way() -> None:
    """Whoever replays the cache leaves it out, and nothing is settled before it is done."""
    told = Told(is_single=True)
    told.put_all(["a"])
    told.read()

    assert told.queue.keys() == {"shop/a"}
    told.read()
    assert told.queue.keys() == set()


def test_nothing_is_left_of_what_was_cleared() -> None:
    """Of a list that was to be given out as it came, either."""
    told = Told(is_single=True)
    told.put_all(["a", "b"])
    told.read()
    told.queue.clear()

    assert len(told.queue) == 0
    assert told.queue.take() is None

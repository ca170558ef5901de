"""What waits for a handler that wants only some changes: the last one counts, deletions stay."""

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
        (["- u1 2", "- u2 4", "+ u3 6"], ["-a u1 2", "+a u3 6"]),
        (["- u1 2", "- u2 4", "+ u3 6", "- u3 7"], ["-a u1 2"]),
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


@pytest.mark.parametrize(
    ("words", "waiting"),
    [
        (["+ u1 4", "- u1 5"], ["-a u1 5"]),
        (["+ u1 4", "~ u1 5", "- u1 6"], ["-a u1 6"]),
        (["+ u2 4", "- u2 5"], []),
        (["- u1 3", "+ u1 4", "- u1 5"], ["-a u1 3"]),
    ],
)
@pytest.mark.parametrize("is_handled", [True, False])
def test_the_end_of_what_was_seen_is_told_though_a_predicate_left_out_an_earlier_one(
    words: list[str], waiting: list[str], *, is_handled: bool
) -> None:
    """It saw u1; that it was gone once, and came back, need not have been wanted."""
    queue: Latest = Latest(remembers=True)
    queue.put(change("+ u1 2"))
    seen = queue.take()
    assert seen is not None
    if is_handled:
        queue.done(seen.key)
    for word in words:
        queue.put(change(word))
    if not is_handled:
        queue.done(seen.key)

    taken = []
    while (each := queue.take()) is not None:
        taken.append(each)
        queue.done(each.key)
    assert said(taken) == waiting


def test_what_was_told_of_as_gone_is_not_told_of_again() -> None:
    """What came and went behind that, unseen, is nothing."""
    queue: Latest = Latest(remembers=True)
    for word in ("+ u1 2", "- u1 3"):
        queue.put(change(word))
        assert queue.take() is not None
        queue.done(change(word).key)
    for word in ("+ u1 4", "- u1 5"):
        queue.put(change(word))

    assert len(queue) == 0


RUNNERS = ("one runs", "another runs")


class Pair:
    """One queue that gets its batches whole, and one that gets them change by change."""

    def __init__(self) -> None:
        self.whole: Latest = Latest()
        self.single: Latest = Latest()
        self.taken: list[Change] = []
        self.running = {each: self.whole.run(3) for each in RUNNERS}
        self.given: dict[str, Change | None] = dict.fromkeys(RUNNERS)
        self.versions: dict[str, int] = {}

    def put(self, names: tuple[str, ...]) -> None:
        """Put a batch of updates, one for each name."""
        batch = [self.updated(name) for name in names]
        self.whole.put_all(batch, distinct=True)
        self.single.put_all(batch, distinct=False)

    def updated(self, name: str) -> Change:
        """Make the next update of a name."""
        before, now = self.versions.get(name, 0), self.versions.get(name, 0) + 1
        self.versions[name] = now
        new = obj(name, "u1", str(now))
        return Updated(obj(name, "u1", str(before)), new, new.meta)

    def do(self, what: str) -> None:
        """Do the same to both."""
        if what == "take":
            mine, its = self.whole.take(), self.single.take()
            assert said([mine] if mine else []) == said([its] if its else [])
            self.taken += [mine] if mine else []
        elif what in RUNNERS:
            self.go_on(what)
        elif what == "clear":
            self.whole.clear()
            self.single.clear()
        elif self.taken:
            key = self.taken.pop(0 if what == "done first" else -1).key
            self.whole.done(key)
            self.single.done(key)

    def go_on(self, runner: str) -> None:
        """Run through the one, which ends what was given before; take and end in the other."""
        before = self.given[runner]
        if before is not None:
            self.single.done(before.key)
        now = self.given[runner] = next(self.running[runner], None)
        if now is None:
            self.running[runner] = self.whole.run(3)
            return
        its = self.single.take()
        assert its is not None
        assert said([now]) == said([its])


@given(
    st.lists(
        st.lists(st.sampled_from("abcd"), unique=True, max_size=4).map(tuple)
        | st.sampled_from(["take", "done first", "done last", "clear", *RUNNERS]),
        max_size=30,
    )
)
def test_a_batch_that_is_put_whole_is_given_out_as_change_by_change(
    steps: list[tuple[str, ...] | str],
) -> None:
    """Whatever is taken, run through and done between, by one reader or several; whatever waits."""
    pair = Pair()
    for step in steps:
        if isinstance(step, tuple):
            pair.put(step)
        else:
            pair.do(step)
        assert len(pair.whole) == len(pair.single)
        assert pair.whole.keys() == pair.single.keys()


def test_who_runs_through_a_batch_gets_no_more_than_was_asked_for() -> None:
    """The rest waits for the next run, or for who takes one by one."""
    pair, queue = Pair(), Latest()
    queue.put_all([pair.updated(name) for name in "abcd"], distinct=True)

    assert [each.name for each in queue.run(2)] == ["a", "b"]
    assert len(queue) == 2
    third = queue.take()
    assert third is not None
    assert [*queue.run(2)] == []  # somebody works on one: each has to be looked for
    queue.done(third.key)
    assert [each.name for each in (third, *queue.run(2))] == ["c", "d"]
    assert [*queue.run(2)] == []

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


@given(
    st.lists(
        st.lists(st.sampled_from("abcd"), unique=True, max_size=4).map(tuple)
        | st.sampled_from(["take", "done first", "done last"]),
        max_size=30,
    )
)
def test_a_batch_that_is_put_whole_is_given_out_as_change_by_change(
    steps: list[tuple[str, ...] | str],
) -> None:
    """Whatever is taken and done between, by one reader or by several, and whatever waits."""
    whole: Latest = Latest()
    single: Latest = Latest()
    taken: list[Change] = []
    versions: dict[str, int] = {}

    def updated(name: str) -> Change:
        before, now = versions.get(name, 0), versions.get(name, 0) + 1
        versions[name] = now
        new = obj(name, "u1", str(now))
        return Updated(obj(name, "u1", str(before)), new, new.meta)

    for step in steps:
        if isinstance(step, tuple):
            batch = [updated(name) for name in step]
            whole.put_all(batch, distinct=True)
            single.put_all(batch, distinct=False)
        elif step == "take":
            mine, its = whole.take(), single.take()
            assert said([mine] if mine else []) == said([its] if its else [])
            taken += [mine] if mine else []
        elif taken:
            key = taken.pop(0 if step == "done first" else -1).key
            whole.done(key)
            single.done(key)
        assert len(whole) == len(single)
        assert whole.keys() == single.keys()

"""What waits for a handler that wants only some changes: the last one counts, deletions stay."""

import pytest

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

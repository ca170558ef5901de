"""Laws of the live table's rows: the last thing known of each object, and the latest first."""

from collections.abc import Callable
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.cli.examples import added, deleted, modified, pod
from watchkit.cli.board import LINGER, Board, ago, row_of
from watchkit.core.events import ObjectEvent
from watchkit.core.objects import Object


def test_a_row_tells_of_its_object() -> None:
    """Who it is, how it is, how old, at which version."""
    row = row_of(added(pod(status={"phase": "Pending"})), now=3.0)

    today = datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)
    assert row.cells(today) == ["shop", "web-0", "Pending", "30s", "7"]
    assert ago(row, now=5.0) == "added 2s ago"


def test_what_was_there_before_has_no_time() -> None:
    """It did not happen while we watched."""
    row = row_of(added(pod(), initial=True), now=3.0)

    assert ago(row, now=5.0) == "existing"
    assert row.tone == "plain"


def test_an_inferred_event_says_so() -> None:
    """Nobody saw it happen."""
    assert row_of(modified(pod(), inferred=True), 0.0).event == "modified (inferred)"
    assert row_of(deleted(pod(), inferred=True), 0.0).event == "deleted (inferred)"


def test_a_row_cannot_move_the_cursor() -> None:
    """A name that no API server would take is shown, not obeyed."""
    row = row_of(added(pod("a\x1b[2J", metadata={"resourceVersion": "\r1"})), 0.0)

    assert all(cell.isprintable() for cell in row.cells(datetime.now(UTC)))


def test_an_object_has_one_row() -> None:
    """The last event's; a pod of that name in another namespace is another object."""
    board = Board()
    board.take(added(pod()), 1.0)
    board.take(added(pod(namespace="other")), 1.0)
    board.take(modified(pod()), 2.0)

    assert [(row.namespace, row.event) for row in board.shown(9, 2.0)] == [
        ("other", "added"),
        ("shop", "modified"),
    ]
    assert board.count == 2


def test_a_deleted_object_stays_a_while() -> None:
    """Long enough to be seen; it is no longer counted, and its successor takes its row."""
    board = Board()
    board.take(added(pod()), 0.0)
    board.take(deleted(pod()), 1.0)

    assert board.count == 0
    assert len(board.shown(9, 1.0 + LINGER - 0.1)) == 1
    assert board.shown(9, 1.0 + LINGER) == []
    assert len(board) == board.count == 0

    board.take(deleted(pod()), 20.0)
    board.take(added(pod()), 21.0)

    assert board.count == 1
    assert len(board.shown(9, 99.0)) == 1


def test_where_room_is_short_the_latest_are_shown() -> None:
    """In the order of the table, whichever came last."""
    board = Board()
    for name in ("c", "a", "d", "b"):
        board.take(added(pod(name)), 0.0)
    board.take(modified(pod("c")), 1.0)

    assert [row.name for row in board.shown(3, 1.0)] == ["b", "c", "d"]
    assert board.shown(0, 1.0) == board.shown(-5, 1.0) == []


HAPPENINGS: list[Callable[[Object], ObjectEvent]] = [added, modified, deleted]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(HAPPENINGS))))
def test_the_count_is_that_of_the_living(
    events: list[tuple[str, Callable[[Object], ObjectEvent]]],
) -> None:
    """Whatever comes after whatever, and whether or not it was looked at."""
    board, living = Board(), set[str]()
    for now, (name, make) in enumerate(events):
        event = make(pod(name))
        board.take(event, float(now))
        (living.discard if event.type == "DELETED" else living.add)(name)
        if now % 3:
            board.shown(2, float(now))

    assert board.count == len(living)

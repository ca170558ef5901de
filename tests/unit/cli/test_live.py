"""Laws of the live table: what it draws, however small the terminal."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console

from tests.unit.cli.examples import added, deleted, pod
from watchkit.cli.board import Row, row_of
from watchkit.cli.live import footer_of, grid_of

TODAY = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
ROWS = [
    row_of(added(pod(status={"phase": "Running"})), 0.0),
    row_of(deleted(pod("web-1")), 0.0),
]


def drawn(rows: Sequence[Row], *, width: int = 100, namespaced: bool = True) -> list[str]:
    """Draw a table in a terminal of that width and give its lines."""
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=True, color_system=None)
    console.print(grid_of(rows, 5.0, TODAY, namespaced=namespaced))
    return file.getvalue().splitlines()


def test_rows_stand_under_headings() -> None:
    """One line each, the time since the event included."""
    heading, first, second = drawn(ROWS)

    assert heading.split() == ["NAMESPACE", "NAME", "STATUS", "AGE", "VERSION", "LAST", "EVENT"]
    assert first.split() == ["shop", "web-0", "Running", "60s", "7", "added", "5s", "ago"]
    assert second.split()[-3:] == ["deleted", "5s", "ago"]
    assert heading.index("LAST") == first.index("added") == second.index("deleted")


def test_what_has_no_namespace_has_no_column_for_it() -> None:
    """Cluster-scoped resources begin with the name."""
    heading, first, _ = drawn(ROWS, namespaced=False)

    assert heading.startswith("NAME ")
    assert first.startswith("web-0 ")


def test_a_narrow_terminal_wraps_no_line() -> None:
    """A wrapped line would break the counting by which the table is painted over."""
    lines = drawn([row_of(added(pod("w" * 80)), 0.0)], width=40)

    assert len(lines) == 2
    assert all(len(line) <= 40 for line in lines)


def test_names_are_text_not_markup() -> None:
    """What stands in brackets is no style."""
    assert "[bold]x" in drawn([row_of(added(pod("[bold]x")), 0.0)])[1]


def test_the_line_below_tells_what_is_shown() -> None:
    """How many there are, how many have no room, how the watch is."""
    assert footer_of("pods", 1, 0, "watching") == "pods: 1 object, watching"
    assert footer_of("pods", 9, 4, "retrying") == "pods: 9 objects (4 not shown), retrying"

"""The live table: what is there now, repainted in place, with what the watch is doing below it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import anyio
from rich import console, table, text

from watchkit.cli.board import Board, Row, ago
from watchkit.cli.lines import HEADINGS
from watchkit.cli.output import announce
from watchkit.cli.painting import Painting
from watchkit.core.events import ObjectEvent

_TICK: Final = 0.1
"""Seconds between two looks at whether there is something to paint: as fast as eyes follow."""
_REPAINT: Final = 1.0
"""Seconds after which ages have changed."""
_FRAME: Final = 4
"""Lines that are no rows: headings, an empty one, the state, and where the cursor stands."""
_STYLES: Final = {"plain": "", "added": "green", "modified": "yellow", "deleted": "red"}


class LiveTable(Painting):
    """Shows events as a table in the terminal that stdout is; what is said goes above it.

    `state` tells in a word or two what the watch is doing.
    """

    def __init__(self, title: str, *, namespaced: bool, state: Callable[[], str]) -> None:
        super().__init__(above=sys.stderr.isatty())
        self._title = title
        self._namespaced = namespaced
        self._state = state
        self._board = Board()
        self._is_due = True

    def show(self, event: ObjectEvent) -> None:
        """Take in an event; it is painted with the next tick."""
        self._board.take(event, anyio.current_time())
        self._is_due = True

    def say(self, news: str) -> None:
        """Say it on stderr."""
        self._is_due = True
        announce(news)

    async def keep_alive(self) -> None:
        """Paint when there is something new, and once a second as ages grow."""
        painted = -_REPAINT
        while True:
            now = anyio.current_time()
            if self._is_due or now - painted >= _REPAINT:
                self._is_due = False
                painted = now
                self._live.update(self._picture(now), refresh=True)
            await anyio.sleep(_TICK)

    def _picture(self, now: float) -> console.Group:
        rows = self._board.shown(self._console.size.height - _FRAME, now)
        hidden = len(self._board) - len(rows)
        grid = grid_of(rows, now, datetime.now(UTC), namespaced=self._namespaced)
        footer = footer_of(self._title, self._board.count, hidden, self._state())
        said = text.Text(footer, style="dim", no_wrap=True, overflow="ellipsis")
        return console.Group(grid, text.Text(""), said)


def grid_of(rows: Sequence[Row], now: float, today: datetime, *, namespaced: bool) -> table.Table:
    """Draw the rows; a deleted object's is dim."""
    skip = 0 if namespaced else 1
    grid = table.Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for heading in HEADINGS[skip:]:
        grid.add_column(heading, no_wrap=True, overflow="ellipsis")
    for row in rows:
        cells = [text.Text(cell) for cell in row.cells(today)[skip:]]
        event = text.Text(ago(row, now), style=_STYLES[row.tone])
        grid.add_row(*cells, event, style="dim" if row.tone == "deleted" else "")
    return grid


def footer_of(title: str, count: int, hidden: int, state: str) -> str:
    """Say in one line what is shown and how the watch is."""
    objects = "1 object" if count == 1 else f"{count} objects"
    latest = f" ({hidden} not shown)" if hidden > 0 else ""
    return f"{title}: {objects}{latest}, {state}"

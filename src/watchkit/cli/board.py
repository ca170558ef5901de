"""The rows of the live table: the last thing known of each object, and what of it to show. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final, Literal, TypeAlias

from watchkit.cli.status import age_of, printable, span, status_of
from watchkit.core.events import Deleted, ObjectEvent

Tone: TypeAlias = Literal["plain", "added", "modified", "deleted"]

LINGER: Final = 8.0
"""Seconds that the row of a deleted object stays, so that its end can be seen."""


@dataclass(frozen=True, slots=True)
class Row:
    """One object; `seen` is when the event came, in seconds of any clock that only rises."""

    namespace: str
    name: str
    status: str
    created: datetime | None
    version: str
    event: str
    tone: Tone
    seen: float

    @property
    def place(self) -> tuple[str, str]:
        """Where it stands in the table."""
        return self.namespace, self.name

    def cells(self, today: datetime) -> list[str]:
        """NAMESPACE, NAME, STATUS, AGE and VERSION; what happened last is said in more ways."""
        age = age_of(self.created, today)
        return [self.namespace, self.name, self.status, age, self.version]


def row_of(event: ObjectEvent, now: float) -> Row:
    """The row that an event makes."""
    meta = event.meta
    is_deleted = isinstance(event, Deleted)
    return Row(
        printable(meta.namespace or ""),
        printable(meta.name),
        "" if is_deleted else status_of(event.object),
        meta.creation_timestamp,
        printable(meta.resource_version),
        said_of(event),
        tone_of(event),
        now,
    )


def said_of(event: ObjectEvent) -> str:
    """Say what happened: "added", "deleted (inferred)"; "existing" for what was there before."""
    if event.initial:
        return "existing"
    return f"{event.type.lower()} (inferred)" if event.inferred else event.type.lower()


def tone_of(event: ObjectEvent) -> Tone:
    """Tell how to set an event apart; what was there before is nothing to be set apart."""
    if event.initial:
        return "plain"
    tones: dict[str, Tone] = {"ADDED": "added", "MODIFIED": "modified", "DELETED": "deleted"}
    return tones[event.type]


class Board:
    """What is known of each object that an event has told of."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Row] = {}
        self._gone = 0

    def take(self, event: ObjectEvent, now: float) -> None:
        """Know what an event tells."""
        row = row_of(event, now)
        before = self._rows.pop(row.place, None)  # the latest stand last
        self._gone += (row.tone == "deleted") - (before is not None and before.tone == "deleted")
        self._rows[row.place] = row

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def count(self) -> int:
        """How many objects there are, as far as events told."""
        return len(self._rows) - self._gone

    def shown(self, room: int, now: float) -> list[Row]:
        """Give the rows to show, in order: where there is room for some only, the latest.

        Deleted objects are forgotten LINGER seconds after their end.
        """
        self._forget(now)
        latest = islice(reversed(self._rows.values()), max(0, room))
        return sorted(latest, key=lambda row: row.place)

    def _forget(self, now: float) -> None:
        over = [row for row in self._rows.values() if _is_over(row, now)] if self._gone else []
        for row in over:
            del self._rows[row.place]
        self._gone -= len(over)


def _is_over(row: Row, now: float) -> bool:
    return row.tone == "deleted" and now - row.seen >= LINGER


def ago(row: Row, now: float) -> str:
    """The event and how long ago it was: "modified 3s ago"; "existing" has no such time."""
    return row.event if row.tone == "plain" else f"{row.event} {span(now - row.seen)} ago"

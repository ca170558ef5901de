"""Turns what the server says into events, which wait here until somebody asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeAlias

from typing_extensions import TypeVar

from watchkit.core.events import Began, Bookmark, Change, ObjectEvent, Relisted, Synced
from watchkit.watching.intake import Intake, take_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchkit.core.ledger import Memory
    from watchkit.core.listing import Listing
    from watchkit.core.tally import Tally
    from watchkit.observe.log import Observer

E = TypeVar("E", bound=ObjectEvent[object] | Change[object], default=ObjectEvent)

Marker: TypeAlias = Relisted | Synced | Bookmark | Began
"""What comes between the events."""


class Gathering(Generic[E]):
    """The events of a list+watch as its memory tells them, with the markers between; never waits.

    `replays` says whether the objects of a first list are events.
    """

    def __init__(
        self, memory: Memory[E], observer: Observer, tally: Tally, *, replays: bool
    ) -> None:
        self.replays: bool = replays
        self._memory = memory
        self._observer = observer
        self._tally = tally
        self._events: list[E | Marker] = []

    def __len__(self) -> int:
        return len(self._events)

    def drain(self, most: int | None = None) -> Sequence[E | Marker]:
        """Give all that wait, or the first of them."""
        events, self._events = self._events, []
        if most is not None and len(events) > most:
            events, self._events = events[:most], events[most:]
        self._tally.told(events)
        return events

    def watched(
        self,
        frames: Sequence[bytes],
        version: str | None,
        asked: str | None,
        initial: Listing | None,
    ) -> Intake[E]:
        """Take what a watch has sent (see `take_in`); what came of it."""
        intake = take_in(frames, self._memory, version=version, asked=asked, initial=initial)
        self._events.extend(intake.events)
        if intake.bookmarks:
            self._tally.bookmarked(intake.bookmarks)
        if intake.synced:
            count = len(initial.entries) if initial is not None else 0
            self._observer.listed(intake.version or "", objects=count, events=count, gap=False)
        return intake

    def listed(self, listing: Listing, *, gap: bool) -> str:
        """Take a whole list, `gap` where it closes one; the version that it shows."""
        version = listing.version or ""
        events = self._memory.replace(listing, initial=not gap)
        count = len(events)
        self._observer.listed(version, objects=len(listing.entries), events=count, gap=gap)
        if gap:
            self._events += [Relisted(version), *events, Synced(version)]
        elif self.replays:
            self._events += [*events, Synced(version)]
        else:
            self._events.append(Began(version))
        return version

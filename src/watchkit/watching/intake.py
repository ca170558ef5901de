"""From frames to events: what one read of an open watch amounts to. It never waits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic

import msgspec
from typing_extensions import TypeVar

from watchkit.core.decoding import Marked, Told, decode_frame
from watchkit.core.errors import ApiError, ProtocolError, WatchkitError
from watchkit.core.events import Bookmark, Change, ObjectEvent, Synced
from watchkit.core.versions import is_before, latest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchkit.core.ledger import Memory
    from watchkit.core.listing import Listing


E = TypeVar("E", bound=ObjectEvent[object] | Change[object], default=ObjectEvent)


@dataclass(slots=True)
class Intake(Generic[E]):
    """What came of one batch of frames.

    `version` is the position after it, `failure` what ended it (frames behind it are void),
    `bookmarks` how many of them were bookmarks, `synced` whether the initial events ended.
    """

    version: str | None
    events: list[E | Bookmark | Synced] = field(default_factory=list)
    failure: WatchkitError | None = None
    bookmarks: int = 0
    synced: bool = False


def take_in(
    frames: Sequence[bytes],
    memory: Memory[E],
    *,
    version: str | None,
    asked: str | None,
    initial: Listing | None,
) -> Intake[E]:
    """Read frames in their order, up to the first that is an error or cannot be read.

    `version` is the position before them, `asked` the version that this watch began after,
    `initial` collects the initial events of a streaming list (None once they have ended).
    """
    intake: Intake[E] = Intake(version)
    for frame in frames:
        try:
            said = decode_frame(frame)
        except ProtocolError as error:
            intake.failure = error
            break
        if isinstance(said, ApiError):
            intake.failure = said
            break
        if isinstance(said, Marked):
            initial = _take_mark(intake, said, memory, initial)
        elif initial is not None:
            _take_initial(said, initial)
        else:
            _take_event(intake, said, memory, asked)
    return intake


def _take_event(intake: Intake[E], told: Told, memory: Memory[E], asked: str | None) -> None:
    events = memory.apply(told.verb, told.object, asked)
    if not events:
        return
    intake.events += events
    version = told.object.meta.resource_version
    if intake.version is not None and is_before(version, intake.version):
        last = events[-1]
        if not isinstance(last, Bookmark):
            last = msgspec.structs.replace(last, resume_version=intake.version)
            intake.events[-1] = last
    else:
        intake.version = version


def _take_mark(
    intake: Intake[E], marked: Marked, memory: Memory[E], initial: Listing | None
) -> Listing | None:
    """A version is learnt from the end of the initial events, not from bookmarks before it."""
    intake.bookmarks += 1
    if initial is None:
        intake.version = latest(marked.version, intake.version)
        intake.events.append(Bookmark(intake.version))
        return None
    if not marked.ends_initial:
        return initial
    initial.version = marked.version
    intake.events.extend(memory.replace(initial, initial=True))
    intake.events.append(Synced(marked.version))
    intake.version, intake.synced = marked.version, True
    return None


def _take_initial(told: Told, initial: Listing) -> None:
    if told.verb == "DELETED":
        initial.drop(told.object.key)
    else:
        initial.put(told.object)

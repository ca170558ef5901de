"""Where a resumable watch stands, what its driver can see, and what is decided: values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import msgspec

from watchkit.core import errors
from watchkit.core.backoff import Backoff
from watchkit.core.pace import Pace


@dataclass(frozen=True, slots=True)
class Policy:
    """What the caller chose: how to wait, and what to do when the version is gone."""

    backoff: Backoff = field(default_factory=Backoff)
    on_expired: Literal["relist", "raise"] = "relist"
    idle_timeout: float = 150.0


# What is made anew for each read of a watch is a Struct: to copy a frozen dataclass of so many
# fields takes longer than to decode an event. An error may be part of a cycle (its traceback
# holds frames), so the collector is kept off those only that hold none.

# What to do next.


class Watch(msgspec.Struct, frozen=True, gc=False):
    """Watch from strictly after `version`."""

    version: str


class List(msgspec.Struct, frozen=True, gc=False):
    """List, with no version; `gap` where that closes one, `paged` False as the last resort."""

    gap: bool
    paged: bool = True


class Stream(msgspec.Struct, frozen=True, gc=False):
    """Watch with the current objects as initial events."""


class Dead(msgspec.Struct, frozen=True):
    """Nothing: the version is gone and the caller wants to know. Raised again without a request."""

    error: errors.ResourceExpired


Next: TypeAlias = Watch | List | Stream | Dead


class Position(msgspec.Struct, frozen=True):
    """Where a watch stands: what to do next, from when on, and how it got here."""

    next: Next
    pace: Pace
    known: str | None = None
    """The last version known of, expired or not: no list may show an older one."""
    whole: bool = False
    """A list was taken: the memory knows all of the world, so a gap hides no deletion."""
    not_before: float = 0.0
    attempt: int = 0
    """Failures since progress: the exponent of the back-off."""
    failures: int = 0
    cause: Exception | None = None
    short_ends: int = 0
    bad_frames: int = 0
    stream_errors: int = 0
    expired_pages: int = 0
    refreshed: bool = False
    """The one immediate retry after a 401 is used up, in this run of failures."""
    hushed: bool = False
    """The one immediate reconnect after an idle timeout is used up, in this run of failures."""
    too_large: bool = False
    suspect: bool = False
    """A connection broke: behind the next one the store may be another (see `probe`)."""
    bookmarked: bool = False
    silent_watches: int = 0
    epoch: int = 0


# What the driver saw.


class Opened(msgspec.Struct, frozen=True, gc=False):
    """A watch was answered with 200."""


class Moved(msgspec.Struct, frozen=True, gc=False):
    """A watch frame moved the version, or was a bookmark at it."""

    version: str
    by_bookmark: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """A watch ended cleanly, `lived` seconds after its request, `asked` for its timeout."""

    lived: float
    asked: int
    moved: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """A list (or the initial events) is complete."""

    version: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A request, or what it had opened, failed; `opened` where a watch's head had come before."""

    error: errors.WatchkitError
    opened: bool = False


@dataclass(frozen=True, slots=True)
class Restored:
    """A probe or a list showed a version older than the known one: the store was restored."""

    version: str


@dataclass(frozen=True, slots=True)
class Lacking:
    """The server refused `what`, which the caller had not asked for, or did not do it.

    `at_once`: nothing has failed that waiting would heal.
    """

    what: str
    error: errors.WatchkitError
    at_once: bool = True


@dataclass(frozen=True, slots=True)
class Doubted:
    """Somebody has a reason to see the world anew, though no server said so."""

    why: str


@dataclass(frozen=True, slots=True)
class Abandoned:
    """A request was given up before its answer: the consumer was cancelled."""


Signal: TypeAlias = (
    Opened | Moved | Ended | Listed | Failed | Lacking | Restored | Doubted | Abandoned
)


Level: TypeAlias = Literal["debug", "info", "warning"]


@dataclass(frozen=True, slots=True)
class Said:
    """One decision as the log will have it; a delay in seconds where there is one."""

    event: str
    level: Level
    fields: Mapping[str, object]


class Decision(msgspec.Struct, frozen=True):
    """What `step` decided."""

    position: Position
    said: Said | None = None
    error: errors.WatchkitError | None = None
    probe: str | None = None
    """Beside the watch that opened, ask for the store's version: is it older than this one?"""

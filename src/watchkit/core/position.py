"""Where a resumable watch stands, what its driver can see, and what is decided: values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from watchkit.core.backoff import Backoff

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchkit.core import errors
    from watchkit.core.pace import Pace


@dataclass(frozen=True, slots=True)
class Policy:
    """What the caller chose: how to wait, and what to do when the version is gone."""

    backoff: Backoff = field(default_factory=Backoff)
    on_expired: Literal["relist", "raise"] = "relist"
    idle_timeout: float = 150.0


# What to do next.


@dataclass(frozen=True, slots=True)
class Watch:
    """Watch from strictly after `version`."""

    version: str


@dataclass(frozen=True, slots=True)
class List:
    """List, with no version; `gap` where that closes one, `paged` False as the last resort."""

    gap: bool
    paged: bool = True


@dataclass(frozen=True, slots=True)
class Stream:
    """Watch with the current objects as initial events."""


@dataclass(frozen=True, slots=True)
class Dead:
    """Nothing: the version is gone and the caller wants to know. Raised again without a request."""

    error: errors.ResourceExpired


Next: TypeAlias = Watch | List | Stream | Dead


@dataclass(frozen=True, slots=True)
class Position:
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


@dataclass(frozen=True, slots=True)
class Opened:
    """A watch was answered with 200."""


@dataclass(frozen=True, slots=True)
class Moved:
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
    """The server refused `what`, which the caller had not asked for, or did not do it."""

    what: str
    error: errors.WatchkitError


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


@dataclass(frozen=True, slots=True)
class Decision:
    """What `step` decided."""

    position: Position
    said: Said | None = None
    error: errors.WatchkitError | None = None
    probe: str | None = None
    """Beside the watch that opened, ask for the store's version: is it older than this one?"""

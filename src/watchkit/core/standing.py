"""Where a candidate stands, what it sends, and what may come of that: values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

from watchkit.core.tenure import Record, Terms

if TYPE_CHECKING:
    from watchkit.core.errors import WatchkitError


@dataclass(frozen=True, slots=True)
class Read:
    """Get the lease."""


@dataclass(frozen=True, slots=True)
class Create:
    """Create the lease."""

    record: Record


@dataclass(frozen=True, slots=True)
class Replace:
    """Put the lease, if it still has `record.version`."""

    record: Record


Request: TypeAlias = Read | Create | Replace


@dataclass(frozen=True, slots=True)
class Found:
    """The lease was read."""

    record: Record


@dataclass(frozen=True, slots=True)
class Written:
    """What was asked to be written is written."""

    record: Record


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no such lease."""


@dataclass(frozen=True, slots=True)
class Refused:
    """409: somebody else has written it meanwhile (or an earlier request of our own did)."""


@dataclass(frozen=True, slots=True)
class Failed:
    """No answer, or one that tells nothing of the lease."""

    error: WatchkitError


Answer: TypeAlias = Found | Written | Absent | Refused | Failed


@dataclass(frozen=True, slots=True)
class Sent:
    """When a request was sent, the time that it writes, by which it is known again, and over what.

    `version` is the one that it replaces, "" of a creation; a request that only reads has neither.
    """

    at: float
    stamp: str | None = None
    version: str = ""


@dataclass(frozen=True, slots=True)
class Lost:
    """Why a holder is none any more."""

    why: str
    cause: WatchkitError | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one stands: all times are of one's own monotonic clock, in seconds.

    `record`: the lease as last seen (None: not there), unchanged since `since`. `known`: it was
    there once. `deadline`: until when it is ours. `next` is sent at `at`. `sent` is under way,
    `doubt` a write that got no answer, or a wrong one. `trial` is when a lease that we made in
    the place of a deleted one may be led by: its holder is not known to have ended before.
    `term` counts the times it became ours.
    """

    terms: Terms
    record: Record | None = None
    since: float = -math.inf
    known: bool = False
    gone_since: float | None = None
    leads: bool = False
    deadline: float = -math.inf
    trial: float = -math.inf
    term: int = 0
    next: Literal["read", "write"] = "read"
    at: float = -math.inf
    sent: Sent | None = None
    doubt: Sent | None = None
    last_stamp: datetime | None = None
    conflicts: int = 0
    failures: int = 0
    cause: WatchkitError | None = None
    lost: Lost | None = None
    fatal: WatchkitError | None = None

    @property
    def is_ours(self) -> bool:
        """Whether the lease, as far as known, names this candidate."""
        return self.record is not None and self.record.holder == self.terms.identity

    def leads_at(self, now: float) -> bool:
        """Whether the lease is ours at this time."""
        return self.leads and now < self.deadline

"""What a run leaves to be judged: requests as they went out, events as they came, and samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import msgspec

from tests.simulation.history import Held, View


class Told(msgspec.Struct, frozen=True, gc=False):
    """An event or a change, as a consumer was told it. `old` is an update's old object."""

    at: float
    what: Literal["ADDED", "MODIFIED", "DELETED", "UPDATED"]
    held: Held
    old: Held | None
    initial: bool
    inferred: bool
    replayed: bool
    resume: str | None


class Marked(msgspec.Struct, frozen=True, gc=False):
    """A marker between a watcher's events."""

    at: float
    what: Literal["relisted", "synced", "bookmark"]
    version: str


class Began(msgspec.Struct, frozen=True, gc=False):
    """A consumer began anew, at a stored version (None: at none)."""

    at: float
    version: str | None


class Raised(msgspec.Struct, frozen=True, gc=False):
    """A consumer was raised an error, and went on."""

    at: float
    error: str


Record: TypeAlias = Told | Marked | Began | Raised


class Asked(msgspec.Struct, frozen=True, gc=False):
    """One request that a consumer sent."""

    at: float
    verb: Literal["list", "watch"]
    query: Mapping[str, str]

    @property
    def is_probe(self) -> bool:
        """Whether it is the list beside a watch."""
        return self.verb == "list" and self.query.get("limit") == "1"


@dataclass(slots=True)
class Exchange:
    """One request that is no probe, and what came of it.

    `end` is how it was over: "" (not yet), "answered" (a page), "refused" (with `status`, also
    that of an ERROR event), "broken", "no answer", "closed" (by the server, cleanly), "given up"
    (an open watch, by the consumer), "abandoned" (before its head).
    """

    asked: Asked
    end: str = ""
    over_at: float = 0.0
    status: int = 0
    retry_after: float = 0.0
    too_large: bool = False
    opened: bool = False
    frames: int = 0
    """Frames that a watch gave before it was over, the bad one included."""
    bad: bool = False
    """Whether the last frame was one that nobody can read."""
    taken: str | None = None
    """A version that a frame of it has moved the consumer to, at least."""
    bookmarked: bool = False
    """Whether the server had sent a bookmark before it was opened."""
    waited: float = 0.0
    """Seconds in which the consumer was ready for more, since the last frame."""

    @property
    def kind(self) -> Literal["list", "page", "watch", "stream"]:
        """A list, or a later page of it; a watch, or one that begins with initial events."""
        if self.asked.verb == "list":
            return "page" if "continue" in self.asked.query else "list"
        return "stream" if "sendInitialEvents" in self.asked.query else "watch"


class Sampled(msgspec.Struct, frozen=True, gc=False):
    """A look at a consumer: what it says of itself, and when the server was last heard of.

    `heard` counts every answer, `served` only what an answered watch gives. `waiting_since` is
    since when it has been waiting for more, `cached` an informer's store at its `version`.
    """

    at: float
    state: str
    heard: float
    served: float
    waiting_since: float
    bookmarked: bool
    version: str | None
    cached: View | None


@dataclass(slots=True)
class Diary:
    """All that is known of one consumer. Handlers of an informer keep one `records` each."""

    records: dict[str, list[Record]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    exchanges: list[list[Exchange]] = field(default_factory=list)
    """Requests in the order of time: a list for each source, and for each life of a consumer."""
    samples: list[Sampled] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    lists: list[float] = field(default_factory=list)

    def of(self, name: str) -> list[Record]:
        """The records of one handler, or of the watcher."""
        return self.records.setdefault(name, [])

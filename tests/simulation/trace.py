"""What a run leaves to be judged: requests as they went out, events as they came, and samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tests.simulation.history import Held, View


@dataclass(frozen=True, slots=True)
class Told:
    """An event or a change, as a consumer was told it. `old` is an update's old object."""

    at: float
    what: Literal["ADDED", "MODIFIED", "DELETED", "UPDATED"]
    held: Held
    old: Held | None
    initial: bool
    inferred: bool
    replayed: bool
    resume: str | None


@dataclass(frozen=True, slots=True)
class Marked:
    """A marker between a watcher's events."""

    at: float
    what: Literal["relisted", "synced", "bookmark"]
    version: str


@dataclass(frozen=True, slots=True)
class Began:
    """A consumer began anew, at a stored version (None: at none)."""

    at: float
    version: str | None


@dataclass(frozen=True, slots=True)
class Raised:
    """A consumer was raised an error, and went on."""

    at: float
    error: str


Record: TypeAlias = Told | Marked | Began | Raised


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that a consumer sent."""

    at: float
    verb: Literal["list", "watch"]
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sampled:
    """A look at a consumer: what it says of itself, and when the server was last heard of.

    `waiting_since` is since when it has been ready for more. `cached` is an informer's store at
    its `version`.
    """

    at: float
    state: str
    heard: float
    waiting_since: float
    version: str | None
    cached: View | None


@dataclass(slots=True)
class Diary:
    """All that is known of one consumer. Handlers of an informer keep one `records` each."""

    records: dict[str, list[Record]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    samples: list[Sampled] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    lists: list[float] = field(default_factory=list)
    heard: float = 0.0
    final: View | None = None

    def of(self, name: str) -> list[Record]:
        """The records of one handler, or of the watcher."""
        return self.records.setdefault(name, [])

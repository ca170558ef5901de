"""What there is to see: how the informer is, what befell it, how it got over that. Pure."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Final

HISTORY: Final = 50
"""Glances that are kept, for the course of a number."""


@dataclass(frozen=True, slots=True)
class Glance:
    """One look: `at` is in seconds since the beginning, `behind` counts the divergent keys.

    `told` counts changes since the beginning, `rate` those in a second.
    """

    at: float
    state: str
    version: str
    epoch: int
    cached: int
    served: int
    served_version: int
    behind: int
    told: int
    rate: float


@dataclass(frozen=True, slots=True)
class Survived:
    """A trouble that is over: `away` seconds, and at worst `behind` keys diverged."""

    name: str
    at: float
    away: float
    behind: int


class Scene:
    """Collects glances and troubles; `seconds` is how long it is to go on."""

    def __init__(self, seconds: float, began: float) -> None:
        self.seconds = seconds
        self.glances: deque[Glance] = deque(maxlen=HISTORY)
        self.survived: list[Survived] = []
        self.lost: list[str] = []
        self.current: str | None = None
        self._began = began
        self._struck = 0.0
        self._behind = 0

    @property
    def kinds(self) -> Counter[str]:
        """How often each trouble was survived."""
        return Counter(each.name for each in self.survived)

    def since(self, now: float) -> float:
        """The seconds since the beginning."""
        return now - self._began

    def away(self, now: float) -> float:
        """The seconds since the current trouble struck."""
        return now - self._struck

    @property
    def behind(self) -> int:
        """How many keys diverged at worst since the current trouble struck."""
        return self._behind

    def look(self, glance: Glance) -> None:
        """Take in a glance."""
        self.glances.append(glance)
        self.notice(glance.behind)

    def notice(self, behind: int) -> None:
        """Keep the worst divergence of the current trouble."""
        self._behind = max(self._behind, behind)

    def strike(self, name: str, now: float) -> None:
        """A trouble begins."""
        self.current, self._struck, self._behind = name, now, 0

    def survive(self, now: float) -> Survived:
        """It is over, and everything after it arrives."""
        over = Survived(self.current or "", self.since(now), self.away(now), self._behind)
        self.survived.append(over)
        self.current = None
        return over

    def pass_by(self) -> None:
        """It never struck."""
        self.current = None

    def lose(self) -> None:
        """It struck, and nothing came after it."""
        self.lost.append(self.current or "")
        self.current = None


def rate_between(earlier: Glance | None, at: float, told: int) -> float:
    """Changes a second since an earlier glance."""
    if earlier is None or at <= earlier.at:
        return 0.0
    return (told - earlier.told) / (at - earlier.at)

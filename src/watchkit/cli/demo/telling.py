"""What the demo says in lines: what is over, and the tally. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from watchkit.cli.demo.judging import Verdict
from watchkit.cli.demo.scene import Survived

_WIDTH: Final = 32
"""Columns of a trouble's name."""
_NAMED: Final = 3
"""Keys that are named where something is wrong; more would not tell more."""


@dataclass(frozen=True, slots=True)
class Tally:
    """All that a run came to. `unsettled` says what was left to do when waiting was given up."""

    verdict: Verdict
    told: int
    writes: int
    version: str
    kinds: Mapping[str, int]
    unsettled: str | None = None

    @property
    def holds(self) -> bool:
        """Whether the demo showed what it promised."""
        return self.verdict.holds and self.unsettled is None


def survived_line(over: Survived) -> str:
    """Say that a trouble is over."""
    after = f"caught up after {over.away:4.1f} s"
    return f"{over.at:5.1f} s  {over.name:<{_WIDTH}}  {after}, {over.behind:5,} behind at worst"


def tally_lines(tally: Tally) -> Iterator[str]:
    """Say what it came to: how often each trouble was survived, what was verified."""
    for name, count in sorted(tally.kinds.items()):
        yield f"{count:6} x  {name}"
    for said, is_good in findings(tally):
        yield f"{'ok' if is_good else 'WRONG':>8}  {said}"
    yield conclusion(tally)


def findings(tally: Tally) -> Iterator[tuple[str, bool]]:
    """Say what was found, and whether it is as it should be."""
    verdict = tally.verdict
    total, kinds = sum(tally.kinds.values()), len(tally.kinds)
    survived = f"{counted(total, 'fault')} of {counted(kinds, 'kind')} survived"
    yield f"{survived}, over {counted(tally.writes, 'write')}", not verdict.lost
    for name in verdict.lost:
        yield f"it did not come back from this: {name}", False
    if tally.unsettled is not None:
        yield tally.unsettled, False
    yield f"{verdict.objects:,} objects compared: key, uid, version and content", True
    for keys, how in (
        (verdict.missing, "missing in the cache"),
        (verdict.ghosts, "in the cache only"),
        (verdict.different, "different"),
        (verdict.untold, "not what a handler was told"),
    ):
        yield f"{len(keys):,} {how}{_names(keys)}", not keys
    lawless = verdict.contradictions
    told = f"{counted(tally.told, 'change')} told to that handler"
    yield f"{told}, {lawless:,} lost, twice or out of order", not lawless


def conclusion(tally: Tally) -> str:
    """Say in one line what it comes to."""
    is_not = "" if tally.holds else " NOT"
    return f"verified: the cache is{is_not} what the server has, version {tally.version}"


def counted(count: int, what: str) -> str:
    """Give a number and its noun: 1 fault, 2,000 faults."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _names(keys: tuple[str, ...]) -> str:
    more = f" and {len(keys) - _NAMED:,} more" if len(keys) > _NAMED else ""
    return f": {', '.join(keys[:_NAMED])}{more}" if keys else ""

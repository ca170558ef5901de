"""What a fake cluster served when, so that a restore brings back resources as they were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from watchkit.testing.log import Log
from watchkit.testing.resources import Resource


@dataclass(frozen=True, slots=True)
class Turn:
    """From `version` on `after` was served instead of `before` (None: nothing).

    `log` and `cleared` are what was known of a resource that was served no longer: its history,
    and the version since which that was known.
    """

    version: int
    before: Resource | None
    after: Resource | None
    log: Log | None = None
    cleared: int | None = None


class Turns:
    """Every turn since the last compaction, oldest first."""

    def __init__(self) -> None:
        self._turns: list[Turn] = []

    def append(self, turn: Turn) -> None:
        """Note what is otherwise from now on."""
        self._turns.append(turn)

    def compact(self, version: int) -> None:
        """Forget what no restore can undo any more."""
        self._turns = [turn for turn in self._turns if turn.version > version]
        for turn in self._turns:
            if turn.log is not None:
                turn.log.compact(version)

    def undone(self, version: int) -> Iterator[Turn]:
        """Take back what came after `version`, the last one first."""
        while self._turns and self._turns[-1].version > version:
            yield self._turns.pop()

"""Says when the answer to a probe changes as structlog events: what fails, and that it no more."""

from __future__ import annotations

from collections.abc import Sequence

import structlog


class ProbeObserver:
    """The log of a health server: one event when what fails changes, none for each probe."""

    def __init__(self) -> None:
        self._failing: dict[str, tuple[str, ...]] = {}

    def probed(self, path: str, failing: Sequence[str]) -> None:
        """Say which checks fail, unless they did the last time."""
        before, self._failing[path] = self._failing.get(path, ()), tuple(failing)
        if failing and before != tuple(failing):
            _log().warning("probe.failing", path=path, failing=[*failing])
        elif before and not failing:
            _log().info("probe.passing", path=path)

    def unheard(self, error: OSError) -> None:
        """Say that a connection could not be taken; the next one may be."""
        _log().warning("probe.unheard", cause=f"{type(error).__name__}: {error.strerror}")


def _log() -> structlog.typing.FilteringBoundLogger:
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger("watchkit")
    return log

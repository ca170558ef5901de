"""Says what becomes of the events that a controller records as structlog events."""

from __future__ import annotations

import structlog


class RecordingObserver:
    """The log of one recorder: every event carries its component. Never an event's own text."""

    def __init__(self, component: str) -> None:
        self._component = component

    @property
    def _log(self) -> structlog.typing.FilteringBoundLogger:
        log: structlog.typing.FilteringBoundLogger = structlog.get_logger(
            "watchkit", component=self._component
        )
        return log

    def retrying(self, delay: float, cause: str) -> None:
        """Say that an event could not be sent yet, and none is until then."""
        self._log.info("record.retrying", delay=delay, cause=cause)

    def dropped(self, why: str, key: str, reason: str) -> None:
        """Say that an event will not be sent."""
        self._log.warning("record.dropped", why=why, key=key, reason=reason)

    def refused(self, key: str, reason: str, cause: str) -> None:
        """Say that the server would not have an event."""
        self._log.warning("record.refused", key=key, reason=reason, cause=cause)

    def failed(self, cause: str) -> None:
        """Say that nothing can be recorded of what was given."""
        self._log.error("record.failed", cause=cause)

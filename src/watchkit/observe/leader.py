"""Says what becomes of a lease and its holders as structlog events."""

from __future__ import annotations

import structlog


class LeaseObserver:
    """The log of one candidate: every event carries the lease, its namespace and the identity."""

    def __init__(self, lease: str, namespace: str, identity: str) -> None:
        self._keys = {"lease": lease, "namespace": namespace, "identity": identity}

    @property
    def _log(self) -> structlog.typing.FilteringBoundLogger:
        log: structlog.typing.FilteringBoundLogger = structlog.get_logger("watchkit", **self._keys)
        return log

    def waiting(self, holder: str) -> None:
        """Say that somebody has the lease, and another one than before."""
        self._log.info("lease.waiting", holder=holder)

    def acquire_failed(self, attempt: int, delay: float, cause: str) -> None:
        """Say that the lease could not be read or taken; it is tried again."""
        self._log.warning("lease.acquire_failed", attempt=attempt, delay=delay, cause=cause)

    def acquired(self, transitions: int, version: str) -> None:
        """Say that a term begins."""
        self._log.info("lease.acquired", transitions=transitions, resource_version=version)

    def renewed(self, version: str) -> None:
        """Say that a term goes on."""
        self._log.debug("lease.renewed", resource_version=version)

    def renew_failed(self, attempt: int, left: float, cause: str) -> None:
        """Say that a renewal failed, and how long the lease is ours without one."""
        self._log.warning("lease.renew_failed", attempt=attempt, left=left, cause=cause)

    def lost(self, cause: str) -> None:
        """Say that a term has ended against our will; its work is cancelled."""
        self._log.warning("lease.lost", cause=cause)

    def released(self) -> None:
        """Say that the lease was left to others, its work having ended."""
        self._log.info("lease.released")

    def release_failed(self, cause: str) -> None:
        """Say that the lease could not be left to others, who wait for its end then."""
        self._log.warning("lease.release_failed", cause=cause)

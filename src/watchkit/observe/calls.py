"""Says what becomes of calls as structlog events: retries, waits, changes of a breaker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from watchkit.core.breaker import Circuit

if TYPE_CHECKING:
    from watchkit.core.paths import Subject

_CHANGES: Final = {
    Circuit.OPEN: "breaker.opened",
    Circuit.HALF_OPEN: "breaker.half_open",
    Circuit.CLOSED: "breaker.closed",
}


def _log() -> structlog.typing.FilteringBoundLogger:
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger("watchkit")
    return log


class CallObserver:
    """The log of one call: every event carries its method, resource and namespace."""

    def __init__(self, method: str, subject: Subject) -> None:
        self._keys = {
            "method": method,
            "resource": subject.resource,
            "namespace": subject.namespace,
        }

    def retrying(self, attempt: int, delay: float, cause: str) -> None:
        """Say that attempt number `attempt` failed, and the next one comes in `delay` seconds."""
        _log().info("call.retrying", **self._keys, attempt=attempt, delay=delay, cause=cause)

    def given_up(self, attempts: int, cause: str) -> None:
        """Say that the last of several attempts failed; its error goes to the caller."""
        _log().warning("call.given_up", **self._keys, attempts=attempts, cause=cause)

    def ambiguous(self, attempts: int, cause: str) -> None:
        """Say that a write got no answer, and that nobody knows whether it was done."""
        _log().warning("call.ambiguous", **self._keys, attempts=attempts, cause=cause)


def conflict(attempt: int, delay: float, cause: str) -> None:
    """Say that an update met another version and is made again."""
    _log().info("conflict.retrying", attempt=attempt, delay=delay, cause=cause)


def waiting(attempt: int, delay: float, cause: str) -> None:
    """Say that a dependency is not there yet."""
    _log().info("dependency.waiting", attempt=attempt, delay=delay, cause=cause)


def found(attempts: int) -> None:
    """Say that a dependency is there after having been waited for."""
    _log().info("dependency.found", attempts=attempts)


def limited(delay: float) -> None:
    """Say that a call waits for its turn."""
    _log().debug("limiter.waiting", delay=delay)


def turned(name: str, circuit: Circuit, until: float | None) -> None:
    """Say that a breaker opened, lets a call try, or closed."""
    if circuit is Circuit.OPEN:
        _log().warning(_CHANGES[circuit], breaker=name, until=until)
    else:
        _log().info(_CHANGES[circuit], breaker=name)

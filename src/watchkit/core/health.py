"""Is it watching, and how fresh is what it knows? Judged when read, never on hope."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from watchkit.core.errors import Forbidden, NotFound
from watchkit.core.position import Dead, Watch

if TYPE_CHECKING:
    from watchkit.core.position import Position

_RECONNECT: Final = 10.0
"""The first reconnect after an idle timeout has the connect deadline before it means STALE."""


class HealthState(Enum):
    """What a watcher or informer is doing."""

    SYNCING = "syncing"
    """It does not know the world yet."""
    WATCHING = "watching"
    """A watch is open, and was heard of within its bound."""
    RETRYING = "retrying"
    """The last attempt failed; what is known is not older than the bound."""
    STALE = "stale"
    """Nothing was heard for longer than the bound: what is known may be old."""
    FORBIDDEN = "forbidden"
    """The server refuses (403); retried at the cap of the back-off."""
    NOT_SERVED = "not_served"
    """The server does not serve the resource (404); retried at the cap of the back-off."""
    STOPPED = "stopped"
    """It was closed, or ended with an error."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a watcher or informer is at this moment.

    `last_progress` is when the server was last heard of, on the event loop's clock
    (`anyio.current_time()`; None: never), `failures` the failures in a row, `cause` the last
    of them, `epoch` how many restored stores were seen, `held_by` the handler that holds the
    watch back.
    """

    state: HealthState
    last_progress: float | None
    failures: int
    cause: Exception | None
    resource_version: str | None
    epoch: int
    held_by: str | None = None


def judge(
    position: Position, *, is_open: bool, heard: bool, silence: float, bound: float
) -> HealthState:
    """Judge a watcher that was not closed: `silence` seconds of waiting, `bound` the most allowed.

    `heard` is whether the server has answered at all so far.
    """
    at_once = position.hushed and position.failures == 1
    is_stale = silence > (bound + _RECONNECT if at_once else bound)
    if isinstance(position.next, Dead):
        return HealthState.STOPPED
    if is_open and not is_stale:
        return HealthState.WATCHING
    if is_stale or (position.failures and not at_once):
        return _of_failure(position.cause, is_stale=is_stale)
    is_between_watches = heard and isinstance(position.next, Watch)
    return HealthState.WATCHING if is_between_watches else HealthState.SYNCING


def _of_failure(cause: Exception | None, *, is_stale: bool) -> HealthState:
    match cause:
        case Forbidden():
            return HealthState.FORBIDDEN
        case NotFound():
            return HealthState.NOT_SERVED
        case _:
            return HealthState.STALE if is_stale else HealthState.RETRYING

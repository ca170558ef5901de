"""What every decision of the resume machine shares: its moment, the next start, how it is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from watchkit.core import errors
from watchkit.core.position import Policy, Position, Said

if TYPE_CHECKING:
    from watchkit.core.position import Level

_RETRY_AFTER_CAP: Final = 60.0
"""Seconds that a server may ask for; more would let one bad header stop a watch for good."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a decision depends on beside the position and the signal; `luck` is in [0, 1)."""

    policy: Policy
    now: float
    luck: float


def start(at: Position, delay: float, when: Moment) -> Position:
    """Let the next request start after `delay` seconds, and not before its turn (see `Pace`)."""
    earliest = max(when.now + delay, at.pace.free_at(when.now))
    return replace(at, not_before=earliest, pace=at.pace.spend(earliest))


def back_off(at: Position, when: Moment) -> Position:
    """Wait the growing time after a failure, or as long as the server asked where that is more."""
    return _fall_back(at, when.policy.backoff.delay(at.attempt, when.luck), when)


def back_off_to_cap(at: Position, when: Moment) -> Position:
    """Wait the longest time at once: only somebody else's act can help."""
    return _fall_back(at, when.policy.backoff.delay_at_cap(when.luck), when)


def say(event: str, level: Level, at: Position, when: Moment, **more: object) -> Said:
    """Put a decision in words for the log, with the attempt and the delay that it led to."""
    delay = round(max(0.0, at.not_before - when.now), 3)
    return Said(event, level, {"attempt": at.attempt, "delay": delay, **more})


def _fall_back(at: Position, delay: float, when: Moment) -> Position:
    asked = at.cause.retry_after if isinstance(at.cause, errors.ApiError) else None
    delay = max(delay, min(asked or 0.0, _RETRY_AFTER_CAP))
    failed_before = at.attempt > 0
    at = replace(at, attempt=at.attempt + 1)
    if not failed_before:
        return start(at, delay, when)
    # In a run of failures the back-off alone decides: it is what C7's envelope is drawn from.
    earliest = when.now + delay
    return replace(at, not_before=earliest, pace=at.pace.spend(earliest))

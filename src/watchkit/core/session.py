"""What a resumable watch does next, after whatever it saw. Pure: no I/O, no clock, no chance.

`step(position, signal, ...)` holds all of the recovery. A `Position` is where the watch stands
and what it has been through; a `Signal` is what the driver saw; a `Decision` is the position
after it, the error to raise if any, and what to say about it. The driver (`watching/feed.py`)
reads from the position what to do next and from when on, and only does it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias, assert_never

from watchkit.core import errors
from watchkit.core.classify import Verdict, classify, too_large_version
from watchkit.core.pace import Pace
from watchkit.core.position import (
    Dead,
    Decision,
    Ended,
    Failed,
    List,
    Listed,
    Moved,
    Next,
    Opened,
    Policy,
    Position,
    Restored,
    Said,
    Signal,
    Stream,
    Watch,
)
from watchkit.core.versions import is_before, is_numeric

_Level: TypeAlias = Literal["debug", "info", "warning"]

HEALTHY_AFTER: Final = 1.0
"""Seconds from the request on that make a clean end a healthy one; client-go's "very short"."""
_TIMEOUT_SLACK: Final = 0.5
"""An end this near to the timeoutSeconds that were asked for is never a short one."""
_RECONNECT_JITTER: Final = 0.25
"""Seconds that clean ends are spread over, lest many watches come back at one instant."""
_RETRY_AFTER_CAP: Final = 60.0
_SHORT_ENDS: Final = 3
_BAD_FRAMES: Final = 3
_ERRORS_AT_ONE_VERSION: Final = 5
_EXPIRED_PAGES: Final = 3
_SILENT_WATCHES: Final = 2


@dataclass(frozen=True, slots=True)
class _Moment:
    """What every decision depends on beside the position and the signal."""

    policy: Policy
    now: float
    luck: float


def begin(
    policy: Policy, now: float, *, version: str | None = None, stream: bool = False
) -> Position:
    """Stand at the start: at the caller's version, or before a first list or stream."""
    start: Next = Stream() if stream else List(gap=False)
    if version is not None:
        start = Watch(version)
    pace = Pace.beside(policy.backoff, now)
    return Position(start, pace.spend(now), known=version, not_before=now)


def step(position: Position, signal: Signal, policy: Policy, now: float, luck: float) -> Decision:
    """Decide what to do after `signal`, seen at `now`, with `luck` in [0, 1)."""
    when = _Moment(policy, now, luck)
    match signal:
        case Opened():
            return _opened(position)
        case Moved(version, by_bookmark):
            whole = position.whole or isinstance(position.next, Stream)
            moved = replace(_progressed(position), known=version, whole=whole, next=Watch(version))
            return Decision(replace(moved, bookmarked=moved.bookmarked or by_bookmark))
        case Listed(version):
            return _listed(position, version, when)
        case Ended():
            return _ended(position, signal, when)
        case Failed(error, opened):
            return _failed(position, error, when, opened=opened)
        case Restored(version):
            return _restored(position, version, when)
        case _:
            assert_never(signal)


def silence_bound(position: Position, policy: Policy, timeout: int) -> float:
    """How long an open watch may give no frame: the idle timeout, save where none can come.

    A server that sends no bookmarks at all is silent when nothing happens: once two watches in
    a row have shown that, only the end of a watch proves that it was alive.
    """
    if position.silent_watches >= _SILENT_WATCHES and not position.bookmarked:
        return max(policy.idle_timeout, timeout + 15.0)
    return policy.idle_timeout


def _opened(position: Position) -> Decision:
    match position.next:
        case Watch(version) if position.suspect:
            probe = version if is_numeric(version) else None
            return Decision(replace(position, suspect=False), probe=probe)
        case _:
            return Decision(position)


def _progressed(position: Position) -> Position:
    return replace(
        position,
        attempt=0,
        failures=0,
        cause=None,
        short_ends=0,
        bad_frames=0,
        stream_errors=0,
        refreshed=False,
        hushed=False,
        too_large=False,
    )


def _listed(position: Position, version: str, when: _Moment) -> Decision:
    """A list is no progress: list fine, watch expired, list fine... must still back off."""
    at = replace(
        position,
        next=Watch(version),
        known=version,
        whole=True,
        short_ends=0,
        stream_errors=0,
        expired_pages=0,
        too_large=False,
        suspect=False,
    )
    return Decision(_start(at, 0.0, when))


def _ended(position: Position, ended: Ended, when: _Moment) -> Decision:
    as_asked = abs(ended.lived - ended.asked) <= _TIMEOUT_SLACK
    if ended.lived >= HEALTHY_AFTER or as_asked:
        at = _start(_progressed(position), when.luck * _RECONNECT_JITTER, when)
        return Decision(at, _said("watch.resumed", "debug", at, when, cause="ended"))
    if ended.moved:
        at = _start(position, when.policy.backoff.delay(0, when.luck), when)
        return Decision(at, _said("watch.resumed", "debug", at, when, cause="ended early"))
    short = replace(
        position,
        short_ends=position.short_ends + 1,
        failures=position.failures + 1,
        cause=errors.TransportError("a watch ended at once, with nothing in it"),
    )
    if short.short_ends >= _SHORT_ENDS:
        return _gone(short, "three watches in a row ended at once with nothing", when)
    at = _back_off(short, when)
    return Decision(at, _said("watch.retrying", "info", at, when, cause="ended at once"))


def _failed(
    position: Position, error: errors.WatchkitError, when: _Moment, *, opened: bool
) -> Decision:
    at = replace(position, failures=position.failures + 1, cause=error, short_ends=0)
    match error:
        case errors.ResourceExpired():
            return _expired(at, error, when)
        case errors.IdleTimeout():
            return _idle(at, error, when, opened=opened)
        case errors.TransportError():
            return _retry(_back_off(replace(at, suspect=True), when), error, when)
        case errors.ProtocolError():
            return _garbled(at, error, when)
        case errors.ApiError():
            return _refused(at, error, when, opened=opened)
        case _:
            return _give_up(_back_off(at, when), error, when)


def _refused(at: Position, error: errors.ApiError, when: _Moment, *, opened: bool) -> Decision:
    """Weigh an answer that is an error: what may heal is retried, and how soon depends on whom."""
    match error:
        case errors.Unauthorized() if not at.refreshed:
            at = _start(replace(at, refreshed=True), 0.0, when)
        case errors.Unauthorized():
            at = _back_off(at, when)
        case errors.Forbidden() | errors.NotFound():
            cap = when.policy.backoff.delay_at_cap(when.luck)
            at = _start(replace(at, attempt=at.attempt + 1), cap, when)
        case _ if classify(error) is Verdict.FATAL:
            return _give_up(_back_off(at, when), error, when)
        case _ if too_large_version(error) and isinstance(at.next, Watch):
            if at.too_large:
                return _gone(at, "the server is behind the version asked for", when)
            at = _back_off(replace(at, too_large=True), when)
        case _ if opened:
            return _stream_error(at, error, when)
        case _:
            at = _back_off(at, when)
    return _retry(at, error, when)


def _stream_error(at: Position, error: errors.ApiError, when: _Moment) -> Decision:
    """Count an error that an open watch gave: the stream may be sick at this one version."""
    at = replace(at, stream_errors=at.stream_errors + 1)
    if at.stream_errors >= _ERRORS_AT_ONE_VERSION:
        return _gone(at, "five errors in a row at one version", when)
    return _retry(_back_off(at, when), error, when)


def _idle(at: Position, error: errors.IdleTimeout, when: _Moment, *, opened: bool) -> Decision:
    """Reconnect at once the first time: silence is no refusal, and every second counts."""
    silent = at.silent_watches + 1 if opened else at.silent_watches
    first = not at.hushed
    at = replace(at, suspect=True, silent_watches=silent, hushed=True)
    at = _start(at, 0.0, when) if first else _back_off(at, when)
    return Decision(at, _said("watch.idle", "info", at, when, cause=str(error)))


def _garbled(at: Position, error: errors.ProtocolError, when: _Moment) -> Decision:
    if not isinstance(at.next, Watch):
        fatal = isinstance(error, errors.PageTooLarge)  # the driver halved the page down to one
        at = _back_off(at, when)
        return _give_up(at, error, when) if fatal else _retry(at, error, when)
    at = replace(at, bad_frames=at.bad_frames + 1, suspect=True)
    if at.bad_frames == _BAD_FRAMES:
        return _gone(at, f"three bad frames in a row: {error}", when)
    at = _back_off(at, when)
    if at.bad_frames > _BAD_FRAMES:
        return _give_up(at, error, when)
    return _retry(at, error, when)


def _expired(at: Position, error: errors.ResourceExpired, when: _Moment) -> Decision:
    """Give the version up: it is never sent again. On a list page there is none to give up."""
    match at.next:
        case List(gap, paged):
            pages = at.expired_pages + 1
            at = replace(at, expired_pages=pages)
            following = List(gap, paged and pages < _EXPIRED_PAGES)
        case Stream():
            following = List(gap=False)
        case _ if when.policy.on_expired == "raise":
            at = replace(at, next=Dead(error), known=None)
            return Decision(at, _lost(at, error, when), error)
        case _:
            following = List(gap=True)
    at = _back_off(replace(at, next=following), when, error.retry_after)
    return Decision(at, _lost(at, error, when))


def _gone(at: Position, why: str, when: _Moment) -> Decision:
    """Count the version as expired, though the server did not say so."""
    error = errors.ResourceExpired(410, "Expired", why)
    return _expired(replace(at, cause=error), error, when)


def _restored(position: Position, version: str, when: _Moment) -> Decision:
    """The versions known are of another history; a list of the one after begins a new epoch."""
    at = replace(position, epoch=position.epoch + 1, known=version)
    said = _said("watch.epoch", "warning", at, when, known=position.known, found=version)
    if not isinstance(position.next, Watch):
        return Decision(at, said)
    why = "the server's store was restored to an earlier version"
    decided = _gone(at, why, when)
    return Decision(decided.position, said, decided.error)


def is_restored(position: Position, version: str) -> bool:
    """Whether a list that shows `version` proves that the store was restored."""
    return position.known is not None and is_before(version, position.known)


def _lost(at: Position, error: errors.ResourceExpired, when: _Moment) -> Said:
    """Warn where the gap hides deletions: nobody knows what was there before it."""
    level: _Level = "info" if at.whole else "warning"
    return _said("watch.expired", level, at, when, cause=str(error), known=at.whole)


def _give_up(at: Position, error: errors.WatchkitError, when: _Moment) -> Decision:
    return Decision(at, _said("watch.failed", "warning", at, when, cause=str(error)), error)


def _retry(at: Position, error: errors.WatchkitError, when: _Moment) -> Decision:
    return Decision(at, _said("watch.retrying", "info", at, when, cause=str(error)))


def _back_off(at: Position, when: _Moment, retry_after: float | None = None) -> Position:
    """Wait the growing time, or as long as the server asked (60 s at most) where that is more."""
    if retry_after is None and isinstance(at.cause, errors.ApiError):
        retry_after = at.cause.retry_after
    asked = min(retry_after or 0.0, _RETRY_AFTER_CAP)
    delay = max(asked, when.policy.backoff.delay(at.attempt, when.luck))
    return _start(replace(at, attempt=at.attempt + 1), delay, when)


def _start(at: Position, delay: float, when: _Moment) -> Position:
    """Let the next request start after `delay`; where nothing failed, also not before its turn."""
    start = when.now + delay
    if at.attempt == 0:
        start = max(start, at.pace.free_at(when.now))
    return replace(at, not_before=start, pace=at.pace.spend(start))


def _said(
    event: str,
    level: Literal["debug", "info", "warning"],
    at: Position,
    when: _Moment,
    **more: object,
) -> Said:
    delay = round(max(0.0, at.not_before - when.now), 3)
    return Said(event, level, {"attempt": at.attempt, "delay": delay, **more})

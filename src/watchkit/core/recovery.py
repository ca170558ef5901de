"""What a failure leads to: try again, and when; list again; or give up.

`session.step` hands over whatever went wrong; what an answer means is for `classify` to say.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from watchkit.core import errors
from watchkit.core.classify import too_large_version
from watchkit.core.moment import Moment, back_off, back_off_to_cap, say, start
from watchkit.core.position import Dead, Decision, Level, List, Position, Said, Stream, Watch

_BAD_FRAMES: Final = 3
_ERRORS_AT_ONE_VERSION: Final = 5
_EXPIRED_PAGES: Final = 3


def failed(
    position: Position, error: errors.WatchkitError, when: Moment, *, opened: bool
) -> Decision:
    """Decide what to do after `error`; `opened` where it came from a watch that was answered."""
    at = replace(position, failures=position.failures + 1, cause=error, short_ends=0)
    match error:
        case errors.ResourceExpired():
            return _expired(at, error, when)
        case errors.IdleTimeout():
            return _idle(at, error, when, opened=opened)
        case errors.TransportError():
            return _retry(back_off(replace(at, suspect=True), when), error, when)
        case errors.ProtocolError():
            return _garbled(at, error, when)
        case errors.ApiError():
            return _refused(at, error, when, opened=opened)
        case _:
            return _give_up(back_off(at, when), error, when)


def _refused(at: Position, error: errors.ApiError, when: Moment, *, opened: bool) -> Decision:
    """Weigh an answer that is an error: what may heal is retried, and how soon depends on whom."""
    match error:
        case errors.Unauthorized() if not at.refreshed:
            at = start(replace(at, refreshed=True), 0.0, when)
        case errors.Unauthorized():
            at = back_off(at, when)
        case errors.Forbidden() | errors.NotFound():
            at = back_off_to_cap(at, when)
        case errors.InvalidRequest() | errors.Redirected():
            return _give_up(back_off(at, when), error, when)
        case _ if too_large_version(error) and isinstance(at.next, Watch):
            if at.too_large:
                return gone(at, "the server is behind the version asked for", when)
            at = back_off(replace(at, too_large=True), when)
        case _ if opened:
            return _stream_error(at, error, when)
        case _:
            at = back_off(at, when)
    return _retry(at, error, when)


def _stream_error(at: Position, error: errors.ApiError, when: Moment) -> Decision:
    """Count an error that an open watch gave: the stream may be sick at this one version."""
    at = replace(at, stream_errors=at.stream_errors + 1)
    if at.stream_errors >= _ERRORS_AT_ONE_VERSION:
        return gone(at, "five errors in a row at one version", when)
    return _retry(back_off(at, when), error, when)


def _idle(at: Position, error: errors.IdleTimeout, when: Moment, *, opened: bool) -> Decision:
    """Reconnect at once the first time: silence is no refusal, and every second counts."""
    silent = at.silent_watches + 1 if opened else at.silent_watches
    first = not at.hushed
    at = replace(at, suspect=True, silent_watches=silent, hushed=True)
    at = start(at, 0.0, when) if first else back_off(at, when)
    return Decision(at, say("watch.idle", "info", at, when, cause=str(error)))


def _garbled(at: Position, error: errors.ProtocolError, when: Moment) -> Decision:
    if not isinstance(at.next, Watch):
        fatal = isinstance(error, errors.PageTooLarge)  # the driver halved the page down to one
        at = back_off(at, when)
        return _give_up(at, error, when) if fatal else _retry(at, error, when)
    at = replace(at, bad_frames=at.bad_frames + 1, suspect=True)
    if at.bad_frames == _BAD_FRAMES:
        return gone(at, f"three bad frames in a row: {error}", when)
    at = back_off(at, when)
    if at.bad_frames > _BAD_FRAMES:
        return _give_up(at, error, when)
    return _retry(at, error, when)


def _expired(at: Position, error: errors.ResourceExpired, when: Moment) -> Decision:
    """Give the version up: it is never sent again. On a list page there is none to give up."""
    match at.next:
        case List(gap):
            pages = at.expired_pages + 1
            following = List(gap, paged=pages < _EXPIRED_PAGES)
            at = replace(at, expired_pages=pages, next=following)
            return _retry(back_off(at, when), error, when)
        case Stream():
            at = replace(at, next=List(gap=False))
            return _retry(back_off(at, when), error, when)
        case _ if when.policy.on_expired == "raise":
            at = replace(at, next=Dead(error), known=None)
            return Decision(at, _lost(at, error, when), error)
        case _:
            at = back_off(replace(at, next=List(gap=True)), when)
            return Decision(at, _lost(at, error, when))


def gone(at: Position, why: str, when: Moment) -> Decision:
    """Count the version as expired, though the server did not say so."""
    error = errors.ResourceExpired(410, "Expired", why)
    return _expired(replace(at, cause=error), error, when)


def _lost(at: Position, error: errors.ResourceExpired, when: Moment) -> Said:
    """Warn where the gap hides deletions: nobody knows what was there before it."""
    level: Level = "info" if at.whole else "warning"
    return say("watch.expired", level, at, when, cause=str(error), known=at.whole)


def _give_up(at: Position, error: errors.WatchkitError, when: Moment) -> Decision:
    return Decision(at, say("watch.failed", "warning", at, when, cause=str(error)), error)


def _retry(at: Position, error: errors.WatchkitError, when: Moment) -> Decision:
    return Decision(at, say("watch.retrying", "info", at, when, cause=str(error)))

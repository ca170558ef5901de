"""What a resumable watch does next, after whatever it saw. Pure: no I/O, no clock, no chance.

`step(position, signal, ...)` decides it; what went wrong is weighed in `recovery`. A `Position`
is where the watch stands and what it has been through; a `Signal` is what the driver saw; a
`Decision` is the position after it, the error to raise if any, and what to say about it. The
driver (`watching/feed.py`) reads from the position what to do next and from when on, and only
does it.
"""

from __future__ import annotations

from typing import Final, assert_never

from msgspec.structs import replace

from watchkit.core import errors
from watchkit.core.moment import Moment, back_off, say, start
from watchkit.core.pace import Pace
from watchkit.core.position import (
    Abandoned,
    Decision,
    Doubted,
    Ended,
    Failed,
    Lacking,
    List,
    Listed,
    Moved,
    Next,
    Opened,
    Policy,
    Position,
    Restored,
    Signal,
    Stream,
    Watch,
)
from watchkit.core.recovery import failed, gone
from watchkit.core.versions import is_before, is_numeric

HEALTHY_AFTER: Final = 1.0
"""Seconds from the request on that make a clean end a healthy one; client-go's "very short"."""
_TIMEOUT_SLACK: Final = 0.5
"""An end this near to the timeoutSeconds that were asked for is never a short one."""
_RECONNECT_JITTER: Final = 0.25
"""Seconds that clean ends are spread over, lest many watches come back at one instant."""
_SHORT_ENDS: Final = 3
_SILENT_WATCHES: Final = 2


def begin(
    policy: Policy, now: float, *, version: str | None = None, stream: bool = False
) -> Position:
    """Stand at the start: at the caller's version, or before a first list or stream."""
    first: Next = Stream() if stream else List(gap=False)
    if version is not None:
        first = Watch(version)
    pace = Pace.beside(policy.backoff, now)
    return Position(first, pace.spend(now), known=version, not_before=now)


def step(  # noqa: PLR0911 - one for each signal
    position: Position, signal: Signal, policy: Policy, now: float, luck: float
) -> Decision:
    """Decide what to do after `signal`, seen at `now`, with `luck` in [0, 1)."""
    when = Moment(policy, now, luck)
    match signal:
        case Opened():
            return _opened(position)
        case Moved():
            return _moved(position, signal)
        case Listed(version):
            return _listed(position, version, when)
        case Ended():
            return _ended(position, signal, when)
        case Failed(error, opened):
            return failed(position, error, when, opened=opened)
        case Restored(version):
            return _restored(position, version, when)
        case Lacking() | Doubted():
            return _otherwise(position, signal, when)
        case Abandoned():
            # A consumer that gives up over and over sends no more than C7 allows, too.
            left = max(0.0, position.not_before - now)
            return Decision(start(position, left, when))
        case _:
            assert_never(signal)


def silence_bound(position: Position, policy: Policy, timeout: int) -> float:
    """How long an open watch may give no frame: the idle timeout, save where none can come.

    A server that sends no bookmarks at all is silent when nothing happens: once two watches
    have shown that, only the end of a watch proves that it was alive.
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


def _moved(position: Position, moved: Moved) -> Decision:
    """Progress, save for a bookmark at the same version: that only says that there are such."""
    if moved.by_bookmark and not position.bookmarked:
        position = replace(position, bookmarked=True)
    there = Watch(moved.version)
    if moved.by_bookmark and position.next == there:
        return Decision(position)
    whole = position.whole or isinstance(position.next, Stream)
    return Decision(replace(_progressed(position), known=moved.version, whole=whole, next=there))


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


def _listed(position: Position, version: str, when: Moment) -> Decision:
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
    return Decision(start(at, 0.0, when))


def _ended(position: Position, ended: Ended, when: Moment) -> Decision:
    as_asked = abs(ended.lived - ended.asked) <= _TIMEOUT_SLACK
    if ended.lived >= HEALTHY_AFTER or as_asked:
        at = start(_progressed(position), when.luck * _RECONNECT_JITTER, when)
        return Decision(at, say("watch.resumed", "debug", at, when, cause="ended"))
    if ended.moved:
        at = start(position, when.policy.backoff.delay(0, when.luck), when)
        return Decision(at, say("watch.resumed", "debug", at, when, cause="ended early"))
    short = replace(
        position,
        short_ends=position.short_ends + 1,
        failures=position.failures + 1,
        cause=errors.TransportError("a watch ended at once, with nothing in it"),
    )
    if short.short_ends >= _SHORT_ENDS:
        return gone(short, "three watches in a row ended at once with nothing", when)
    at = back_off(short, when)
    return Decision(at, say("watch.retrying", "info", at, when, cause="ended at once"))


def _restored(position: Position, version: str, when: Moment) -> Decision:
    """The versions known are of another history; a list of the one after begins a new epoch."""
    at = replace(position, epoch=position.epoch + 1, known=version)
    said = say("watch.epoch", "warning", at, when, known=position.known, found=version)
    if not isinstance(position.next, Watch):
        return Decision(at, said)
    at = replace(at, failures=at.failures + 1)
    decided = gone(at, "the server's store was restored to an earlier version", when)
    return Decision(decided.position, said, decided.error)


def _otherwise(position: Position, signal: Lacking | Doubted, when: Moment) -> Decision:
    """Go another way, no later than otherwise."""
    if isinstance(signal, Lacking):
        following = List(gap=False) if isinstance(position.next, Stream) else position.next
        at = replace(position, next=following, cause=signal.error)
        at = start(at, 0.0, when) if signal.at_once else back_off(at, when)
        cause = str(signal.error)
        return Decision(at, say("watch.without", "info", at, when, what=signal.what, cause=cause))
    if not isinstance(position.next, Watch):
        return Decision(position)
    # A doubt amid a back-off, or a Retry-After, is no reason to come sooner.
    left = max(0.0, position.not_before - when.now)
    at = start(replace(position, next=List(gap=True)), left, when)
    return Decision(at, say("watch.doubted", "info", at, when, cause=signal.why))


def is_restored(position: Position, version: str) -> bool:
    """Whether a list that shows `version` proves that the store was restored."""
    return position.known is not None and is_before(version, position.known)

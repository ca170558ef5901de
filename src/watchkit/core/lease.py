"""Who leads, and until when: each step of a candidate and of a holder, as plain functions.

Nobody's clock is compared with anybody else's. A holder counts `renew_deadline` from the moment
at which it *sent* the last renewal that was done; a candidate counts `lease_duration` from the
moment at which it *received* the claim that has not changed since. What was sent is done before
it can be seen, so the holder stops first, as long as the clocks' rates differ by less than the
ratio of the two durations. All writes are guarded by the version that was seen.

Somebody who deletes a lease has not ended its holder. Who makes it anew, having known it, leads
only after another `lease_duration` in which it stayed his. Who never saw it takes it for new.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, assert_never

from watchkit.core.errors import ApiError, InvalidRequest, Redirected, TransportError
from watchkit.core.policy import LONGEST_HINT
from watchkit.core.standing import (
    Absent,
    Answer,
    Create,
    Failed,
    Found,
    Lost,
    Read,
    Refused,
    Replace,
    Request,
    Sent,
    Standing,
    Written,
)
from watchkit.core.tenure import Record, fresh, stamped

if TYPE_CHECKING:
    from watchkit.core.errors import WatchkitError

_TICK: Final = timedelta(microseconds=1)


def begin(at: Standing, now: float, wall: datetime) -> tuple[Standing, Request]:
    """Give what to send now; `wall` is the wall clock, which is only ever written down."""
    if at.next == "read":
        return replace(at, sent=Sent(now)), Read()
    record, (at, stamp) = at.record, _stamp(at, wall)
    if record is None:
        return replace(at, sent=Sent(now, stamp)), Create(fresh(at.terms, stamp))
    at = replace(at, sent=Sent(now, stamp, record.version))
    return at, Replace(record.claimed(at.terms, stamp))


def settle(at: Standing, answer: Answer, now: float, luck: float) -> Standing:
    """Give where one stands after an answer, at the time of its coming; `luck` is in [0, 1)."""
    sent, at = at.sent or Sent(now), replace(at, sent=None)
    if at.leads and now >= at.deadline:
        return expired(at)
    match answer:
        case Written(record):
            return _renewed(at, record, sent, now)
        case Found(record):
            return _found(at, record, now, luck)
        case Absent():
            return _absent(at, now, luck)
        case Refused():
            return _refused(at, sent, now, luck)
        case Failed(error):
            return _failed(at, error, sent, now, luck)
        case _:
            assert_never(answer)


def expired(at: Standing) -> Standing:
    """Give where a holder stands whose deadline has passed."""
    return _over(at, f"it was not renewed for {at.terms.renew_deadline:g} s", at.cause)


def abandon(at: Standing) -> Standing:
    """Give where one stands after a request was given up: whether it was done, nobody knows."""
    doubt = at.sent if at.sent is not None and at.sent.stamp is not None else at.doubt
    return replace(at, sent=None, doubt=doubt)


def stand_again(at: Standing) -> Standing:
    """Give where one stands who has led, or has given up, and stands once more."""
    return replace(
        abandon(at),
        leads=False,
        deadline=-math.inf,
        gone_since=None,
        next="read",
        at=-math.inf,
        conflicts=0,
        failures=0,
        lost=None,
        fatal=None,
    )


def begin_release(at: Standing, now: float, wall: datetime) -> tuple[Standing, Request | None]:
    """Give what to send in order to leave the lease to others, None where there is nothing.

    One that is on trial is left as it is: others must wait as well.
    """
    if now < at.trial or (at.doubt is not None and not at.doubt.version and at.known):
        return at, None
    record = at.record
    if at.doubt is not None or (at.next == "read" and at.is_ours):
        return replace(at, sent=Sent(now)), Read()
    if record is None or not at.is_ours:
        return at, None
    at, stamp = _stamp(at, wall)
    at = replace(at, sent=Sent(now, stamp, record.version))
    return at, Replace(record.released(stamp))


def settle_release(at: Standing, answer: Answer, now: float, luck: float) -> Standing:
    """Give where one stands who leaves, after an answer."""
    sent, at = at.sent or Sent(now), replace(at, sent=None, leads=False)
    match answer:
        case Found(record):
            known = at.record is not None and record.claim == at.record.claim
            is_last = known or (at.doubt is not None and record.renewed == at.doubt.stamp)
            kept = record if is_last else None
            return replace(at, record=kept, doubt=None, next="write", at=now)
        case Written(record):
            return replace(at, record=record, doubt=None, next="write", at=now)
        case Absent():
            return replace(at, record=None, doubt=None, next="write", at=now)
        case Refused() | Failed():
            # What was done shows when it is read; at once the first time, then with pauses.
            wait = luck * at.terms.retry_period / 2 if at.conflicts else 0.0
            doubt = at.doubt if sent.stamp is None else None
            return replace(at, doubt=doubt, conflicts=at.conflicts + 1, next="read", at=now + wait)
        case _:
            assert_never(answer)


def _renewed(at: Standing, record: Record, sent: Sent, now: float) -> Standing:
    """Count from when it was sent: what was written, and when, others may have seen since."""
    terms = at.terms
    deadline = max(at.deadline, sent.at + terms.renew_deadline)
    if not sent.version and at.known and not at.leads:
        at = replace(at, trial=now + terms.lease_duration)
    # An answer that came too late gives nothing but the lease's name: take it anew.
    is_late = now >= deadline
    leads = at.trial <= now and not is_late
    return replace(
        _seen(at, record, now),
        leads=leads,
        deadline=deadline,
        term=at.term + (leads and not at.leads),
        next="write",
        at=now if is_late else max(now, sent.at + terms.retry_period),
        doubt=None,
        conflicts=0,
        failures=0,
        cause=at.cause if is_late else None,
    )


def _found(at: Standing, record: Record, now: float, luck: float) -> Standing:
    doubt, is_own = at.doubt, record.holder == at.terms.identity
    if doubt is not None and is_own and record.renewed == doubt.stamp:
        return _renewed(at, record, doubt, now)  # it was done, only the answer was lost
    if doubt is not None and record.version != doubt.version:
        doubt = None  # it was not done, and over another version it never will be
    before, at = at, _seen(replace(at, doubt=doubt), record, now)
    if at.leads and not is_own:
        return _over(at, f"it is held by {record.holder or 'nobody'}")
    if is_own and before.known and at.since == now and not at.leads:
        # Of those that we wrote, not the last one: who knows what was there in between.
        at = replace(at, trial=now + at.terms.lease_duration)
    elif not is_own:
        at = replace(at, trial=-math.inf)
    if is_own or not record.holder:
        return replace(at, next="write", at=now)
    return _wait(at, at.since + _duration(at, record), now, luck)


def _absent(at: Standing, now: float, luck: float) -> Standing:
    """Make it anew; after a while, so that its holder, if there still is one, can do so first."""
    gone_since = now if at.gone_since is None else at.gone_since
    at = replace(at, record=None, gone_since=gone_since)
    if at.leads or not at.known:
        return replace(at, next="write", at=now)
    return _wait(at, gone_since + at.terms.retry_period, now, luck)


def _wait(at: Standing, free_at: float, now: float, luck: float) -> Standing:
    """Look again in a while; at the moment when it is free, if that is sooner, take it."""
    if free_at <= now:
        return replace(at, failures=0, next="write", at=now)
    return replace(at, failures=0, next="read", at=min(now + _interval(at, luck), free_at))


def _refused(at: Standing, sent: Sent, now: float, luck: float) -> Standing:
    """Read at once what is there instead; with pauses where that goes on and on."""
    wait = luck * at.terms.retry_period if at.conflicts else 0.0
    doubt = at.doubt if sent.stamp is None else sent  # a transport may have sent it twice
    return replace(at, conflicts=at.conflicts + 1, doubt=doubt, next="read", at=now + wait)


def _failed(at: Standing, error: WatchkitError, sent: Sent, now: float, luck: float) -> Standing:
    doubt = sent if sent.stamp is not None and _may_be_done(error) else at.doubt
    at = replace(at, doubt=doubt, failures=at.failures + 1, cause=error)
    asked = min((isinstance(error, ApiError) and error.retry_after) or 0.0, LONGEST_HINT)
    if not at.leads:
        fatal = error if isinstance(error, InvalidRequest | Redirected) else None
        wait = max(_interval(at, luck), asked)
        return replace(at, fatal=fatal, next="read", at=now + wait)
    # More and more often as the deadline comes near; whatever the server asks for, there is
    # another try before it.
    half, period = (at.deadline - now) / 2, at.terms.retry_period
    wait = max(sent.at + min(period, max(half, period / 10)) - now, min(asked, half))
    return replace(at, next="write" if doubt is None else "read", at=max(now, now + wait))


def _seen(at: Standing, record: Record, now: float) -> Standing:
    is_same = at.record is not None and at.record.claim == record.claim
    since = at.since if is_same else now
    return replace(at, record=record, since=since, known=True, gone_since=None)


def _over(at: Standing, why: str, cause: WatchkitError | None = None) -> Standing:
    return replace(at, leads=False, deadline=-math.inf, lost=Lost(why, cause), next="read")


def _duration(at: Standing, record: Record) -> float:
    """The holder's own promise; this candidate's where it made none."""
    return at.terms.lease_duration if record.duration is None else float(record.duration)


def _interval(at: Standing, luck: float) -> float:
    """At most `retry_period`, so that a takeover takes that and `lease_duration` at most.

    client-go waits 1 to 2.2 times as long; the jitter serves to keep candidates apart.
    """
    return at.terms.retry_period * (1 - luck / 2)


def _may_be_done(error: WatchkitError) -> bool:
    return not isinstance(error, TransportError) or error.reached


def _stamp(at: Standing, wall: datetime) -> tuple[Standing, str]:
    """Never give the same time twice, whatever the wall clock does: a renewal must show."""
    if at.last_stamp is not None and wall <= at.last_stamp:
        wall = at.last_stamp + _TICK
    return replace(at, last_stamp=wall), stamped(wall)

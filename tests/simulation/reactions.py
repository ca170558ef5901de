"""Judges how each request follows on what became of the one before: the behaviour table.

Probes and audits are beside the sequence. What an audit or a restored store may lead to at any
moment is not judged here; both are judged by what is cached in the end.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from tests.simulation.schedule import Consumer
from tests.simulation.trace import Exchange
from tests.unit.watching.envelope import HAIR

AFTER_AN_ERROR: Final = 5.0
"""Seconds after which a consumer that was raised an error goes on."""
_AS_ASKED: Final = 0.5
"""Seconds around its timeoutSeconds at which the end of a watch is never a short life."""
_ENDLESS: Final = 15.0
"""Seconds behind its timeoutSeconds by which a watch has ended."""
_LATE: Final = 1.0
"""Seconds in which a watch that may be silent is looked at once more."""
_RAISED: Final = frozenset({302, 400, 405, 406, 422})


def judge_reactions(
    consumer: Consumer, exchanges: Sequence[Exchange], *, restored: bool
) -> Iterator[str]:
    """Judge the requests of one source in one life of a consumer."""
    is_free = restored or consumer.audit_period is not None
    is_watcher = consumer.kind == "watcher"
    past: list[Exchange] = []
    for before, after in itertools.pairwise(exchanges):
        # What was given up, or asked again without what was refused, counts for nothing.
        if before.end != "abandoned" and (is_watcher or before.status != 400):
            past.append(before)
        when = f"{after.asked.at:.2f} s: {after.kind} after {_said(before)}"
        wait, least = after.asked.at - before.over_at, _least_wait(consumer, before, after, past)
        if wait < least - HAIR:
            yield f"C7: {when} within {wait:.2f} s, not {least:.2f} s"
        if is_free:
            continue
        wanted = _wanted(before, past)
        if after.kind not in wanted:
            yield f"table: {when}, not {' or '.join(sorted(wanted))}"
        if after.kind == "list":
            yield from _of_paging(after, past, when)
        if after.kind == "watch" and _is_watching(before):
            yield from _of_versions(before, after, when)
        if _is_impatient(consumer, before):
            yield f"C5: {when}, after {before.waited:.2f} s of silence"
        if before.waited > _patience(consumer, before) + _LATE:
            yield f"C5: {when}, only after {before.waited:.2f} s of silence"


def _said(each: Exchange) -> str:
    what = each.status or ("a bad frame" if each.bad else each.end)
    return f"a {each.kind} that came to {what} at {each.over_at:.2f} s"


# What may follow.


def _wanted(before: Exchange, past: Sequence[Exchange]) -> set[str]:
    """Name the kinds of request that may follow."""
    if before.end == "abandoned":
        return {before.kind}
    if before.asked.verb == "list":
        return {"list", "page", "watch"} if before.end == "answered" else {"list"}
    if before.status == 410:
        return {"list"}
    if not _is_watching(before):
        return {"list"} if _fell_silent(before) else {"stream", "list"}
    return _wanted_of_watch(before, past)


def _wanted_of_watch(before: Exchange, past: Sequence[Exchange]) -> set[str]:
    """Count what is let pass once or twice, and makes a version expire in the end."""
    if before.bad:
        surely, perhaps = _since_progress(past, _is_garbled)
        if surely == perhaps == 3:
            return {"list"}
        # From the fourth on, it is raised instead.
        return {"watch"} if surely > 3 or perhaps < 3 else {"watch", "list"}
    if _is_stream_error(before):
        watched = list(itertools.takewhile(lambda each: each.asked.verb == "watch", past[::-1]))
        return _listed_after(5, *_since_progress(watched[::-1], _is_stream_error))
    if _is_too_large(before):
        return _listed_after(2, _in_a_row(past, _is_too_large), sum(map(_is_too_large, past)))
    return _listed_after(3, _in_a_row(past, _is_empty), _in_a_row(past, _is_short))


def _listed_after(most: int, surely: int, perhaps: int) -> set[str]:
    """Tell whether so many are enough; between the two, nobody outside can say."""
    if surely >= most:
        return {"list"}
    return {"watch", "list"} if perhaps >= most else {"watch"}


def _in_a_row(past: Sequence[Exchange], holds: Callable[[Exchange], bool]) -> int:
    return sum(1 for _ in itertools.takewhile(holds, reversed(past)))


def _since_progress(past: Sequence[Exchange], holds: Callable[[Exchange], bool]) -> tuple[int, int]:
    """Count since what may have been progress, and since what surely was: from, to."""
    surely = perhaps = 0
    may_have_moved = False
    for each in reversed(past):
        perhaps += holds(each)
        surely += holds(each) and not may_have_moved
        if _has_moved(each) or (each.end == "closed" and not _is_short(each)):
            break
        may_have_moved = may_have_moved or each.frames > (each.bad or each.status != 0)
    return surely, perhaps


def _has_moved(each: Exchange) -> bool:
    if each.taken is None:
        return False
    return each.kind == "stream" or int(each.taken) > _asked(each)


def _is_watching(each: Exchange) -> bool:
    return each.kind == "watch" or (each.kind == "stream" and each.taken is not None)


def _is_short(each: Exchange) -> bool:
    """Whether a watch ended cleanly, and long before its time."""
    if each.end != "closed":
        return False
    lived = each.over_at - each.asked.at
    return lived < 1.0 and abs(lived - _timeout(each)) > _AS_ASKED


def _is_empty(each: Exchange) -> bool:
    return _is_short(each) and not each.frames


def _is_stream_error(each: Exchange) -> bool:
    return each.opened and each.status not in {0, 410}


def _is_garbled(each: Exchange) -> bool:
    return each.bad and _is_watching(each)


def _is_too_large(each: Exchange) -> bool:
    return each.too_large and each.kind == "watch"


def _fell_silent(each: Exchange) -> bool:
    return each.end == "given up" and not each.bad and not each.status


def _timeout(each: Exchange) -> int:
    return int(each.asked.query["timeoutSeconds"])


def _asked(each: Exchange) -> int:
    return int(each.asked.query.get("resourceVersion") or 0)


def _of_paging(after: Exchange, past: Sequence[Exchange], when: str) -> Iterator[str]:
    """After three expired pages in a row, and only then, a list is not paged."""
    expired = 0
    for each in reversed(past):
        if each.asked.verb == "watch":
            break
        expired += each.kind == "page" and each.status == 410
    if ("limit" in after.asked.query) == (expired >= 3):
        yield f"table: {when}, {expired} pages expired, asked {dict(after.asked.query)}"


def _of_versions(before: Exchange, after: Exchange, when: str) -> Iterator[str]:
    """A watch goes on where the one before was, at what it gave last; nowhere else."""
    was, now = int(before.taken or _asked(before)), _asked(after)
    if now < was or (now != was and not before.frames):
        yield f"resumable: {when}, at {now}, not {was}"


def _is_impatient(consumer: Consumer, each: Exchange) -> bool:
    """Whether a watch was given up for a silence that was none yet."""
    if not _is_watching(each) or not _fell_silent(each):
        return False
    is_endless = each.over_at - each.asked.at >= _timeout(each) + _ENDLESS - HAIR
    return each.waited < consumer.idle_timeout - HAIR and not is_endless


def _patience(consumer: Consumer, each: Exchange) -> float:
    """Give the bound on silence: where no bookmark ever came, a watch's end may have to tell."""
    idle = consumer.idle_timeout
    if not each.opened or each.bookmarked:
        return idle
    return max(idle, _timeout(each) + _ENDLESS)


# And how soon.


def _least_wait(
    consumer: Consumer, before: Exchange, after: Exchange, past: Sequence[Exchange]
) -> float:
    """Give the least seconds from the end of one request to the next."""
    if before.status in _RAISED:
        return AFTER_AN_ERROR if consumer.kind == "watcher" else 0.0
    # It is honoured once; the version is given up then.
    is_given_up = before.too_large and after.kind == "list"
    asked = 0.0 if is_given_up else min(before.retry_after, 60.0)
    if consumer.backoff.jitter != "none":
        return asked
    return max(asked, _back_off(consumer, before, after, past))


def _back_off(  # noqa: PLR0911 - one for each way to end
    consumer: Consumer, before: Exchange, after: Exchange, past: Sequence[Exchange]
) -> float:
    backoff, earlier = consumer.backoff, past[-2:-1]
    once = backoff.delay(0, 0.0)
    match before.end:
        case "refused" if before.status == 401:
            return once if earlier and earlier[0].status == 401 else 0.0
        case "refused" if before.status in {403, 404}:
            return backoff.delay_at_cap(0.0)
        case "refused" | "broken" if not before.opened:
            return backoff.delay(_attempt(past), 0.0)
        case "no answer":
            return once if earlier and earlier[0].end == "no answer" else 0.0
        case "answered":
            is_crooked = after.kind == "list" and consumer.audit_period is None
            return once if is_crooked else 0.0
        case "closed":
            return once if _is_short(before) or not _is_watching(before) else 0.0
        case _:
            return once if before.end == "broken" or before.bad or before.status else 0.0


def _attempt(past: Sequence[Exchange]) -> int:
    """Count the failures in a row, at least: the first 401, and the first silence, are none."""
    run = list(itertools.takewhile(_is_failed, reversed(past)))
    free = any(each.status == 401 for each in run) + any(each.end == "no answer" for each in run)
    return max(0, len(run) - free - 1)


def _is_failed(each: Exchange) -> bool:
    return not each.opened and each.end != "answered"

"""Judges a run by etcd's watch validators, ported to events and changes, and by C1 to C8.

The validators are: ordered, unique, atomic, reliable, resumable, bookmarkable, filtered. Pure: it
reads the history and the diaries, nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.simulation.consumers import is_wanted
from tests.simulation.folding import judge_changes, judge_events
from tests.simulation.history import Held, View, Wanted
from tests.simulation.reactions import judge_reactions
from tests.simulation.schedule import LEFT_OUT, Consumer
from tests.simulation.trace import Asked, Diary, Exchange, Raised, Sampled
from tests.simulation.world import Run
from tests.unit.watching.envelope import HAIR, of_endless_failure

BEYOND: Final = 30.0
"""Seconds of silence above the idle timeout before "watching" is a lie: the 15 s by which a watch
may outlive its timeoutSeconds, the 10 s of the first reconnect, and some to look."""


def judged(run: Run) -> list[str]:
    """Give what is wrong, in words; nothing where every promise was kept."""
    return list(_wrongs(run))


def _wrongs(run: Run) -> Iterator[str]:
    if run.open_at_end or run.tasks_at_end:
        yield f"C8: {run.open_at_end} watches and {run.tasks_at_end} tasks are left at the end"
    for number, (consumer, diary) in enumerate(
        zip(run.schedule.consumers, run.diaries, strict=True)
    ):
        judge = judge_watcher if consumer.kind == "watcher" else judge_informer
        for wrong in judge(run, consumer, diary):
            yield f"{consumer.kind} {number}: {wrong}"


def judge_watcher(run: Run, consumer: Consumer, diary: Diary) -> Iterator[str]:
    """Judge one RetryWatcher and its consumer."""
    wanted = partial(is_wanted, consumer)
    yield from judge_events(run.history, wanted, diary.of("watcher"), replay=consumer.replay)
    yield from _of_any(run, consumer, diary)


def judge_informer(run: Run, consumer: Consumer, diary: Diary) -> Iterator[str]:
    """Judge one SharedInformer: its cache, each of its handlers, its requests."""
    wanted = partial(is_wanted, consumer)
    final = _now(run, wanted)
    lives = {name.rpartition(" ")[2] for name in diary.records if name != "informer"}
    last = max(lives, key=int, default="")
    for name, records in diary.records.items():
        kind, _, life = name.rpartition(" ")
        if kind:
            asks = partial(_is_picked, wanted) if kind == "slow" and consumer.picky else wanted
            wrongs = judge_changes(
                run.history,
                asks,
                records,
                every=kind == "every" and not (consumer.is_split or run.schedule.is_lossy),
                lists=diary.lists,
                final=_now(run, asks) if life == last and kind != "raising" else None,
            )
            yield from (f"{name}: {wrong}" for wrong in wrongs)
    yield from _of_any(run, consumer, diary)
    if not run.schedule.is_lossy:
        yield from _of_caches(run, wanted, diary.samples)
    if diary.samples and diary.samples[-1].cached != final:
        yield f"C1: in the end it caches {_difference(diary.samples[-1].cached or {}, final)}"


def _now(run: Run, wanted: Wanted) -> View:
    return {key: each for key, each in run.history.now.items() if wanted(each)}


def _is_picked(wanted: Wanted, each: Held) -> bool:
    return wanted(each) and not each.key.endswith(f"/{LEFT_OUT}")


def _of_any(run: Run, consumer: Consumer, diary: Diary) -> Iterator[str]:
    """Judge what a watcher and an informer have in common: requests, errors, health."""
    for asked in diary.asked:
        yield from _of_request(consumer, asked)
    probes = sum(asked.is_probe for asked in diary.asked)
    opened = sum(each.opened for exchanges in diary.exchanges for each in exchanges)
    cut_off = sum(each.how == "cancel" for each in consumer.interruptions)  # asked for again
    if probes > opened + cut_off:
        yield f"C7: {probes} probes beside {opened} watches"
    for exchanges in diary.exchanges:
        if consumer.backoff.jitter == "none":
            yield from _of_rate(consumer, exchanges)
        restored = len(run.history.branches) > 1
        yield from judge_reactions(consumer, exchanges, restored=restored)
    yield from _of_errors(consumer, diary)
    yield from _of_samples(consumer, diary.samples)


def _of_request(consumer: Consumer, asked: Asked) -> Iterator[str]:
    query = asked.query
    selector = None if consumer.app is None else f"app={consumer.app}"
    if query.get("labelSelector") != selector:
        yield f"C6: {asked.verb} without the caller's selector: {query}"
    if asked.verb == "list":
        if "resourceVersion" in query or "timeoutSeconds" in query:
            yield f"C6: a list is not asked for as of now: {query}"
        if query.get("limit") not in {None, "1", str(consumer.limit or 500)}:
            yield f"C6: a list in other pages than the caller's: {query}"
        return
    if query.get("resourceVersion") in {"", "0", None} and "sendInitialEvents" not in query:
        yield f"C3: a watch at no version: {query}"
    if "limit" in query or not _is_timeout(consumer, int(query.get("timeoutSeconds", 0))):
        yield f"C6: a watch with other bounds than the caller's: {query}"
    if consumer.options.allow_watch_bookmarks and query.get("allowWatchBookmarks") != "true":
        yield f"C6: a watch without the bookmarks that the caller wants: {query}"


def _is_timeout(consumer: Consumer, seconds: int) -> bool:
    if consumer.timeout is not None:
        return seconds == consumer.timeout
    return 1 <= seconds <= max(2, math.ceil(consumer.idle_timeout - 10))


def _of_rate(consumer: Consumer, exchanges: list[Exchange]) -> Iterator[str]:
    """C7, over every window of requests, pages and probes aside."""
    times = [each.asked.at for each in exchanges if each.kind != "page"]
    for first in range(len(times)):
        for last in range(first + 1, len(times)):
            window, count = times[last] - times[first], last - first + 1
            if count <= 3 + window:
                continue
            allowed = 2 + of_endless_failure(consumer.backoff, window, 0.0) + window + HAIR
            if count > allowed:
                yield f"C7: {count} requests in {window:.2f} s from {times[first]:.2f} s on"
                return


def _of_errors(consumer: Consumer, diary: Diary) -> Iterator[str]:
    """Only what stays wrong is raised; the rest is lived through."""
    fatal = {"InvalidRequest", "Redirected", "ProtocolError"}
    if consumer.on_expired == "raise":
        fatal.add("ResourceExpired")
    for records in diary.records.values():
        for each in records:
            if isinstance(each, Raised) and each.error not in fatal:
                yield f"C1: {each.at:.2f} s: raised {each.error}"


def _of_samples(consumer: Consumer, samples: list[Sampled]) -> Iterator[str]:
    """C5: no silence beyond the bound is called watching, and what speaks is not called stale."""
    idle = consumer.idle_timeout
    for each in samples:
        # A server that sends no bookmarks is silent where nothing happens: a watch's end tells.
        bound = idle if each.bookmarked else max(idle, (consumer.timeout or 140) + 15.0)
        silent = each.at - max(each.heard, each.waiting_since)
        if each.state == "watching" and silent > bound + BEYOND:
            yield f"C5: watching at {each.at:.1f} s, though nothing was heard for {silent:.1f} s"
            return
        if each.state == "stale" and each.at - each.served < idle - HAIR:
            yield f"C5: stale at {each.at:.1f} s, though it was served at {each.served:.1f} s"
            return


def _of_caches(run: Run, wanted: Wanted, samples: list[Sampled]) -> Iterator[str]:
    """Atomic, bookmarkable: what is cached at a version is what there was at it, in some branch."""
    for each in samples:
        if each.version is None or each.cached is None:
            continue
        states = [branch.at(int(each.version)) for branch in run.history.branches]
        views = [{key: one for key, one in state.items() if wanted(one)} for state in states]
        if each.cached not in views:
            off = _difference(each.cached, views[-1])
            yield f"atomic: at {each.at:.1f} s the cache of version {each.version} has {off}"
            return


def _difference(have: View, want: View) -> str:
    more = [held for key, held in have.items() if want.get(key) != held]
    less = [held for key, held in want.items() if have.get(key) != held]
    return f"{more} instead of {less}"

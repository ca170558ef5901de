"""Judges a run by etcd's watch validators, ported to events and changes, and by C1 to C8.

The validators are: ordered, unique, atomic, reliable, resumable, bookmarkable, filtered. Pure: it
reads the history and the diaries, nothing else.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.simulation.consumers import is_wanted
from tests.simulation.folding import judge_changes, judge_events
from tests.simulation.history import View, Wanted
from tests.simulation.schedule import Consumer
from tests.simulation.trace import Asked, Diary, Sampled
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
    yield from _of_requests(consumer, diary.asked)
    yield from _of_samples(consumer, diary.samples)


def judge_informer(run: Run, consumer: Consumer, diary: Diary) -> Iterator[str]:
    """Judge one SharedInformer: its cache, each of its handlers, its requests."""
    wanted = partial(is_wanted, consumer)
    final = {key: each for key, each in run.history.now.items() if wanted(each)}
    lives = {name.rpartition(" ")[2] for name in diary.records if name != "informer"}
    last = max(lives, key=int, default="")
    for name, records in diary.records.items():
        kind, _, life = name.rpartition(" ")
        if kind:
            wrongs = judge_changes(
                run.history,
                wanted,
                records,
                every=kind == "every",
                lists=diary.lists,
                final=final if life == last and kind != "raising" else None,
            )
            yield from (f"{name}: {wrong}" for wrong in wrongs)
    yield from _of_requests(consumer, diary.asked, epochs=len(run.history.branches))
    yield from _of_samples(consumer, diary.samples)
    yield from _of_caches(run, wanted, diary.samples)
    if diary.samples and diary.samples[-1].cached != final:
        yield f"C1: in the end it caches {_difference(diary.samples[-1].cached or {}, final)}"


def _of_requests(consumer: Consumer, asked: list[Asked], *, epochs: int = 1) -> Iterator[str]:
    selector = None if consumer.app is None else f"app={consumer.app}"
    for each in asked:
        if each.query.get("labelSelector") != selector:
            yield f"C6: {each.verb} without the caller's selector: {each.query}"
        if each.query.get("resourceVersion") in {"", "0"}:
            yield f"C3: {each.verb} at version {each.query['resourceVersion']!r}"
    if consumer.kind == "watcher" and consumer.backoff.jitter == "none":
        yield from _of_rate(consumer, asked)


def _of_rate(consumer: Consumer, asked: list[Asked]) -> Iterator[str]:
    """C7, over every window of requests, pages and probes aside; a restart is another watcher."""
    restarts = [each.at for each in consumer.interruptions if each.how == "restart"]
    bounds = [0.0, *restarts, float("inf")]
    times = [each.at for each in asked if "continue" not in each.query and not _is_probe(each)]
    for begin, end in itertools.pairwise(bounds):
        part = [at for at in times if begin <= at < end]
        for first in range(len(part)):
            for last in range(first + 1, len(part)):
                window, count = part[last] - part[first], last - first + 1
                if count <= 3 + window:
                    continue
                allowed = 2 + of_endless_failure(consumer.backoff, window, 0.0) + window + HAIR
                if count > allowed:
                    yield f"C7: {count} requests in {window:.2f} s from {part[first]:.2f} s on"
                    return


def _is_probe(each: Asked) -> bool:
    return each.verb == "list" and each.query.get("limit") == "1"


def _of_samples(consumer: Consumer, samples: list[Sampled]) -> Iterator[str]:
    bound = max(consumer.idle_timeout, 140.0 + 15.0) + BEYOND
    for each in samples:
        silent = each.at - max(each.heard, each.waiting_since)
        if each.state == "watching" and silent > bound:
            yield f"C5: watching at {each.at:.1f} s, though nothing was heard for {silent:.1f} s"
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

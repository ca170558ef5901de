"""From statistics to samples: for each kind of thing, a pure function of its statistics."""

from __future__ import annotations

from functools import singledispatch
from typing import Final

from watchkit.core.statistics import (
    RECONCILE_RESULTS,
    InformerStatistics,
    QueueCounts,
    QueueStatistics,
    ReconcileCounts,
    WatchStatistics,
)
from watchkit.metrics.family import Counter, Distributed, Family, Gauge, Sample

WATCHES: Final = Counter(
    "watchkit_watches_total", "Watches that came to an end, by how.", ("resource", "end")
)
LISTS: Final = Counter(
    "watchkit_lists_total", "Lists that the server answered, by why.", ("resource", "reason")
)
EVENTS: Final = Counter(
    "watchkit_events_total", "Events told, by their type.", ("resource", "type")
)
CACHED: Final = Gauge("watchkit_cached_objects", "Objects in caches.", ("resource",))
PROGRESS: Final = Gauge(
    "watchkit_last_progress_seconds",
    "Seconds since the server was last heard of, or first asked.",
    ("resource",),
    of_several="max",
)
QUEUE: Final = Gauge(
    "watchkit_handler_queue_depth",
    "Changes that wait for a handler or subscription.",
    ("resource", "handler"),
)
RECONCILES: Final = Counter(
    "reconcile_total", "Reconciles that ended, by what came of them.", ("controller", "result")
)
ERRORS: Final = Counter("reconcile_errors_total", "Reconciles that failed.", ("controller",))
DURATION: Final = Distributed(
    "reconcile_duration_seconds", "How long reconciles took.", ("controller",)
)
DEPTH: Final = Gauge("workqueue_depth", "Keys that wait to be worked on.", ("name",))
ADDS: Final = Counter("workqueue_adds_total", "Times that a key began to wait.", ("name",))
RETRIES: Final = Counter("workqueue_retries_total", "Keys put back after a failure.", ("name",))
WAITED: Final = Distributed(
    "workqueue_queue_duration_seconds", "How long keys waited from when they were due.", ("name",)
)
WORKED: Final = Distributed(
    "workqueue_work_duration_seconds", "How long keys were worked on.", ("name",)
)
LONGEST: Final = Gauge(
    "workqueue_longest_running_processor_seconds",
    "For how long the key that is worked on for longest has been.",
    ("name",),
    of_several="max",
)

FAMILIES: Final[tuple[Family, ...]] = (
    *(WATCHES, LISTS, EVENTS, CACHED, PROGRESS, QUEUE),
    *(RECONCILES, ERRORS, DURATION),
    *(DEPTH, ADDS, RETRIES, WAITED, WORKED, LONGEST),
)
"""Every metric that there is."""


@singledispatch
def samples_of(statistics: object) -> list[Sample]:
    """Give the samples of one thing, of whatever kind its statistics are.

    Raises:
        TypeError: statistics of a kind that is not known here.
        ValueError: they are of a queue without a name.

    """
    raise TypeError(f"no metrics are known of {type(statistics).__name__}")


@samples_of.register
def _(statistics: WatchStatistics) -> list[Sample]:
    resource = statistics.resource
    samples = [Sample(WATCHES, (resource, end), n) for end, n in statistics.watches.items()]
    samples += [Sample(LISTS, (resource, reason), n) for reason, n in statistics.lists.items()]
    samples += [Sample(EVENTS, (resource, kind), n) for kind, n in statistics.events.items()]
    if statistics.progress_age is not None:
        samples.append(Sample(PROGRESS, (resource,), statistics.progress_age))
    return samples


@samples_of.register
def _(statistics: InformerStatistics) -> list[Sample]:
    samples = samples_of.dispatch(WatchStatistics)(statistics)
    if statistics.is_ended:
        return samples
    resource = statistics.resource
    samples.append(Sample(CACHED, (resource,), statistics.objects))
    queued = statistics.queued.items()
    return samples + [Sample(QUEUE, (resource, handler), depth) for handler, depth in queued]


@samples_of.register
def _(statistics: ReconcileCounts) -> list[Sample]:
    controller = statistics.controller
    results = [(each, statistics.results.get(each, 0)) for each in RECONCILE_RESULTS]
    return [
        *(Sample(RECONCILES, (controller, result), n) for result, n in results),
        Sample(ERRORS, (controller,), statistics.errors),
        Sample(DURATION, (controller,), statistics.duration),
    ]


@samples_of.register
def _(statistics: QueueCounts) -> list[Sample]:
    if not statistics.name:
        raise ValueError("a queue is measured by its name: WorkQueue(name=...)")
    name = (statistics.name,)
    return [
        Sample(ADDS, name, statistics.adds),
        Sample(RETRIES, name, statistics.retries),
        Sample(WAITED, name, statistics.queue_duration),
        Sample(WORKED, name, statistics.work_duration),
    ]


@samples_of.register
def _(statistics: QueueStatistics) -> list[Sample]:
    name = (statistics.name,)
    return [
        *samples_of.dispatch(QueueCounts)(statistics),
        Sample(DEPTH, name, statistics.depth),
        Sample(LONGEST, name, statistics.longest_running),
    ]

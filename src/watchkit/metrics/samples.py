"""From statistics to samples: for each kind of thing, a pure function of its statistics."""

from __future__ import annotations

from functools import singledispatch
from typing import Final

from watchkit.core.statistics import InformerStatistics, WatchStatistics
from watchkit.metrics.family import Counter, Family, Gauge, Sample

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

FAMILIES: Final[tuple[Family, ...]] = (WATCHES, LISTS, EVENTS, CACHED, PROGRESS, QUEUE)
"""Every metric that there is."""


@singledispatch
def samples_of(statistics: object) -> list[Sample]:
    """Give the samples of one thing, of whatever kind its statistics are.

    Raises:
        TypeError: statistics of a kind that is not known here.

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

"""Metrics: what Prometheus scrapes, read from all that was registered when it does."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Protocol, cast, runtime_checkable

from watchkit.core.histogram import Distribution
from watchkit.metrics.family import Counter, Distributed, Family, Gauge, Totals, Value
from watchkit.metrics.samples import FAMILIES, samples_of

try:
    from prometheus_client import REGISTRY, CollectorRegistry
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
        Metric,
    )
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.registry import Collector
except ModuleNotFoundError as _missing:
    if _missing.name != "prometheus_client":
        raise
    raise ImportError(
        "watchkit.metrics needs prometheus-client: pip install 'watchkit[metrics]'",
        name=_missing.name,
    ) from None


class HasStatistics(Protocol):
    """What has counted something."""

    def statistics(self) -> object:
        """Give what was counted so far, as a value."""
        ...


class Measured(HasStatistics, Protocol):
    """What can be registered: an informer, a watcher, and whatever else has metrics."""

    @property
    def tally(self) -> HasStatistics:
        """The counters alone, which outlive the thing itself."""
        ...


@runtime_checkable
class HasQueue(Protocol):
    """What works on the keys of a queue: a controller."""

    @property
    def queue(self) -> Measured:
        """The queue, which is measured by itself."""
        ...


class Metrics(Collector):
    """The metrics of what was registered, in a registry of prometheus-client.

    Nothing is pushed: the counters that everything has anyway are read when the registry is
    scraped, from whatever thread that happens in. Things of equal labels are one series: counts
    are summed up, of ages the longest is shown. What has ended keeps its counts, so counters
    never fall, and nothing else; it is not kept alive.

    Raises:
        ValueError: the registry has such metrics already.

    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._lock = Lock()
        self._entries: list[_Entry] = []
        self._past = Totals()
        self._registry = registry
        registry.register(self)

    def register(self, thing: Measured) -> None:
        """Let an informer, watcher, controller or work queue be measured, from now to its end.

        A controller's queue is measured with it. A second time changes nothing.

        Raises:
            TypeError: there are no metrics of such a thing.
            ValueError: a queue without a name.

        """
        samples_of(thing.statistics())
        if isinstance(thing, HasQueue):
            self.register(thing.queue)
        with self._lock:
            self._let_go()
            if all(entry.thing() is not thing for entry in self._entries):
                self._entries.append(_Entry(weakref.ref(thing), thing.tally))

    def collect(self) -> Iterable[Metric]:
        """Give all metrics that have a value now."""
        with self._lock:
            self._let_go()
            totals = Totals(self._past)
            for entry in self._entries:
                totals.add(samples_of(entry.statistics()))
        return [metric_of(each, totals.of(each)) for each in FAMILIES if totals.of(each)]

    def describe(self) -> Iterable[Metric]:
        """Give all metrics that there can be, without a value: a registry asks for their names."""
        return [metric_of(each, {}) for each in FAMILIES]

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """Give all that the registry shows as text, and its media type: for a server of your own.

        `accept` is the Accept header of who asks, which chooses OpenMetrics or Prometheus' own
        format; the latter where it asks for nothing that there is.
        """
        try:
            encode, media = choose_encoder(accept)
        except (TypeError, ValueError):  # a version that is none
            encode, media = choose_encoder("")
        return encode(self._registry), media

    def __repr__(self) -> str:
        return f"<Metrics things={len(self._entries)}>"

    def _let_go(self) -> None:
        """Add to the past what nobody has any more: nothing will be added to its counts."""
        kept: list[_Entry] = []
        for entry in self._entries:
            if entry.thing() is not None:
                kept.append(entry)
                continue
            last = samples_of(entry.tally.statistics())
            self._past.add(each for each in last if not isinstance(each.family, Gauge))
        self._entries = kept


@dataclass(frozen=True, slots=True)
class _Entry:
    """One thing, not kept alive, and its counters, which are."""

    thing: weakref.ref[Measured]
    tally: HasStatistics

    def statistics(self) -> object:
        """Give what it has counted, whether it is still there or not."""
        thing = self.thing()
        return (self.tally if thing is None else thing).statistics()


def metric_of(family: Family, values: Mapping[tuple[str, ...], Value]) -> Metric:
    """Give a metric as prometheus-client has it, with these values by their labels."""
    match family:
        case Counter(name, said, labels):
            counter = CounterMetricFamily(name, said, labels=labels)
            for each, value in values.items():
                counter.add_metric(each, cast("float", value))
            return counter
        case Gauge(name, said, labels):
            gauge = GaugeMetricFamily(name, said, labels=labels)
            for each, value in values.items():
                gauge.add_metric(each, cast("float", value))
            return gauge
        case Distributed(name, said, labels):
            histogram = HistogramMetricFamily(name, said, labels=labels)
            for each, value in values.items():
                shown = cast("Distribution", value)
                histogram.add_metric(each, _buckets(shown), shown.sum)
            return histogram


def _buckets(shown: Distribution) -> list[tuple[str, float]]:
    bounds = [*(str(float(bound)) for bound in shown.bounds), "+Inf"]
    return [*zip(bounds, map(float, shown.cumulative), strict=True)]

"""How the values of several things become one, and what a scrape makes of each kind."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from watchkit.core.histogram import Histogram
from watchkit.metrics.collector import metric_of
from watchkit.metrics.family import Counter, Distributed, Family, Gauge, Sample, Totals, Value
from watchkit.metrics.samples import FAMILIES

DONE = Counter("done_total", "What was done.", ("by",))
DEPTH = Gauge("depth", "What waits.", ("by",))
AGE = Gauge("age_seconds", "How old.", (), of_several="max")
TIMES = Distributed("work_seconds", "How long it took.", ("by",))


def observed(*values: float) -> Value:
    """Give a distribution of these values."""
    histogram = Histogram((0.5, 10))
    for value in values:
        histogram.observe(value)
    return histogram.snapshot()


def text(family: Family, values: dict[tuple[str, ...], Value]) -> list[str]:
    """Give the lines that a scrape shows of a metric."""

    class One(Collector):
        def collect(self) -> list[Metric]:
            return [metric_of(family, values)]

    registry = CollectorRegistry()
    registry.register(One())
    return generate_latest(registry).decode().splitlines()


def test_values_of_equal_labels_become_one() -> None:
    """Summed up; of ages the longest; distributions bucket by bucket."""
    totals = Totals()
    for each in (1, 5, 2):
        totals.add([Sample(DONE, ("a",), each), Sample(DEPTH, ("a",), each), Sample(AGE, (), each)])
        totals.add([Sample(TIMES, ("a",), observed(each)), Sample(DONE, ("b",), 10 * each)])

    assert totals.of(DONE) == {("a",): 8, ("b",): 80}
    assert totals.of(DEPTH) == {("a",): 8}
    assert totals.of(AGE) == {(): 5}
    assert totals.of(TIMES) == {("a",): observed(1, 5, 2)}


def test_a_copy_leaves_the_first_as_it_is() -> None:
    """What is live is added to a copy of what is past, scrape after scrape."""
    past = Totals()
    past.add([Sample(DONE, ("a",), 1)])
    Totals(past).add([Sample(DONE, ("a",), 1), Sample(DONE, ("b",), 1), Sample(DEPTH, ("a",), 1)])

    assert past.of(DONE) == {("a",): 1}
    assert past.families() == [DONE]


def test_numbers_and_distributions_do_not_mix() -> None:
    """A mistake of ours, not of a scrape's."""
    totals = Totals()
    totals.add([Sample(TIMES, ("a",), observed(1))])
    with pytest.raises(TypeError, match="work_seconds"):
        totals.add([Sample(TIMES, ("a",), 1.0)])


def test_each_kind_is_shown_as_prometheus_has_it() -> None:
    """Name, meaning, type, and the values with their labels."""
    assert text(DONE, {("a",): 3}) == [
        "# HELP done_total What was done.",
        "# TYPE done_total counter",
        'done_total{by="a"} 3.0',
    ]
    assert text(AGE, {(): 3.5}) == [
        "# HELP age_seconds How old.",
        "# TYPE age_seconds gauge",
        "age_seconds 3.5",
    ]
    assert text(TIMES, {("a",): observed(0.25, 0.5, 3, 100)}) == [
        "# HELP work_seconds How long it took.",
        "# TYPE work_seconds histogram",
        'work_seconds_bucket{by="a",le="0.5"} 2.0',
        'work_seconds_bucket{by="a",le="10.0"} 3.0',
        'work_seconds_bucket{by="a",le="+Inf"} 4.0',
        'work_seconds_count{by="a"} 4.0',
        'work_seconds_sum{by="a"} 103.75',
    ]


def test_names_and_labels_are_bounded_and_well_formed() -> None:
    """Counters end with `_total`; no label could hold an object's name or a namespace."""
    known = {"resource", "end", "reason", "type", "handler", "controller", "result", "name"}
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    for family in FAMILIES:
        assert family.name.endswith("_total") == isinstance(family, Counter)
        assert set(family.labels) <= known
        assert family.help.endswith(".")

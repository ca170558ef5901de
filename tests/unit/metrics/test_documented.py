"""docs/metrics.md: the metrics and label values that a registry shows are there, and no others."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from tests.unit.informer.informing import Recorder, synced
from watchkit import ListerWatcher, SharedInformer
from watchkit.metrics import Metrics

DOCUMENT = Path(__file__).parents[3] / "docs" / "metrics.md"
METRIC = re.compile(
    r"^\| `(?P<name>\w+)` \| (?P<kind>counter|gauge|histogram) \| (?P<labels>.*?) \|"
)
VALUE = re.compile(r"^\| `(?P<label>\w+)` \| `(?P<value>\w+)` \|")
PROMQL = re.compile(r"^```promql\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FREE = {"resource", "handler"}
"""Labels whose values are the program's own names."""


def lines() -> list[str]:
    """Give the lines of the document."""
    return DOCUMENT.read_text(encoding="utf-8").splitlines()


def documented() -> dict[str, tuple[str, set[str]]]:
    """Give the type and the labels of each metric that the document lists."""
    rows = filter(None, map(METRIC.match, lines()))
    return {row["name"]: (row["kind"], set(re.findall(r"`(\w+)`", row["labels"]))) for row in rows}


def values() -> dict[str, set[str]]:
    """Give the values of each label that the document lists."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in filter(None, map(VALUE.match, lines())):
        found[row["label"]].add(row["value"])
    return found


def name_of(metric: Metric) -> str:
    """Give the name that a scrape shows."""
    return f"{metric.name}_total" if metric.type == "counter" else metric.name


def test_what_a_registry_is_told_of_is_documented() -> None:
    """Each metric with its type, and none that does not exist."""
    described = {name_of(each): each.type for each in Metrics(CollectorRegistry()).describe()}

    assert {name: kind for name, (kind, _) in documented().items()} == described


@pytest.mark.anyio
async def test_labels_and_their_values_are_documented(pods: ListerWatcher) -> None:
    """As a scrape shows them, of something that has every metric."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    labels: dict[str, set[str]] = defaultdict(set)
    found: dict[str, set[str]] = defaultdict(set)
    async with SharedInformer(pods) as informer:
        metrics.register(informer)
        informer.add_event_handler(Recorder())
        await synced(informer)
        for metric in registry.collect():
            for sample in metric.samples:
                labels[name_of(metric)].update(sample.labels)
                for label, value in sample.labels.items():
                    found[label].add(value)

    assert labels == {name: wanted for name, (_, wanted) in documented().items()}
    assert {label: found[label] for label in found.keys() - FREE} == values()


def test_queries_ask_for_what_there_is() -> None:
    """Their metrics and the values of their labels are listed above them."""
    queries = PROMQL.findall(DOCUMENT.read_text(encoding="utf-8"))
    known = set().union(*values().values())
    assert queries
    for query in queries:
        assert set(re.findall(r"watchkit_\w+", query)) <= documented().keys()
        for asked in re.findall(r'[!=]~?"(.*?)"', query):
            assert set(asked.split("|")) <= known

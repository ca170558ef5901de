"""docs/metrics.md: the metrics and label values that a registry shows are there, and no others."""

import re
from collections import defaultdict

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from tests.unit.controllers.reconciling import Reconciler
from tests.unit.informer.informing import Recorder, synced
from tests.unit.metrics.documents import DOCUMENT, documented, faults_of, values
from watchkit import ListerWatcher, SharedInformer
from watchkit.controllers import Controller
from watchkit.metrics import Metrics

PROMQL = re.compile(r"^```promql\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FREE = {"resource", "handler", "controller", "name"}
"""Labels whose values are the program's own names."""


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
        controller = Controller(Reconciler(), name="shop")
        metrics.register(controller)
        informer.add_event_handler(Recorder())
        await synced(informer)
        for metric in registry.collect():
            for sample in metric.samples:
                told = {label: value for label, value in sample.labels.items() if label != "le"}
                labels[name_of(metric)].update(told)
                for label, value in told.items():
                    found[label].add(value)

    assert labels == {name: wanted for name, (_, wanted) in documented().items()}
    assert {label: found[label] for label in found.keys() - FREE} == values()


def test_queries_ask_for_what_there_is() -> None:
    """Their metrics, labels and the values of these are listed above them."""
    queries = PROMQL.findall(DOCUMENT.read_text(encoding="utf-8"))
    assert queries
    assert {text: faults_of(text) for text in queries} == {text: [] for text in queries}


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("rate(watchkit_list_total[5m])", ["no metric watchkit_list_total"]),
        ("reconcile_duration_seconds > 5", ["no metric reconcile_duration_seconds"]),
        ("watchkit_lists_total_bucket", ["no metric watchkit_lists_total_bucket"]),
        ("mean(workqueue_depth)", ["no function mean"]),
        ("sum by (controller) (workqueue_depth)", ["no label controller"]),
        ("sum by (le, name) (workqueue_depth)", ["no label le"]),
        ('workqueue_depth{controller="a"}', ["no label controller of workqueue_depth"]),
        ('watchkit_lists_total{reason=~"start|gone"}', ["no value gone"]),
        ("1 > 0", ["it asks for nothing"]),
        ('max by (le, name) (workqueue_work_duration_seconds_bucket{name=~"$name"})', []),
    ],
)
def test_a_wrong_query_is_seen(text: str, faults: list[str]) -> None:
    """What these tests look for they find."""
    assert faults_of(text) == faults


@pytest.mark.parametrize("text", ["sum(workqueue_depth", "workqueue_depth{name}"])
def test_what_is_no_query_is_refused(text: str) -> None:
    """Rather than found to be without faults."""
    with pytest.raises(ValueError, match=r"without|not a list"):
        faults_of(text)

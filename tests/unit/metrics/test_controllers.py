"""`watchkit.metrics`: what a scrape shows of controllers and their queues, number by number."""

import gc
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest
from prometheus_client import CollectorRegistry
from structlog.typing import EventDict

from tests.unit.controllers.reconciling import Reconciler, gives, raises, running, sleeps
from tests.unit.metrics.scraping import Series, scraped
from watchkit import TerminalError
from watchkit.controllers import Controller, ItemExponential, Request, Result, WorkQueue
from watchkit.metrics import Metrics

pytestmark = pytest.mark.anyio

A, B, C = (Request("shop", name) for name in "abc")


@pytest.fixture
def reconciler() -> Reconciler:
    """Give a reconcile that succeeds, until told otherwise."""
    return Reconciler()


def steady() -> ItemExponential:
    """Give a limiter without chance: 1 s, 2 s, 4 s, ..."""
    return ItemExponential(1, 60, jitter="none")


def shown(registry: CollectorRegistry, name: str) -> Series:
    """Give the series of one metric that are not 0, by their labels."""
    return {
        series.removeprefix(f"{name}{{").removesuffix("}"): value
        for series, value in scraped(registry).items()
        if series.startswith(f"{name}{{") and value
    }


async def test_every_series_of_a_controller_is_there_from_the_start(
    registry: CollectorRegistry, metrics: Metrics, reconciler: Reconciler
) -> None:
    """At 0, so that a rate sees the first of each; its queue has its name."""
    controller = Controller(reconciler, name="shop")
    metrics.register(controller)

    series = scraped(registry)
    assert set(series.values()) == {0}
    results = ("success", "requeue_after", "error", "timeout", "terminal", "cancelled")
    for result in results:
        assert f"reconcile_total{{controller=shop,result={result}}}" in series
    assert "reconcile_errors_total{controller=shop}" in series
    assert "reconcile_duration_seconds_bucket{controller=shop,le=0.005}" in series
    for name in ("depth", "adds_total", "retries_total", "longest_running_processor_seconds"):
        assert f"workqueue_{name}{{name=shop}}" in series
    for name in ("queue", "work"):
        assert f"workqueue_{name}_duration_seconds_sum{{name=shop}}" in series
    assert repr(metrics) == "<Metrics things=2>"


async def test_a_scrape_shows_what_a_controller_has_been_through(
    registry: CollectorRegistry, metrics: Metrics, reconciler: Reconciler
) -> None:
    """Each number exactly: results, errors, times; what waited, what was tried again."""
    reconciler.when("shop/a", sleeps(2), raises(ValueError()), gives(None))
    reconciler.when("shop/b", sleeps(100), gives(Result(1000)))
    reconciler.when("shop/c", raises(TerminalError("no such size")))
    controller = Controller(reconciler, name="shop", rate_limiter=steady(), timeout=20)
    metrics.register(controller)
    async with running(controller):
        for request in (A, B, C):
            controller.queue.add(request)
        await anyio.sleep(50)  # a: 2 s; b: times out at 22, comes again at 23; c: at 22
        controller.queue.add(A)
        await anyio.sleep(50)  # a: fails at 50, comes again at 51

        results = {"success": 2, "requeue_after": 1, "error": 1, "timeout": 1, "terminal": 1}
        assert shown(registry, "reconcile_total") == {
            f"controller=shop,result={result}": count for result, count in results.items()
        }
        assert shown(registry, "reconcile_errors_total") == {"controller=shop": 3}
        assert shown(registry, "reconcile_duration_seconds_sum") == {"controller=shop": 22}
        counted = shown(registry, "reconcile_duration_seconds_bucket")
        assert [counted[f"controller=shop,le={le}"] for le in ("0.005", "2.5", "30.0")] == [4, 5, 6]
        assert shown(registry, "workqueue_adds_total") == {"name=shop": 6}
        assert shown(registry, "workqueue_retries_total") == {"name=shop": 2}
        assert shown(registry, "workqueue_queue_duration_seconds_sum") == {"name=shop": 24}
        assert shown(registry, "workqueue_work_duration_seconds_sum") == {"name=shop": 22}
        assert shown(registry, "workqueue_work_duration_seconds_count") == {"name=shop": 6}
        assert shown(registry, "workqueue_depth") == {}


async def test_a_stuck_reconcile_is_seen(
    registry: CollectorRegistry, metrics: Metrics, reconciler: Reconciler
) -> None:
    """By its age, and by what waits behind it."""
    reconciler.when("shop/a", sleeps(1000))
    controller = Controller(reconciler, name="shop", grace=0)
    metrics.register(controller)
    async with running(controller):
        for request in (A, B, C):
            controller.queue.add(request)
        controller.queue.add_after(A, 100)
        await anyio.sleep(300)

        assert shown(registry, "workqueue_depth") == {"name=shop": 2}
        longest = "workqueue_longest_running_processor_seconds"
        assert shown(registry, longest) == {"name=shop": 300}
    assert shown(registry, longest) == {}
    assert shown(registry, "reconcile_total") == {"controller=shop,result=cancelled": 1}
    assert shown(registry, "reconcile_errors_total") == {}


async def test_a_queue_is_measured_by_itself_too(
    registry: CollectorRegistry, metrics: Metrics
) -> None:
    """By its name; of several queues of one name the longest running key is shown."""
    one, other = WorkQueue[str](name="mail"), WorkQueue[str](name="mail")
    for queue in (one, other):
        metrics.register(queue)
        queue.add("a")
        queue.get_nowait()
        await anyio.sleep(5)
    one.add("b")

    assert shown(registry, "workqueue_adds_total") == {"name=mail": 3}
    assert shown(registry, "workqueue_depth") == {"name=mail": 1}
    longest = "workqueue_longest_running_processor_seconds"
    assert shown(registry, longest) == {"name=mail": 10}
    assert {series.partition("_")[0] for series in scraped(registry)} == {"workqueue"}


async def test_a_queue_has_a_name_to_be_measured_by(
    registry: CollectorRegistry, metrics: Metrics, reconciler: Reconciler
) -> None:
    """Its own, else that of the controller which it was given to; without any it is refused."""
    with pytest.raises(ValueError, match=r"WorkQueue\(name=\.\.\.\)"):
        metrics.register(WorkQueue[str]())
    own, lent = WorkQueue[Request](name="own"), WorkQueue[Request]()
    controllers = [
        Controller(reconciler, name=name, queue=queue) for name, queue in (("a", own), ("b", lent))
    ]
    for controller, queue in zip(controllers, (own, lent), strict=True):
        metrics.register(queue)
        metrics.register(controller)
        assert controller.queue is queue
        queue.add(A)

    assert shown(registry, "workqueue_depth") == {"name=own": 1, "name=b": 1}


async def test_a_shared_queue_counts_once(
    registry: CollectorRegistry, metrics: Metrics, reconciler: Reconciler
) -> None:
    """Whichever of its controllers are registered."""
    queue = WorkQueue[Request]()
    controllers = [Controller(reconciler, name=name, queue=queue) for name in "ab"]
    for controller in controllers:
        metrics.register(controller)
    queue.add(A)

    assert shown(registry, "workqueue_adds_total") == {"name=a": 1}
    assert "reconcile_errors_total{controller=b}" in scraped(registry)


async def test_the_counts_of_a_controller_outlive_it(
    registry: CollectorRegistry, metrics: Metrics, logs: list[EventDict]
) -> None:
    """Begun anew it goes on counting where it was, also its times; what it held is gone."""
    for life in range(1, 4):
        reconciler = Reconciler()
        reconciler.when("shop/a", sleeps(3), raises(ValueError()))
        controller = Controller(reconciler, name="shop", rate_limiter=steady(), grace=0)
        metrics.register(controller)
        async with running(controller):
            controller.queue.add(A)
            await anyio.sleep(5)
            controller.queue.add(A)
            await anyio.sleep(0.5)
        del controller, reconciler
        logs.clear()  # the traceback of an error that was logged knows all that was at work
        gc.collect()

        assert shown(registry, "reconcile_total") == {
            "controller=shop,result=success": life,
            "controller=shop,result=error": life,
        }
        assert shown(registry, "reconcile_duration_seconds_sum") == {"controller=shop": 3 * life}
        assert shown(registry, "workqueue_adds_total") == {"name=shop": 2 * life}
        assert shown(registry, "workqueue_retries_total") == {"name=shop": life}
        assert "workqueue_depth{name=shop}" not in scraped(registry)
        assert repr(metrics) == "<Metrics things=0>"


async def test_a_scrape_of_a_controller_may_come_from_another_thread(
    registry: CollectorRegistry, metrics: Metrics, reconciler: Reconciler
) -> None:
    """Where no loop runs whose clock could be read."""
    reconciler.when("shop/a", sleeps(1000))
    controller = Controller(reconciler, name="shop", grace=0)
    metrics.register(controller)
    async with running(controller):
        controller.queue.add(A)
        controller.queue.add(B)
        await anyio.sleep(1)
        with ThreadPoolExecutor(1) as threads:
            series = threads.submit(scraped, registry).result()

    assert series["workqueue_depth{name=shop}"] == 1
    assert series["workqueue_longest_running_processor_seconds{name=shop}"] >= 0

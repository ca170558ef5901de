"""`watchkit.metrics`: what a scrape shows of watchers and informers, number by number."""

import gc
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest
from prometheus_client import CollectorRegistry, Counter

from tests.unit.informer.informing import Recorder, settle, synced, touch
from tests.unit.informer.test_handlers import stalled
from tests.unit.metrics.scraping import Series, scraped, seen
from tests.unit.watching.reading import drain, pod, started, take
from tests.unit.watching.scripted import ScriptedSource, refusal
from watchkit import ListerWatcher, RetryWatcher, ServerUnavailable, SharedInformer
from watchkit.core.statistics import InformerStatistics
from watchkit.core.tally import Tally
from watchkit.metrics import Metrics
from watchkit.testing import Disconnect, FakeCluster, Gone

pytestmark = pytest.mark.anyio

QUIET = {"timeout_seconds": 3600}


async def test_every_series_of_an_informer_is_there_from_the_start(
    registry: CollectorRegistry, metrics: Metrics, pods: ListerWatcher
) -> None:
    """At 0, so that a rate sees the first of each; and none of an age that nothing has yet."""
    informer = SharedInformer(pods)
    metrics.register(informer)

    shown = scraped(registry)
    assert set(shown.values()) == {0}
    assert "watchkit_watches_total{resource=pods,end=idle}" in shown
    assert "watchkit_lists_total{resource=pods,reason=expired}" in shown
    assert "watchkit_events_total{resource=pods,type=DELETED}" in shown
    assert "watchkit_cached_objects{resource=pods}" in shown
    assert "watchkit_last_progress_seconds{resource=pods}" not in shown


async def test_a_scrape_shows_what_an_informer_has_been_through(
    cluster: FakeCluster, registry: CollectorRegistry, metrics: Metrics, pods: ListerWatcher
) -> None:
    """Each number exactly: lists, changes, a reset, an expiry, the queue of a slow handler."""
    for name in "abc":
        cluster.create(pod(name))
    async with SharedInformer(pods, QUIET, initial_list="list") as informer:
        metrics.register(informer)
        informer.add_event_handler(on_change=stalled(10_000, Recorder()), name="slow")
        await synced(informer)
        cluster.inject(Disconnect(), on="open")
        cluster.inject(Gone("http"), times=1)
        cluster.delete("v1", "pods", "shop/a")
        touch(cluster, "b", 1)
        await anyio.sleep(40)
        cluster.create(pod("d"))
        await settle(5)

        assert seen(registry, "watchkit_watches_total") == {"end=disconnected": 1, "end=expired": 1}
        assert seen(registry, "watchkit_lists_total") == {"reason=start": 1, "reason=expired": 1}
        events = {"type=ADDED": 4, "type=MODIFIED": 1, "type=DELETED": 1}
        assert seen(registry, "watchkit_events_total") == events
        assert seen(registry, "watchkit_cached_objects") == {"": 3}
        assert seen(registry, "watchkit_handler_queue_depth") == {"handler=slow": 4}
        assert seen(registry, "watchkit_last_progress_seconds") == {"": pytest.approx(5)}


async def test_a_watcher_is_measured_as_well(
    cluster: FakeCluster, registry: CollectorRegistry, metrics: Metrics, pods: ListerWatcher
) -> None:
    """It has no cache and no handlers, so nothing is said of any."""
    async with RetryWatcher(pods, QUIET) as watcher:
        metrics.register(watcher)
        await started(watcher)
        cluster.create(pod("a"))
        await take(watcher, 1)
        await anyio.sleep(7)

        assert seen(registry, "watchkit_lists_total") == {"reason=start": 1}
        assert seen(registry, "watchkit_events_total") == {"type=ADDED": 1}
        assert seen(registry, "watchkit_last_progress_seconds") == {"": pytest.approx(7)}
        names = {series.partition("{")[0] for series in scraped(registry)}
        assert names.isdisjoint({"watchkit_cached_objects", "watchkit_handler_queue_depth"})

    assert seen(registry, "watchkit_watches_total") == {"end=left": 1}
    assert seen(registry, "watchkit_last_progress_seconds") == {}


async def test_things_of_one_resource_are_one_series(
    cluster: FakeCluster, registry: CollectorRegistry, metrics: Metrics
) -> None:
    """Counts and queues are summed up; of two ages the longer one is shown."""
    cluster.create(pod("a"))
    shop, empty = (cluster.source("v1", "pods", namespace) for namespace in ("shop", "empty"))
    options = {**QUIET, "allow_watch_bookmarks": False}
    async with SharedInformer(shop, options) as one, SharedInformer(empty, options) as other:
        metrics.register(one)
        metrics.register(other)
        for each in (one, other):
            await synced(each)
            each.add_event_handler(on_change=stalled(10_000, Recorder()), name="slow")
        await anyio.sleep(9)
        cluster.create(pod("b"))
        cluster.create(pod("c"))
        await settle(1)

        assert seen(registry, "watchkit_lists_total") == {"reason=start": 2}
        assert seen(registry, "watchkit_events_total") == {"type=ADDED": 3}
        assert seen(registry, "watchkit_cached_objects") == {"": 3}
        assert seen(registry, "watchkit_handler_queue_depth") == {"handler=slow": 2}
        assert seen(registry, "watchkit_last_progress_seconds") == {"": pytest.approx(10.02)}


def falling(before: Series, after: Series) -> Series:
    """The counters of one scrape that are less, or missing, in a later one."""
    return {
        series: value
        for series, value in before.items()
        if "_total{" in series and after.get(series, -1) < value
    }


async def test_counters_never_fall(
    cluster: FakeCluster, registry: CollectorRegistry, metrics: Metrics, pods: ListerWatcher
) -> None:
    """Informers that end, go, and are begun anew are one rising series; what they held goes."""
    cluster.create(pod("a"))
    before = scraped(registry)
    for life in range(1, 4):
        async with SharedInformer(pods, QUIET, initial_list="list") as informer:
            metrics.register(informer)
            await synced(informer)
            during = scraped(registry)
        ended = scraped(registry)
        del informer
        gc.collect()
        after = scraped(registry)

        assert falling(before, during) == falling(during, ended) == falling(ended, after) == {}
        assert seen(registry, "watchkit_watches_total") == {"end=left": life}
        assert seen(registry, "watchkit_lists_total") == {"reason=start": life}
        assert seen(registry, "watchkit_events_total") == {"type=ADDED": life}
        assert during["watchkit_cached_objects{resource=pods}"] == 1
        assert "watchkit_cached_objects{resource=pods}" not in ended
        assert "watchkit_last_progress_seconds{resource=pods}" not in ended
        before = after


async def test_what_came_after_the_last_scrape_is_not_lost(
    cluster: FakeCluster, registry: CollectorRegistry, metrics: Metrics, pods: ListerWatcher
) -> None:
    """A thing that nobody has any more still counts to its very end, though never scraped."""
    watcher = RetryWatcher(pods, QUIET)
    metrics.register(watcher)
    await started(watcher)
    cluster.create(pod("a"))
    await take(watcher, 1)
    await watcher.aclose()
    del watcher
    gc.collect()

    assert seen(registry, "watchkit_events_total") == {"type=ADDED": 1}
    assert seen(registry, "watchkit_watches_total") == {"end=left": 1}
    assert repr(metrics) == "<Metrics things=0>"


async def test_nothing_is_kept_alive(metrics: Metrics, pods: ListerWatcher) -> None:
    """Whoever registers things for ever, and is never scraped, keeps none of them."""
    for _ in range(10):
        metrics.register(RetryWatcher(pods))
        gc.collect()

    assert repr(metrics) == "<Metrics things=1>"


async def test_twice_registered_counts_once(
    registry: CollectorRegistry, metrics: Metrics, pods: ListerWatcher
) -> None:
    """Whoever cannot know whether it has been done may do it again."""
    async with RetryWatcher(pods) as watcher:
        metrics.register(watcher)
        metrics.register(watcher)
        await started(watcher)

        assert seen(registry, "watchkit_lists_total") == {"reason=start": 1}


async def test_a_server_that_never_answers_is_seen_by_the_age(
    registry: CollectorRegistry, metrics: Metrics
) -> None:
    """Also where it has never been heard of: the alert needs no other metric for that."""
    source = ScriptedSource(last_list=refusal(ServerUnavailable(503)))
    async with RetryWatcher(source) as watcher:
        metrics.register(watcher)
        await drain(watcher, 300)

        assert seen(registry, "watchkit_last_progress_seconds") == {"": pytest.approx(300)}


async def test_a_scrape_may_come_from_another_thread(
    registry: CollectorRegistry, metrics: Metrics, pods: ListerWatcher
) -> None:
    """As that of `prometheus_client.start_http_server` does."""
    async with SharedInformer(pods) as informer:
        metrics.register(informer)
        await synced(informer)
        with ThreadPoolExecutor(1) as threads:
            shown = threads.submit(scraped, registry).result()

        assert shown["watchkit_lists_total{resource=pods,reason=start}"] == 1
        assert shown["watchkit_last_progress_seconds{resource=pods}"] >= 0


def test_what_is_gone_holds_nothing(registry: CollectorRegistry, metrics: Metrics) -> None:
    """Whatever its tally says: only its counts stay."""
    counts = Tally("pods").statistics()
    held = InformerStatistics(
        "pods", counts.watches, {"start": 3}, {}, progress_age=5, objects=9, queued={"a": 9}
    )

    class Holding:
        def statistics(self) -> InformerStatistics:
            return held

    class Thing(Holding):
        tally = Holding()

    thing = Thing()
    metrics.register(thing)
    assert seen(registry, "watchkit_cached_objects") == {"": 9}
    del thing
    gc.collect()

    assert seen(registry, "watchkit_lists_total") == {"reason=start": 3}
    assert {name for name in scraped(registry) if "_total{" not in name} == set()


def test_what_has_no_metrics_is_refused_at_once(metrics: Metrics) -> None:
    """And not when somebody scrapes."""

    class Thing:
        tally: "Thing"

        def statistics(self) -> str:
            return "many"

    thing = Thing()
    thing.tally = thing
    with pytest.raises(TypeError, match="no metrics are known of str"):
        metrics.register(thing)


def test_one_registry_takes_them_once(registry: CollectorRegistry, metrics: Metrics) -> None:
    """Two would give each series twice; other metrics of a program are no trouble."""
    Counter("requests", "Of the program itself.", registry=registry)
    with pytest.raises(ValueError, match="Duplicated"):
        Metrics(registry)


def test_a_registry_that_asks_for_names_gets_them_all(registry: CollectorRegistry) -> None:
    """So a program cannot take one of them for itself later, and not notice."""
    metrics = Metrics(registry)
    assert {each.name for each in metrics.describe()} >= {"watchkit_watches", "watchkit_lists"}
    with pytest.raises(ValueError, match="Duplicated"):
        Counter("watchkit_events", "Another one.", registry=registry)


def test_without_the_extra_it_says_what_to_install() -> None:
    """One line, which names the extra."""
    absent = "import sys; sys.modules['prometheus_client'] = None; import watchkit.metrics"
    result = subprocess.run(  # noqa: S603 - a fixed command
        [sys.executable, "-c", absent], capture_output=True, check=False, text=True, timeout=100
    )

    assert result.stderr.splitlines()[-1] == (
        "ImportError: watchkit.metrics needs prometheus-client: pip install 'watchkit[metrics]'"
    )

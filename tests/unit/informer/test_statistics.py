"""What an informer counts, all its sources together, and what it holds and has in its queues."""

import anyio
import pytest

from tests.unit.informer.informing import Recorder, queries, settle, synced, touch
from tests.unit.informer.test_handlers import stalled
from tests.unit.watching.reading import pod
from tests.unit.watching.test_statistics import ends, reasons, told
from watchkit import ListerWatcher, SharedInformer
from watchkit.informer.settings import InitialList
from watchkit.testing import Disconnect, FakeCluster, Gone

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("how", ["stream", "list"])
async def test_a_life_is_counted(
    cluster: FakeCluster, pods: ListerWatcher, how: InitialList
) -> None:
    """First list, changes, a reset, an expiry with its gap: each once, under its word."""
    for name in "abc":
        cluster.create(pod(name))
    async with SharedInformer(pods, {"timeout_seconds": 3600}, initial_list=how) as informer:
        await synced(informer)
        touch(cluster, "a", 1)
        cluster.delete("v1", "pods", "shop/b")
        await settle()
        cluster.inject(Disconnect(), on="open")
        await anyio.sleep(60)
        cluster.inject(Disconnect(), on="open")
        cluster.inject(Gone("http"), times=1)
        cluster.delete("v1", "pods", "shop/c")
        await anyio.sleep(60)

    statistics = informer.statistics()
    assert ends(statistics) == {"disconnected": 2, "expired": 1, "left": 1}
    assert reasons(statistics) == {"start": 1, "expired": 1}
    counted = told(statistics)
    counted.pop("BOOKMARK", None)  # one a minute, and one at the end of a stream
    assert counted == {"ADDED": 3, "MODIFIED": 1, "DELETED": 2}
    assert statistics.objects == len(informer.store) == 1
    assert sum(statistics.watches.values()) == len(queries(cluster, "watch"))


async def test_what_waits_is_told_by_handler(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """Handlers and subscriptions, at this moment; two of one name get a number each."""
    for name in "abc":
        cluster.create(pod(name))
    async with SharedInformer(pods) as informer:
        informer.add_event_handler(on_change=stalled(1000, Recorder()), name="slow")
        informer.add_event_handler(Recorder(), name="fast")
        await synced(informer)
        async with informer.subscribe(), informer.subscribe():
            statistics = informer.statistics()

            expected = {"slow": 2, "fast": 0, "subscription": 3, "subscription-2": 3}
            assert statistics.queued == expected
        assert set(informer.statistics().queued) == {"slow", "fast"}
    assert informer.statistics().is_ended


async def test_what_waits_under_one_name_is_summed_up(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """Subscriptions that were made before the first of them was entered."""
    cluster.create(pod("a"))
    async with SharedInformer(pods) as informer:
        await synced(informer)
        one, other = informer.subscribe(), informer.subscribe()
        async with one, other:
            assert informer.statistics().queued == {"subscription": 2}


async def test_a_name_that_is_free_is_taken_again(pods: ListerWatcher) -> None:
    """Names are labels: however many handlers come and go, there are as many as at one time."""
    async with SharedInformer(pods) as informer:
        for _ in range(5):
            first = informer.add_event_handler(Recorder(), name="same")
            second = informer.add_event_handler(Recorder(), name="same")
            third = informer.add_event_handler(Recorder(), name="same")
            assert [first.name, second.name, third.name] == ["same", "same-2", "same-3"]
            for each in (first, second, third):
                each.remove()


async def test_all_sources_count_as_one(cluster: FakeCluster) -> None:
    """Also those that are removed; progress is as old as that of the most silent one."""
    cluster.create(pod("a"))
    sources = [cluster.source("v1", "pods", namespace) for namespace in ("shop", "empty")]
    options = {"timeout_seconds": 3600, "allow_watch_bookmarks": False}
    async with SharedInformer(sources, options) as informer:
        await synced(informer)
        await anyio.sleep(20)
        touch(cluster, "a", 1)
        await settle()
        assert informer.statistics().progress_age == pytest.approx(20.02)
        informer.remove_source("empty")
        await settle()

        statistics = informer.statistics()
        assert statistics.progress_age == pytest.approx(0.02)
        assert reasons(statistics) == {"start": 2}
        assert ends(statistics) == {"left": 1}

    assert ends(informer.statistics()) == {"left": 2}
    assert informer.statistics().progress_age is None


async def test_audits_are_lists_too(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """As whoever has to pay for them sees it."""
    async with SharedInformer(pods, audit_period=60, initial_list="list") as informer:
        await synced(informer)
        await anyio.sleep(150)

        assert reasons(informer.statistics()) == {"start": 1, "audit": 2}
    assert len(queries(cluster, "list")) == 3


async def test_a_list_that_somebody_asked_for_says_so(pods: ListerWatcher) -> None:
    """An opaque version can only be waited for by a fresh list."""
    async with SharedInformer(pods) as informer:
        await synced(informer)
        await informer.wait_for_version("opaque", timeout=60)

        assert reasons(informer.statistics()) == {"start": 1, "asked": 1}


async def test_the_tally_outlives_its_informer(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """Whoever sums up needs no informer, with all its objects, for that."""
    cluster.create(pod("a"))
    async with SharedInformer(pods) as informer:
        await synced(informer)
        tally = informer.tally
    del informer

    assert ends(tally.statistics()) == {"left": 1}
    assert told(tally.statistics())["ADDED"] == 1

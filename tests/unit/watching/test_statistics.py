"""What a watcher counts: each end of a watch, each list, each event, exactly."""

from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from tests.unit.watching.reading import drain, pod, started, take
from tests.unit.watching.scripted import (
    SILENCE,
    Pause,
    Reply,
    ScriptedSource,
    added,
    bookmark,
    deleted,
    error,
    manifest,
    modified,
    page,
    refusal,
    reply,
    reset,
)
from watchkit import (
    Backoff,
    ListerWatcher,
    ResourceExpired,
    RetryWatcher,
    ServerUnavailable,
)
from watchkit.core.statistics import ListReason, WatchEnd, WatchStatistics
from watchkit.testing import Disconnect, FakeCluster, Gone

pytestmark = pytest.mark.anyio

EXACT = Backoff(jitter="none")
SINCE = {"resource_version": "10"}
PATIENT = {**SINCE, "timeout_seconds": 3600}


def ends(statistics: WatchStatistics) -> dict[str, int]:
    """The ends that there were."""
    return {end: count for end, count in statistics.watches.items() if count}


def reasons(statistics: WatchStatistics) -> dict[str, int]:
    """The reasons that there were."""
    return {reason: count for reason, count in statistics.lists.items() if count}


def told(statistics: WatchStatistics) -> dict[str, int]:
    """The events that there were."""
    return {kind: count for kind, count in statistics.events.items() if count}


ENDS: dict[str, tuple[Reply, WatchEnd]] = {
    "a clean end": (reply(Pause(5)), "ended"),
    "an expiry on the watch": (reply(error(410)), "expired"),
    "an expiry at its head": (refusal(ResourceExpired(410)), "expired"),
    "a reset": (reply(added("a", 11), reset()), "disconnected"),
    "a refused connection": (refusal(reset()), "disconnected"),
    "no JSON": (reply(b"{]\n"), "garbled"),
    "a silent watch": (SILENCE, "idle"),
    "no head": (reply(head=1000), "idle"),
    "a 503": (refusal(ServerUnavailable(503)), "error"),
    "an error event": (reply(error(500)), "error"),
}


@pytest.mark.parametrize("case", ENDS)
async def test_each_watch_is_counted_by_its_end(case: str) -> None:
    """Once it has ended; the last one, which is left, when nobody wants it any more."""
    answer, end = ENDS[case]
    source = ScriptedSource(watches=[answer], last_watch=reply(Pause()))
    watcher = RetryWatcher(source, PATIENT, idle_timeout=60, backoff=EXACT)
    async with watcher:
        await drain(watcher, 60.5)
        assert ends(watcher.statistics()) == {end: 1}

    assert ends(watcher.statistics()) == {end: 1, "left": 1}
    assert len(source.versions()) == 2


async def test_a_watch_that_nobody_waited_for_is_left() -> None:
    """A consumer that gives up before the head has come."""
    source = ScriptedSource(watches=[reply(head=50)])
    async with RetryWatcher(source, SINCE) as watcher:
        assert await drain(watcher, 10) == []

        assert ends(watcher.statistics()) == {"left": 1}


async def test_events_are_counted_once_they_are_told() -> None:
    """Neither stale nor broken ones; bookmarks, though nobody asked to see them."""
    lines = [added("a", 11), modified("a", 12), added("a", 11), bookmark(13), deleted("a", 14)]
    source = ScriptedSource(watches=[reply(b"".join(lines), b"{]\n")])
    async with RetryWatcher(source, SINCE) as watcher:
        assert await drain(watcher, 60) == ["+a", "~a", "-a"]

        expected = {"ADDED": 1, "MODIFIED": 1, "DELETED": 1, "BOOKMARK": 1}
        assert told(watcher.statistics()) == expected


async def test_a_gaps_net_effect_is_counted_as_events() -> None:
    """The inferred ones, and the list that they come from by why it was made."""
    source = ScriptedSource(
        watches=[reply(added("a", 11), added("b", 12), error(410))],
        last_list=reply(page(50, manifest("b", 40), manifest("c", 30))),
    )
    async with RetryWatcher(source, SINCE) as watcher:
        assert await drain(watcher, 60) == ["+a", "+b", "-a?", "~b?", "+c?"]

        assert told(watcher.statistics()) == {"ADDED": 3, "MODIFIED": 1, "DELETED": 1}
        assert reasons(watcher.statistics()) == {"expired": 1}


async def test_what_replays_counts_what_was_there(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """Initial events are events; without a replay, the first list tells of none."""
    for name in "abc":
        cluster.create(pod(name))
    async with RetryWatcher(pods) as quiet, RetryWatcher(pods, replay_existing=True) as watcher:
        await started(quiet)
        await take(watcher, 3)

        assert reasons(watcher.statistics()) == reasons(quiet.statistics()) == {"start": 1}
        assert told(watcher.statistics()) == {"ADDED": 3}
        assert told(quiet.statistics()) == {}


LISTS: dict[str, tuple[list[Reply], ListReason]] = {
    "410": ([reply(error(410))], "expired"),
    "three bad frames": ([reply(b"{]\n")] * 3, "given_up"),
    "three empty watches": ([reply()] * 3, "given_up"),
    "five errors": ([reply(error(500))] * 5, "given_up"),
}


@pytest.mark.parametrize("case", LISTS)
async def test_a_list_is_counted_by_what_made_the_version_worthless(case: str) -> None:
    """Whether the server said so, or it counts as if it had."""
    watches, reason = LISTS[case]
    source = ScriptedSource(watches=watches)
    async with RetryWatcher(source, SINCE, backoff=EXACT) as watcher:
        await drain(watcher, 120)

        assert reasons(watcher.statistics()) == {reason: 1}


async def test_a_restored_store_is_a_reason_of_its_own() -> None:
    """The probe beside the watch after a reset finds it; a probe is no list."""
    source = ScriptedSource(watches=[reply(added("a", 90), reset())], last_list=reply(page(50)))
    async with RetryWatcher(source, SINCE, backoff=EXACT) as watcher:
        assert await drain(watcher, 60) == ["+a", "-a?"]

        statistics = watcher.statistics()
        assert reasons(statistics) == {"restored": 1}
        assert ends(statistics) == {"disconnected": 1, "restored": 1}


async def test_a_list_is_counted_once_however_it_came(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """A refused one not at all, one of many pages once, one that failed between pages again."""
    for number in range(5):
        cluster.create(pod(f"p{number}"))
    cluster.inject(Gone("page"), times=1)
    refused = ScriptedSource(lists=[refusal(ServerUnavailable(503))])
    async with RetryWatcher(refused) as other, RetryWatcher(pods, {"limit": 2}) as watcher:
        await drain(other, 60)
        await drain(watcher, 60)

        assert reasons(other.statistics()) == {"start": 1}
        assert reasons(watcher.statistics()) == {"start": 2}


async def test_a_list_that_is_begun_again_has_the_same_reason() -> None:
    """What went wrong with the first try is not why there is a second."""
    first = [reply(page(50, token="more")), refusal(ServerUnavailable(503))]
    source = ScriptedSource(watches=[reply(error(410))], lists=first)
    async with RetryWatcher(source, SINCE) as watcher:
        await drain(watcher, 60)

        assert reasons(watcher.statistics()) == {"expired": 2}


async def test_the_initial_events_of_a_watch_are_a_list() -> None:
    """As whoever has to pay for it sees them; the watch that they came on is one as well."""
    mark = bookmark(20).replace(
        b'"resourceVersion"',
        b'"annotations":{"k8s.io/initial-events-end":"true"},"resourceVersion"',
    )
    source = ScriptedSource(watches=[reply(added("a", 11), mark, Pause())])
    options = {"send_initial_events": True, "resource_version_match": "NotOlderThan"}
    watcher = RetryWatcher(source, options)
    async with watcher:
        assert await drain(watcher, 5) == ["+a!"]

    assert reasons(watcher.statistics()) == {"start": 1}
    assert ends(watcher.statistics()) == {"left": 1}
    assert told(watcher.statistics()) == {"ADDED": 1, "BOOKMARK": 1}


async def test_the_tally_outlives_its_watcher(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """Whoever sums up needs no watcher for that; nothing is lost at its end."""
    cluster.inject(Disconnect(), times=1)
    async with RetryWatcher(pods) as watcher:
        await started(watcher)
        await drain(watcher, 60)
        tally = watcher.tally
    del watcher

    assert ends(tally.statistics()) == {"disconnected": 1, "left": 1}
    assert tally.statistics().resource == "pods"


async def test_progress_ages_from_the_first_request_on(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """Its consumer's own time, too; nothing to say of before and after."""
    watcher = RetryWatcher(pods, {"timeout_seconds": 3600})
    assert watcher.statistics().progress_age is None
    async with watcher:
        await started(watcher)
        await anyio.sleep(30)
        assert watcher.statistics().progress_age == pytest.approx(30.01)
        cluster.create(pod("a"))
        await take(watcher, 1)
        assert watcher.statistics().progress_age == 0
    assert watcher.statistics().progress_age is None
    assert watcher.statistics().is_ended


async def test_a_server_that_never_answers_makes_no_progress() -> None:
    """Its age grows, though there was never any progress to age."""
    source = ScriptedSource(last_list=refusal(ServerUnavailable(503)))
    async with RetryWatcher(source) as watcher:
        await drain(watcher, 300)

        assert watcher.statistics().progress_age == pytest.approx(300)
        assert watcher.health.last_progress is None


async def test_another_thread_may_ask(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """A metrics server has a thread of its own, where no event loop can tell the time."""
    async with RetryWatcher(pods) as watcher:
        await started(watcher)
        with ThreadPoolExecutor(1) as threads:
            statistics = threads.submit(watcher.statistics).result()

    assert statistics.progress_age is not None
    assert statistics.progress_age >= 0
    assert reasons(statistics) == {"start": 1}

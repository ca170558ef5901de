"""The list beside a watch: is the store still the one whose versions are known?"""

import anyio
import pytest
from structlog.typing import EventDict

from tests.unit.watching.reading import drain, pod, started, take
from tests.unit.watching.scripted import (
    Pause,
    Reply,
    ScriptedSource,
    added,
    bookmark,
    error,
    manifest,
    modified,
    page,
    refusal,
    reply,
    reset,
)
from watchkit import (
    ListerWatcher,
    ResourceExpired,
    RetryWatcher,
    ServerUnavailable,
    TransportError,
)
from watchkit.testing import CloseAtOnce, Disconnect, FakeCluster, Forbid, Stall

pytestmark = pytest.mark.anyio

LONG = {"resource_version": "100", "timeout_seconds": 3600}


@pytest.mark.fault("F52")
async def test_a_restored_store_is_noticed(
    cluster: FakeCluster, pods: ListerWatcher, logs: list[EventDict]
) -> None:
    """S07: after a restore the watch asks for a future that never was; the probe shows it."""
    cluster.create(pod("a"))
    cluster.create(pod("b"))
    restored = cluster.version
    async with RetryWatcher(pods, replay_existing=True) as watcher:
        await take(watcher, 2)
        cluster.create(pod("c"))
        cluster.delete("v1", "pods", "shop/b")
        assert await take(watcher, 2) == ["+c", "-b"]

        cluster.restore(restored)

        assert await drain(watcher, 60) == ["-c?", "~a?", "+b?"]
        assert watcher.health.epoch == 1
        assert watcher.resource_version == str(restored)
        cluster.create(pod("d"))
        assert await take(watcher, 1) == ["+d"]

    (epoch,) = [each for each in logs if each["event"] == "watch.epoch"]
    assert (epoch["known"], epoch["found"], epoch["log_level"]) == ("99", "97", "warning")


async def test_a_restored_store_is_raised_where_expiry_is(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """With `on_expired="raise"`, a restore is an expiry as any other."""
    cluster.create(pod("a"))
    async with RetryWatcher(pods, on_expired="raise") as watcher:
        await started(watcher)
        cluster.create(pod("b"))
        await take(watcher, 1)
        cluster.restore(96)

        with anyio.fail_after(60), pytest.raises(ResourceExpired, match="restored"):
            await anext(watcher)


async def test_any_list_can_show_a_restore(logs: list[EventDict]) -> None:
    """A relist that shows an older version than the known one is a new epoch, too."""
    source = ScriptedSource(
        lists=[reply(page(100, manifest("b", 50)))],
        watches=[reply(added("a", 120)), reply(), reply(), reply()],
        last_list=reply(page(90, manifest("b", 50))),
    )
    async with RetryWatcher(source, replay_existing=True) as watcher:
        assert await drain(watcher, 60) == ["+b!", "+a", "-a?", "~b?"]
        assert watcher.health.epoch == 1

    assert source.times("probe") == []
    assert source.versions()[-1] == "90"
    assert "watch.epoch" in {each["event"] for each in logs}


async def test_an_object_of_the_same_version_is_modified_after_a_restore() -> None:
    """Versions of before say nothing: the same uid and version may have other content."""
    source = ScriptedSource(
        watches=[reply(added("a", 120), reset()), reply(Pause())],
        last_list=reply(page(119, manifest("a", 120))),
    )
    async with RetryWatcher(source, LONG) as watcher:
        assert await drain(watcher, 60) == ["+a", "~a?"]


SUSPECT: dict[str, list[Reply]] = {
    "refused": [refusal(TransportError("refused", reached=False))],
    "reset": [reply(reset())],
    "idle": [reply(Pause())],
    "no head": [reply(head=1e9)],
}


@pytest.mark.parametrize("before", SUSPECT)
async def test_the_first_watch_after_a_fault_is_probed_beside(before: str) -> None:
    """Once the watch is answered, one list with limit=1 and no version; it is not repeated."""
    minutes = [each for _ in range(10) for each in (Pause(60), bookmark(100))]
    source = ScriptedSource(watches=SUSPECT[before], last_watch=reply(*minutes))
    options = {**LONG, "label_selector": "app=web", "field_selector": "a=b", "extra": {"x": "y"}}
    async with RetryWatcher(source, options) as watcher:
        await drain(watcher, 600)

    (probe,) = [each for each in source.asked if each.verb == "probe"]
    assert probe.query == {
        "limit": "1",
        "labelSelector": "app=web",
        "fieldSelector": "a=b",
        "x": "y",
    }
    assert probe.time >= source.times("watch")[-1]


@pytest.mark.parametrize(
    "before",
    [[reply(Pause(5))], [reply(added("a", 101))], [refusal(ServerUnavailable(503))], [reply()]],
    ids=["clean end", "early end", "503", "at once"],
)
async def test_an_answer_from_the_server_is_no_reason_to_probe(before: list[Reply]) -> None:
    """Clean ends and refusals come from a server that lives: no probe."""
    source = ScriptedSource(watches=before)
    async with RetryWatcher(source, LONG) as watcher:
        await drain(watcher, 100)

    assert len(source.times("watch")) == 2
    assert source.times("probe") == []


async def test_after_a_list_there_is_nothing_to_probe() -> None:
    """A list that was taken meanwhile says what a probe would."""
    source = ScriptedSource(lists=[refusal(TransportError("refused"))], last_list=reply(page(5)))
    async with RetryWatcher(source) as watcher:
        await drain(watcher, 100)
    pending = ScriptedSource(watches=[reply(reset()), reply(error(410))])
    async with RetryWatcher(pending, LONG) as watcher:
        await drain(watcher, 100)

    assert source.times("probe") == []
    assert len(pending.times("watch")) == 3
    assert pending.times("probe") == []


@pytest.mark.fault("F52")
async def test_opaque_versions_are_never_probed() -> None:
    """What cannot be compared shows no restore."""
    source = ScriptedSource(watches=[reply(reset())])
    async with RetryWatcher(source, {**LONG, "resource_version": "opaque"}) as watcher:
        await drain(watcher, 100)

    assert source.times("probe") == []


@pytest.mark.parametrize(
    "answer",
    [
        refusal(ServerUnavailable(503)),
        refusal(TransportError("reset")),
        reply(b"<html>"),
        reply(page("not-a-number")),
        reply(page(100)),
        reply(page(2**70)),
    ],
    ids=["503", "reset", "HTML", "opaque", "same", "newer"],
)
async def test_a_probe_without_an_answer_changes_nothing(answer: Reply) -> None:
    """Its failure is ignored: the watch beside it goes on."""
    source = ScriptedSource(
        watches=[reply(reset()), reply(Pause(5), added("a", 101))], last_list=answer
    )
    async with RetryWatcher(source, LONG) as watcher:
        assert await take(watcher, 1) == ["+a"]
        assert watcher.health.epoch == 0

    assert len(source.times("watch")) == 2
    assert len(source.times("probe")) == 1


async def test_a_slow_probe_delays_no_event() -> None:
    """Events come while the probe is still out."""
    source = ScriptedSource(
        watches=[reply(reset()), reply(Pause(1), added("a", 101), Pause(1), modified("a", 102))],
        last_list=reply(page(2000), head=100),
    )
    async with RetryWatcher(source, LONG) as watcher:
        with anyio.fail_after(10):
            assert await take(watcher, 2) == ["+a", "~a"]

    assert len(source.times("probe")) == 1


async def test_what_is_stale_does_not_end_the_probe() -> None:
    """Frames that amount to nothing come and go beside it: it is asked once, to its end."""
    stale = [each for _ in range(20) for each in (Pause(0.2), added("b", 50))]
    source = ScriptedSource(
        watches=[reply(reset()), reply(*stale, Pause())],
        last_list=reply(page(60), head=3),
    )
    async with RetryWatcher(source, LONG) as watcher:
        await drain(watcher, 30)
        assert watcher.health.epoch == 1

    assert len(source.times("probe")) == 1


async def test_events_that_are_there_at_once_come_first() -> None:
    """They would only cut the probe off: it is sent in the first quiet moment after them."""
    source = ScriptedSource(
        watches=[reply(reset()), reply(added("a", 101), added("b", 102), Pause())],
        last_list=reply(page(60)),
    )
    async with RetryWatcher(source, LONG) as watcher:
        assert await drain(watcher, 30) == ["+a", "+b", "-a?", "-b?"]
        assert watcher.health.epoch == 1

    assert len(source.times("probe")) == 1


async def test_a_probe_that_the_consumer_cut_short_is_asked_again() -> None:
    """A consumer that polls does not hide a restore, nor does it make a hot loop of probes."""
    source = ScriptedSource(
        watches=[reply(reset())], last_list=reply(page(60, manifest("a", 55)), head=0.25)
    )
    seen: list[str] = []
    async with RetryWatcher(source, LONG) as watcher:
        for _ in range(100):
            seen += await drain(watcher, 0.1)
        assert seen == []
        probes = len(source.times("probe"))
        assert 2 <= probes <= 13
        seen += await drain(watcher, 10)

    assert seen == ["+a?"]


async def test_only_the_version_asked_for_counts() -> None:
    """A store between the version asked for and later events was not restored."""
    source = ScriptedSource(
        watches=[
            reply(added("a", 110), reset()),
            reply(Pause(1), added("b", 120), Pause(5), added("c", 130)),
        ],
        last_list=reply(page(115), head=0.5),
    )
    async with RetryWatcher(source, LONG) as watcher:
        assert await take(watcher, 3) == ["+a", "+b", "+c"]
        assert watcher.health.epoch == 0


@pytest.mark.parametrize("fault", [Forbid(), Stall(at="head")])
async def test_a_cluster_that_answers_no_list_is_watched_all_the_same(
    cluster: FakeCluster, pods: ListerWatcher, fault: Forbid | Stall
) -> None:
    """The right to list may be missing, or lists may hang: the watch does not care."""
    start = str(cluster.version)
    cluster.inject(fault, on="list", times=None)
    cluster.inject(Disconnect(), times=1)
    async with RetryWatcher(pods, {"resource_version": start}) as watcher:
        await drain(watcher, 5)
        cluster.create(pod("a"))
        assert await take(watcher, 1, within=1) == ["+a"]


async def test_probes_are_no_more_than_watches(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """An hour of connections that break: at most one probe for each of the watches."""
    cluster.inject(Disconnect(), times=20)
    cluster.inject(CloseAtOnce(), times=20)
    async with RetryWatcher(pods) as watcher:
        await drain(watcher, 3600)

    probes = [each for each in cluster.requests if each.query.get("limit") == "1"]
    assert len(probes) <= sum(each.verb == "watch" for each in cluster.requests)

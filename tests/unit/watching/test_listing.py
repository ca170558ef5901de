"""Lists: paged, consistent, retried; what they amount to at the start and after a gap."""

import anyio
import pytest

from tests.unit.watching.reading import Manifest, drain, gaps, pod, take
from tests.unit.watching.scripted import (
    Pause,
    Reply,
    ScriptedSource,
    manifest,
    page,
    refusal,
    reply,
)
from watchkit import (
    Backoff,
    HealthState,
    ListerWatcher,
    RetryWatcher,
    ServerUnavailable,
    TooManyRequests,
    TransportError,
)
from watchkit.testing import FakeCluster, Throttle

pytestmark = pytest.mark.anyio

EXACT = Backoff(jitter="none")


INCONSISTENT: dict[str, list[Reply]] = {
    "versions": [reply(page(5, manifest("a", 1), token="t")), reply(page(6, manifest("b", 2)))],
    "duplicate": [reply(page(5, manifest("a", 1), token="t")), reply(page(5, manifest("a", 2)))],
    "token": [
        reply(page(5, manifest("a", 1), token="t")),
        reply(page(5, manifest("b", 2), token="t")),
    ],
    "one page": [reply(page(5, manifest("a", 1), manifest("a", 1)))],
    "truncated": [reply(page(5, manifest("a", 1))[:-30])],
    "no list": [reply(b'{"kind":"Pod","metadata":{"name":"a"}}')],
    "HTML": [reply(b"<html>come back later</html>")],
    "a Status in a 200": [reply(b'{"kind":"Status","code":500}')],
    "no version": [reply(page("", manifest("a", 1)))],
    "version 0": [reply(page(0, manifest("a", 1)))],
    "item without uid": [reply(page(5, {"metadata": {"name": "a", "resourceVersion": "1"}}))],
}


@pytest.mark.parametrize("case", INCONSISTENT)
async def test_a_list_that_makes_no_sense_is_thrown_away(case: str) -> None:
    """S21: nothing of it is seen; it is listed again from the first page, after a back-off."""
    source = ScriptedSource(
        lists=INCONSISTENT[case], last_list=reply(page(9, manifest("x", 3), manifest("y", 4)))
    )
    async with RetryWatcher(source, replay_existing=True, backoff=EXACT) as watcher:
        assert await take(watcher, 2) == ["+x!", "+y!"]
        await drain(watcher, 1)

    assert source.times("list")[-1] == pytest.approx(0.8)
    assert "continue" not in source.asked[-2].query
    assert source.versions() == ["9"]


@pytest.mark.parametrize(
    "fault",
    [
        refusal(TransportError("refused", reached=False)),
        refusal(ServerUnavailable(500)),
        refusal(ServerUnavailable(503)),
        reply(page(5)[:9], TransportError("the answer broke off")),
        reply(b"<html>"),
    ],
    ids=["refused", "500", "503", "cut", "HTML"],
)
async def test_a_failing_first_list_is_retried(fault: Reply) -> None:
    """Starting against a server that is down is no error: it is tried until it is up."""
    source = ScriptedSource(lists=[fault] * 4, last_list=reply(page(9, manifest("a", 1))))
    async with RetryWatcher(source, replay_existing=True, backoff=EXACT) as watcher:
        assert await take(watcher, 1) == ["+a!"]

    assert gaps(source.times("list")) == pytest.approx([0.8, 1.6, 3.2, 6.4])


async def test_a_list_body_that_falls_silent_is_given_up() -> None:
    """No byte of a body for the idle timeout: listed again, at once the first time."""
    source = ScriptedSource(
        lists=[reply(page(5)[:9], Pause(1e9))], last_list=reply(page(9, manifest("a", 1)))
    )
    async with RetryWatcher(source, replay_existing=True) as watcher:
        assert await take(watcher, 1) == ["+a!"]

    assert source.times("list") == [0, pytest.approx(150)]


async def test_429_at_start_is_waited_out(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """S11: 429 for 40 s, as a server that initialises its storage says it: no error, no herd."""
    cluster.create(pod("a"))
    cluster.inject(Throttle(retry_after=5), times=8)
    async with RetryWatcher(pods, replay_existing=True) as watcher:
        assert await take(watcher, 1) == ["+a!"]

    assert all(gap >= 4.999 for gap in gaps([each.time for each in cluster.requests]))


@pytest.mark.parametrize(("asked", "waited"), [(7, 7), (0.1, 0.8), (3600, 60)])
async def test_retry_after_is_a_lower_bound(asked: float, waited: float) -> None:
    """max(min(Retry-After, 60 s), back-off), and the version is kept."""
    busy = refusal(TooManyRequests(429, "TooManyRequests", "later", asked))
    source = ScriptedSource(lists=[busy], watches=[busy])
    async with RetryWatcher(source, backoff=EXACT) as watcher:
        await drain(watcher, 200)

    assert gaps(source.times("list")) == [pytest.approx(waited)]
    watches = source.times("watch")
    assert watches[0] == pytest.approx(waited)
    assert gaps(watches)[0] == pytest.approx(max(waited, 1.6))


async def test_what_is_written_between_list_and_watch_is_not_lost(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """S01: the watch begins after the list's version, wherever the writes fall."""
    async with RetryWatcher(pods, replay_existing=True) as watcher:
        markers = watcher.with_markers()
        assert await take(markers, 1) == ["synced 95"]  # listed, not yet watched
        cluster.create(pod("a"))
        cluster.delete("v1", "pods", "shop/a")

        assert await drain(watcher, 1) == ["+a", "-a"]


async def test_a_list_with_null_items_is_empty() -> None:
    """`"items": null` is what some servers write for none."""
    body = b'{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":null}'
    source = ScriptedSource(lists=[reply(body)])
    async with RetryWatcher(source, replay_existing=True) as watcher:
        assert await take(watcher.with_markers(), 1) == ["synced 7"]


async def test_listed_objects_have_their_kind() -> None:
    """Items of a list come without kind and apiVersion; they read as those of events."""
    item: Manifest = {"metadata": {"name": "a", "uid": "u", "resourceVersion": "1"}}
    source = ScriptedSource(lists=[reply(page(5, item))])
    async with RetryWatcher(source, replay_existing=True) as watcher:
        event = await anext(watcher)

    assert (event.object["kind"], event.object["apiVersion"]) == ("Pod", "v1")
    assert event.key == "a"


async def test_a_list_that_is_in_the_making_is_no_watch() -> None:
    """Until the first list is whole, the watcher is SYNCING."""
    source = ScriptedSource(lists=[reply(page(5, token="t")), reply(page(5), head=60)])
    async with RetryWatcher(source) as watcher, anyio.create_task_group() as tasks:
        tasks.start_soon(drain, watcher, 100)
        await anyio.sleep(30)
        assert watcher.health.state is HealthState.SYNCING
        await anyio.sleep(31)
        assert watcher.health.state is HealthState.WATCHING
        tasks.cancel_scope.cancel()

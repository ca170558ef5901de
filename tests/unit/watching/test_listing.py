"""Lists: paged, consistent, retried; what they amount to at the start and after a gap."""

import anyio
import pytest

from tests.unit.watching.reading import Manifest, drain, gaps, pod, take
from tests.unit.watching.scripted import (
    Pause,
    Reply,
    ScriptedSource,
    error,
    manifest,
    page,
    refusal,
    reply,
)
from watchkit import (
    Backoff,
    HealthState,
    ListerWatcher,
    ProtocolError,
    ResourceExpired,
    RetryWatcher,
    ServerUnavailable,
    TooManyRequests,
    TransportError,
)
from watchkit.core.errors import PageTooLarge
from watchkit.testing import FakeCluster, Gone, Throttle

pytestmark = pytest.mark.anyio

EXACT = Backoff(jitter="none")


@pytest.mark.parametrize(("objects", "pages"), [(0, 1), (1, 1), (9, 1), (10, 1), (11, 2), (30, 3)])
async def test_every_page_is_taken(
    cluster: FakeCluster, pods: ListerWatcher, objects: int, pages: int
) -> None:
    """PG-01, PG-02: none, one, full and several pages: all objects, in their order, once."""
    names = [f"p{number:02}" for number in range(objects)]
    for name in names:
        cluster.create(pod(name))
    async with RetryWatcher(pods, {"limit": 10}, replay_existing=True) as watcher:
        words = await take(watcher.with_markers(), objects + 1)

    assert words == [*(f"+{name}!" for name in names), f"synced {cluster.version}"]
    assert len(cluster.requests) == pages


async def test_pages_are_asked_for_one_after_another() -> None:
    """PG-03: one page at a time is out or in memory, never one ahead."""
    pages = [
        reply(page(5, manifest(f"p{number}", 1), token=f"t{number}"), head=2) for number in range(3)
    ]
    source = ScriptedSource(lists=[*pages, reply(page(5, manifest("last", 1)), head=2)])
    async with RetryWatcher(source, replay_existing=True) as watcher:
        assert await take(watcher, 4) == ["+p0!", "+p1!", "+p2!", "+last!"]

    assert source.times("list") == [0, 2, 4, 6]


async def test_a_list_is_paged(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """Pages of 500, or of the caller's limit, each with the token of the one before."""
    names = [f"p{number:03}" for number in range(25)]
    for name in names:
        cluster.create(pod(name))
    async with RetryWatcher(pods, {"limit": 10}, replay_existing=True) as watcher:
        assert await take(watcher, 25) == [f"+{name}!" for name in names]
    async with RetryWatcher(pods, replay_existing=True) as watcher:
        await take(watcher, 25)

    asked = [each.query for each in cluster.requests if each.verb == "list"]
    assert [each.get("limit") for each in asked] == ["10", "10", "10", "500"]
    assert ["continue" in each for each in asked] == [False, True, True, False]


async def test_pages_carry_no_version(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """A continue token and a version exclude each other: no list ever carries one."""
    for name in ("a", "b", "c"):
        cluster.create(pod(name))
    async with RetryWatcher(pods, {"limit": 1}, replay_existing=True) as watcher:
        await take(watcher, 3)
        await drain(watcher, 1)

    lists = [each.query for each in cluster.requests if each.verb == "list"]
    assert not any("resourceVersion" in each for each in lists)
    assert not any("resourceVersionMatch" in each for each in lists)
    assert "limit" not in cluster.requests[-1].query


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

    assert all(gap >= 5 for gap in gaps([each.time for each in cluster.requests]))


@pytest.mark.parametrize(("asked", "waited"), [(7, 7), (0.1, 0.8), (3600, 60)])
async def test_retry_after_is_a_lower_bound(asked: float, waited: float) -> None:
    """max(min(Retry-After, 60 s), back-off), and the version is kept."""
    busy = TooManyRequests(429, "TooManyRequests", "later", asked)
    source = ScriptedSource(lists=[refusal(busy)], watches=[refusal(busy)])
    async with RetryWatcher(source, backoff=EXACT) as listing:
        await drain(listing, 65)
    async with RetryWatcher(source, {"resource_version": "9"}, backoff=EXACT) as watching:
        await drain(watching, 65)

    assert gaps(source.times("list"))[0] == pytest.approx(waited)


async def test_an_expired_page_begins_the_list_anew(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """S20: pages of the expired list are never seen, and its inconsistent token is never used."""
    for name in ("a", "b", "c"):
        cluster.create(pod(name))
    cluster.inject(Gone(via="page"), times=2)
    async with RetryWatcher(pods, {"limit": 2}, replay_existing=True) as watcher:
        assert await take(watcher, 3) == ["+a!", "+b!", "+c!"]

    asked = ["continue" in each.query for each in cluster.requests]
    assert asked == [False, True, False, True, False, True]


async def test_after_three_expired_pages_the_list_is_not_paged(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """PG-01: where pages expire faster than they are read, all comes in one."""
    for name in ("a", "b", "c"):
        cluster.create(pod(name))
    cluster.inject(Gone(via="page"), times=None)
    async with RetryWatcher(pods, {"limit": 2}, replay_existing=True) as watcher:
        assert await take(watcher, 3) == ["+a!", "+b!", "+c!"]

    lists = [each.query for each in cluster.requests if each.verb == "list"]
    assert [each.get("limit") for each in lists] == ["2"] * 6 + [None]


async def test_too_large_pages_are_halved() -> None:
    """Each time half as many objects are asked for, at the same token, at once and from then on."""
    too_large = refusal(PageTooLarge("64 MiB"))
    source = ScriptedSource(
        lists=[
            too_large,
            too_large,
            reply(page(5, manifest("a", 1), token="t")),
            too_large,
            reply(page(5, manifest("b", 2))),
        ],
    )
    async with RetryWatcher(source, replay_existing=True) as watcher:
        assert await take(watcher, 2) == ["+a!", "+b!"]

    lists = [each.query for each in source.asked]
    assert [each["limit"] for each in lists] == ["500", "250", "125", "125", "62"]
    assert [each.get("continue") for each in lists] == [None, None, None, "t", "t"]
    assert {each.time for each in source.asked} == {0}


async def test_a_page_of_one_object_that_is_too_large_is_raised() -> None:
    """What no paging helps against is the caller's to know."""
    source = ScriptedSource(last_list=refusal(PageTooLarge("64 MiB")))
    async with RetryWatcher(source, {"limit": 4}) as watcher:
        with pytest.raises(ProtocolError, match="64 MiB"):
            await anext(watcher)

    assert [each.query["limit"] for each in source.asked] == ["4", "2", "1"]


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


async def test_a_status_410_as_a_page_is_an_expiry() -> None:
    """A 200 whose body is a 410 counts as a 410: three of them, then unpaged."""
    status = error(410, "Expired").removeprefix(b'{"type":"ERROR","object":')[:-2]
    source = ScriptedSource(
        lists=[refusal(ResourceExpired(410)), reply(status), reply(status)],
        last_list=reply(page(9)),
    )
    async with RetryWatcher(source) as watcher:
        await drain(watcher, 60)

    limits = [each.query.get("limit") for each in source.asked if each.verb == "list"]
    assert limits == ["500", "500", "500", None]


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

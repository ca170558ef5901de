"""Pages: each is taken, none too large, and what expires between two of them."""

import pytest

from tests.unit.watching.reading import drain, pod, take
from tests.unit.watching.scripted import (
    ScriptedSource,
    error,
    manifest,
    page,
    refusal,
    reply,
)
from watchkit import (
    ListerWatcher,
    ProtocolError,
    ResourceExpired,
    RetryWatcher,
)
from watchkit.core.errors import PageTooLarge
from watchkit.testing import FakeCluster, Gone

pytestmark = pytest.mark.anyio


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


async def test_a_list_that_is_too_large_unpaged_is_paged_again() -> None:
    """Where neither pages nor the whole will do, smaller pages might."""
    expired = refusal(ResourceExpired(410))
    source = ScriptedSource(
        lists=[expired, expired, expired, refusal(PageTooLarge("64 MiB"))],
        last_list=reply(page(9, manifest("a", 1))),
    )
    async with RetryWatcher(source, replay_existing=True) as watcher:
        assert await take(watcher, 1) == ["+a!"]

    limits = [each.query.get("limit") for each in source.asked]
    assert limits == ["500", "500", "500", None, "250"]


async def test_a_page_of_one_object_that_is_too_large_is_raised() -> None:
    """What no paging helps against is the caller's to know."""
    source = ScriptedSource(last_list=refusal(PageTooLarge("64 MiB")))
    async with RetryWatcher(source, {"limit": 4}) as watcher:
        with pytest.raises(ProtocolError, match="64 MiB"):
            await anext(watcher)

    assert [each.query["limit"] for each in source.asked] == ["4", "2", "1"]


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

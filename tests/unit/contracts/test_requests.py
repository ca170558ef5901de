"""Where each of the caller's options goes: first watch, resumed, relisted, every page."""

import asyncio
from collections.abc import Callable

import pytest

from tests.unit.contracts.server import (
    FAST,
    added,
    expired,
    following,
    listing,
    pod,
    refusal,
    stream,
    take,
)
from watchkit import ListOptions

pytestmark = pytest.mark.anyio

OPTIONS = {
    "label_selector": {"app": "web", "tier": "x"},
    "field_selector": {"metadata.name": "n"},
    "timeout_seconds": 33,
    "limit": 7,
    "allow_watch_bookmarks": False,
    "shard_selector": "s",
    "extra": {"newParam": "x"},
}
COMMON = {
    "labelSelector": "app=web,tier=x",
    "fieldSelector": "metadata.name=n",
    "newParam": "x",
    "shardSelector": "s",
}


@pytest.mark.fault("F82")
@pytest.mark.parametrize("make", [dict, ListOptions])
async def test_every_option_reaches_every_request_that_it_applies_to(
    make: Callable[..., ListOptions],
) -> None:
    """C6: pages, watches, resumed watches, relists; each parameter once."""
    lists = [
        listing(pod("a", 3), token="t"),
        listing(pod("b", 4)),
        listing(version=20),
    ]
    watches = [
        stream(added("c", 11), then="reset"),
        stream(expired(), then="end"),
        stream(added("d", 21)),
    ]
    async with following(lists, watches, make(**OPTIONS), replay_existing=True) as (server, pods):
        await take(pods, 7)

    page = {**COMMON, "limit": "7"}
    watch = {**COMMON, "watch": "true", "timeoutSeconds": "33", "allowWatchBookmarks": "false"}
    assert [each.query for each in server.listed] == [page, {**page, "continue": "t"}, page]
    assert [each.query for each in server.watched] == [
        {**watch, "resourceVersion": version} for version in ("10", "11", "20")
    ]
    assert all(each.query == {**COMMON, "limit": "1"} for each in server.probed)
    assert all(len(each.pairs) == len(each.query) for each in server.all)


@pytest.mark.fault("F21")
async def test_the_defaults_are_those_of_the_design() -> None:
    """Pages of 500; bookmarks asked for; 112 to 140 seconds; gzip for lists, none for watches."""
    async with following([listing()], [stream(added("a", 11))]) as (server, pods):
        await take(pods, 1)

    (page,), (watch,) = server.listed, server.watched
    assert page.query == {"limit": "500"}
    assert watch.query["allowWatchBookmarks"] == "true"
    assert 112 <= int(watch.query["timeoutSeconds"]) <= 140
    assert page.headers["accept-encoding"] == "gzip"
    assert watch.headers["accept-encoding"] == "identity"


async def test_the_callers_version_goes_on_the_first_watch_only() -> None:
    """No list before it, and the position after it."""
    watches = [stream(added("a", 6), then="reset"), stream(added("b", 7))]
    options = ListOptions(resource_version="5")
    async with following([refusal(500)], watches, options, backoff=FAST) as (server, pods):
        await take(pods, 2)

    assert server.listed == []
    assert server.versions() == ["5", "6"]


@pytest.mark.fault("F52")
@pytest.mark.parametrize("ends", ["reset", "close"])
async def test_a_probe_goes_out_beside_the_first_watch_after_a_break(ends: str) -> None:
    """Once, of one object, with no version; also where the watch has an event at once."""
    watches = [stream(added("a", 11), then=ends), stream(added("b", 12))]  # type: ignore[arg-type]
    async with following([listing()], watches, {"label_selector": "x=y"}) as (server, pods):
        await take(pods, 2)
        waiting = asyncio.ensure_future(take(pods, 1))  # noqa: TID251 - looked at meanwhile
        await server.until(lambda: len(server.probed) == 1)
        await asyncio.sleep(0.1)  # another one would follow now
        waiting.cancel()
        await asyncio.wait([waiting])

    assert [each.query for each in server.probed] == [{"limit": "1", "labelSelector": "x=y"}]
    assert len(server.watched) == 2


async def test_no_probe_follows_a_clean_end() -> None:
    """Only a refused, reset or silent connection is suspect."""
    watches = [stream(added("a", 11), then="end"), stream(added("b", 12))]
    async with following([listing()], watches) as (server, pods):
        await take(pods, 2)
        with pytest.raises(TimeoutError):
            await take(pods, 1, within=0.1)

    assert server.probed == []

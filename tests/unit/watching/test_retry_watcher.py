"""RetryWatcher resumes: what a consumer sees over disconnects is what happened, once, in order."""

import pytest

from tests.unit.watching.reading import drain, pod, started, take
from tests.unit.watching.scripted import (
    ScriptedSource,
    added,
    bookmark,
    deleted,
    error,
    modified,
    refusal,
    reply,
    reset,
)
from watchkit import (
    Backoff,
    ListerWatcher,
    ListOptions,
    RetryWatcher,
    ServerUnavailable,
    TransportError,
)
from watchkit.testing import CloseAtOnce, Disconnect, FakeCluster, Gone

pytestmark = pytest.mark.anyio

EXACT = Backoff(jitter="none")


def test_the_empty_version_is_refused() -> None:
    """RW-01: "" means any version, which is no place to resume from."""
    with pytest.raises(ValueError, match="leave it out"):
        RetryWatcher(ScriptedSource(), {"resource_version": ""})


def test_version_zero_is_refused() -> None:
    """RW-02: "0" means any state, however old: events would come unordered and again."""
    with pytest.raises(ValueError, match="any state, however old"):
        RetryWatcher(ScriptedSource(), ListOptions(resource_version="0"))


@pytest.mark.parametrize(
    "fault",
    [
        TransportError("connection refused", reached=False),
        TransportError("name resolution failed", reached=False),
        ServerUnavailable(500, "InternalError"),
        ServerUnavailable(502),
        ServerUnavailable(503),
        ServerUnavailable(504, "Timeout"),
    ],
    ids=["refused", "dns", "500", "502", "503", "504"],
)
async def test_a_watch_that_fails_once_is_asked_for_again(fault: Exception) -> None:
    """RW-03: after a back-off the same version is asked for, with no list, and nothing is lost."""
    source = ScriptedSource(watches=[refusal(fault), reply(added("a", 11))])

    async with RetryWatcher(source, {"resource_version": "10"}, backoff=EXACT) as watcher:
        assert await take(watcher, 1) == ["+a"]

    assert source.versions() == ["10", "10"]
    assert source.times("watch") == [0, pytest.approx(0.8)]
    assert source.times("list") == []


@pytest.mark.parametrize("via", ["http", "event"])
async def test_a_410_is_never_answered_by_the_same_version(
    cluster: FakeCluster, pods: ListerWatcher, via: str
) -> None:
    """RW-04: as a status or as an event, 410 leads to a list, and the version is given up."""
    cluster.inject(Gone(via="http" if via == "http" else "event"), times=3)

    async with RetryWatcher(pods, {"resource_version": "95"}) as watcher:
        cluster.create(pod("a"))
        assert await take(watcher, 1) == ["+a?"]
        cluster.create(pod("b"))
        assert await take(watcher, 1) == ["+b?"]
        await drain(watcher, 60)

    asked = [each.query["resourceVersion"] for each in cluster.requests if each.verb == "watch"]
    assert asked[0] == "95"
    assert "95" not in asked[1:]
    assert len(asked) == 4


async def test_a_200_with_nothing_in_it_is_asked_for_again() -> None:
    """RW-05: an answer that is no watch at all is a watch that ended at once."""
    source = ScriptedSource(watches=[reply(), reply(added("a", 11))])

    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        assert await take(watcher, 1) == ["+a"]

    assert source.versions() == ["10", "10"]


async def test_events_after_the_version_are_delivered(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """RW-06, RW-07: everything strictly after the version comes, nothing at or before it."""
    cluster.create(pod("a"))
    start = str(cluster.version)
    cluster.patch("v1", "pods", "shop/a", {"spec": {"nodeName": "n1"}})
    cluster.create(pod("b"))
    cluster.delete("v1", "pods", "shop/b")

    async with RetryWatcher(pods, {"resource_version": start}) as watcher:
        assert await drain(watcher, 60) == ["~a", "+b", "-b"]

    assert [each.verb for each in cluster.requests] == ["watch"]


async def test_where_nothing_is_newer_nothing_comes(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """RW-08: no events, and one request."""
    cluster.create(pod("a"))

    async with RetryWatcher(pods, {"resource_version": str(cluster.version)}) as watcher:
        assert await drain(watcher, 60) == []

    assert len(cluster.requests) == 1


@pytest.mark.fault("F39")
@pytest.mark.parametrize(
    "line",
    [
        error(504, "Timeout"),
        error(500, "InternalError"),
        error(503),
        error(999, "Strange"),
        error(),
        error(code=None, reason="InternalError"),
        b'{"type":"ERROR","object":{"kind":"Pod","metadata":{"name":"a"}}}\n',
        b'{"type":"ERROR","object":"no Status at all"}\n',
        b'{"type":"ERROR"}\n',
        b'{"kind":"Status","apiVersion":"v1","status":"Failure","code":500}\n',
    ],
    ids=[
        "504",
        "500",
        "503",
        "unknown code",
        "no fields",
        "reason only",
        "not a Status",
        "a string",
        "no object",
        "bare Status in a 200",
    ],
)
async def test_an_error_event_keeps_the_version(line: bytes) -> None:
    """RW-12 to RW-15: an ERROR of any shape means a back-off, and the last version taken again."""
    source = ScriptedSource(watches=[reply(added("a", 11), line), reply(modified("a", 12))])

    async with RetryWatcher(source, {"resource_version": "10"}, backoff=EXACT) as watcher:
        assert await take(watcher, 2) == ["+a", "~a"]

    assert source.versions() == ["10", "11"]
    assert source.times("watch") == [0, pytest.approx(0.8)]
    assert source.times("list") == []


@pytest.mark.fault("F24")
@pytest.mark.parametrize("closes", [1, 2, 4])
@pytest.mark.parametrize("versions", [(11, 12, 13, 14, 15), (11, 20, 300, 4000, 50000)])
async def test_closed_watches_cost_no_event(closes: int, versions: tuple[int, ...]) -> None:
    """RW-16 to RW-21: each watch asks after the last version taken; no event twice, none lost."""
    lines = [added(f"p{number}", number) for number in versions]
    source = ScriptedSource(
        watches=[reply(each) for each in lines[:closes]],
        last_watch=reply(*lines[closes:]),
    )

    async with RetryWatcher(source, {"resource_version": "1"}) as watcher:
        assert await take(watcher, 5) == [f"+p{number}" for number in versions]

    assert source.versions() == ["1", *(str(each) for each in versions[:closes])]


@pytest.mark.fault("F25")
@pytest.mark.parametrize("fault", [CloseAtOnce(1), Disconnect(1), Disconnect(1, "eof")])
async def test_every_event_comes_once_over_many_disconnects(
    cluster: FakeCluster, pods: ListerWatcher, fault: CloseAtOnce | Disconnect
) -> None:
    """C3, C4: with every watch cut after its first event, nothing is lost and nothing repeated."""
    cluster.inject(fault, times=20)

    async with RetryWatcher(pods) as watcher:
        await started(watcher)
        for number in range(30):
            cluster.create(pod(f"p{number}"))
        assert await drain(watcher, 600) == [f"+p{number}" for number in range(30)]

    first, *others = cluster.requests
    assert first.verb == "list"
    assert all(each.verb == "watch" or each.query["limit"] == "1" for each in others)


@pytest.mark.fault("F42")
async def test_what_the_server_sends_again_is_dropped() -> None:
    """C4: events at or before a version that was delivered, and duplicates, do not come again."""
    again = (added("a", 11), modified("a", 12), modified("a", 12), deleted("b", 9))
    source = ScriptedSource(
        watches=[reply(added("a", 11), modified("a", 12)), reply(*again, modified("a", 13))]
    )

    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        assert await drain(watcher, 60) == ["+a", "~a", "~a"]


async def test_nothing_starts_before_it_is_iterated(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """A watcher that nobody iterates over sends nothing, inside its block or outside."""
    async with RetryWatcher(pods):
        pass

    assert cluster.requests == []


async def test_it_is_also_used_without_a_block(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """`aclose()` is all that leaving the block does."""
    watcher = RetryWatcher(pods)
    await started(watcher)
    cluster.create(pod("a"))
    assert await take(watcher, 1) == ["+a"]

    await watcher.aclose()

    assert cluster.open_watches == 0


async def test_a_connection_that_breaks_keeps_the_events_before() -> None:
    """What a broken connection had brought whole is delivered; the next one asks after it."""
    source = ScriptedSource(
        watches=[
            reply(added("a", 11) + added("b", 12) + added("c", 13)[:-9], reset()),
            reply(added("c", 13)),
        ]
    )

    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        assert await take(watcher, 3) == ["+a", "+b", "+c"]

    assert source.versions() == ["10", "12"]


async def test_a_last_line_without_its_newline_is_not_delivered() -> None:
    """S17: half an event in a clean answer is dropped; so is a whole one that was not ended."""
    whole = added("b", 12).rstrip(b"\n")
    source = ScriptedSource(
        watches=[
            reply(added("a", 11), added("b", 12)[:-20]),
            reply(whole),
            reply(added("b", 12)),
        ]
    )

    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        assert await take(watcher, 2) == ["+a", "+b"]

    assert source.versions() == ["10", "11", "11"]


async def test_blank_lines_and_crlf_are_no_events() -> None:
    """Empty lines are skipped, a carriage return is no part of a line."""
    lines = b"\n\r\n" + added("a", 11)[:-1] + b"\r\n\n  \n" + bookmark(12)
    source = ScriptedSource(watches=[reply(lines)])

    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        assert await drain(watcher, 1) == ["+a"]
        assert watcher.resource_version == "12"

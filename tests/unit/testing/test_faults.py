"""Faults: each does its harm."""

import json

import anyio
import pytest

from tests.unit.testing.watching import listing, short, types, watched
from watchkit.core.errors import (
    ApiError,
    Forbidden,
    Redirected,
    ResourceExpired,
    ServerUnavailable,
    TooManyRequests,
    TransportError,
    Unauthorized,
)
from watchkit.core.source import ListerWatcher
from watchkit.testing import (
    Answer,
    BadJson,
    CloseAtOnce,
    Disconnect,
    ErrorEvent,
    EtcdLeaderChanged,
    EtcdTimeout,
    ExpireToken,
    FakeCluster,
    Fault,
    Forbid,
    Frames,
    Gone,
    NoBookmarks,
    NoInitialEventsEnd,
    Redirect,
    Refuse,
    Stall,
    Throttle,
    TooLargeVersion,
    TornLine,
    Unavailable,
)

pytestmark = pytest.mark.anyio

STATUS = {"kind": "Status", "code": 500, "message": "broken"}


@pytest.mark.parametrize(
    ("fault", "error", "status"),
    [
        (Answer(418), ApiError, 418),
        (Answer(307, {"Location": "http://elsewhere"}), Redirected, 307),
        (Answer(502, {"Content-Type": "text/html"}, b"<html>"), ServerUnavailable, 502),
        (Throttle(7), TooManyRequests, 429),
        (Unavailable(), ServerUnavailable, 503),
        (Forbid(), Forbidden, 403),
        (ExpireToken(), Unauthorized, 401),
        (Redirect(), Redirected, 307),
        (EtcdLeaderChanged(), ServerUnavailable, 500),
        (EtcdTimeout(), ServerUnavailable, 500),
    ],
)
async def test_answers_instead_of_the_servers_own(
    cluster: FakeCluster, source: ListerWatcher, fault: Fault, error: type[ApiError], status: int
) -> None:
    """A fault that answers is raised as the error of its status, on lists and watches alike."""
    cluster.inject(fault, times=2)

    for attempt in (listing(source), short(source)):
        with pytest.raises(error) as raised:
            await attempt
        assert raised.value.status == status


@pytest.mark.parametrize(
    ("fault", "hint"), [(Throttle(7), 7), (Unavailable(), 5), (Unavailable(retry_after=None), None)]
)
async def test_a_hint_to_wait_arrives(
    cluster: FakeCluster, source: ListerWatcher, fault: Fault, hint: float | None
) -> None:
    """Retry-After reaches the error."""
    cluster.inject(fault)

    with pytest.raises(ApiError) as raised:
        await listing(source)

    assert raised.value.retry_after == hint


async def test_a_version_that_is_too_large(cluster: FakeCluster, source: ListerWatcher) -> None:
    """A list is answered 504 with the cause, whatever version it asked for."""
    cluster.inject(TooLargeVersion())

    assert await short(source)
    with pytest.raises(ServerUnavailable, match="Too large resource version") as raised:
        await listing(source)
    assert raised.value.details["causes"] == [
        {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    ]


async def test_gone_by_http(cluster: FakeCluster, source: ListerWatcher) -> None:
    """A watch is answered 410."""
    cluster.inject(Gone(via="http"))

    assert await listing(source) == 3
    with pytest.raises(ResourceExpired):
        await short(source)


async def test_gone_by_event(cluster: FakeCluster, source: ListerWatcher) -> None:
    """A watch is answered 200, and says 410 in an ERROR event."""
    cluster.inject(Gone())

    (seen,) = await watched(source, resourceVersion="95")

    assert (seen.type, seen.event["code"]) == ("ERROR", 410)
    assert seen.event["message"] == "too old resource version: 95 (98)"


async def test_gone_by_page(cluster: FakeCluster, source: ListerWatcher) -> None:
    """The first page passes, the second is answered 410 with an inconsistent token."""
    cluster.inject(Gone(via="page"))

    first = json.loads(await source.list({"limit": "2"}, idle_timeout=10))
    with pytest.raises(ResourceExpired, match="continue parameter is too old"):
        await listing(source, **{"continue": first["metadata"]["continue"]})


async def test_an_error_event(cluster: FakeCluster, source: ListerWatcher) -> None:
    """An ERROR event with any object comes after so many events, then the end."""
    cluster.inject(ErrorEvent(STATUS, after_events=1))

    seen = await watched(source, resourceVersion="95")

    assert types(seen) == [("ADDED", "a"), ("ERROR", "")]
    assert seen[1].event == STATUS


async def test_a_list_can_be_answered_410(cluster: FakeCluster, source: ListerWatcher) -> None:
    """As a status, where it is told to; left to itself the fault strikes watches."""
    cluster.inject(Gone("http"))
    cluster.inject(Gone("http"), on="list")

    with pytest.raises(ResourceExpired, match="for the provided list is too old"):
        await listing(source)
    assert await listing(source) == 3
    with pytest.raises(ResourceExpired, match="too old resource version"):
        await short(source)


@pytest.mark.parametrize("how", ["reset", "eof", "garbage"])
@pytest.mark.parametrize("events", [0, 2])
async def test_a_disconnect_comes_after_so_many_events(
    cluster: FakeCluster, source: ListerWatcher, how: str, events: int
) -> None:
    """So many events are given, then the connection breaks."""
    cluster.inject(Disconnect(after_events=events, how=how))  # type: ignore[arg-type]
    stream = await source.watch({"resourceVersion": "95"}, idle_timeout=10)

    if events:
        frames = await stream.receive()
        assert frames is not None
        assert len(frames) == events
    with pytest.raises(TransportError, match=how):
        await stream.receive()
    assert cluster.open_watches == 0


async def test_a_clean_end_before_its_time(cluster: FakeCluster, source: ListerWatcher) -> None:
    """A watch ends cleanly at once, or after so many events."""
    cluster.inject(CloseAtOnce())
    cluster.inject(CloseAtOnce(after_events=2))
    began = anyio.current_time()

    assert await short(source) == []
    assert await short(source) == [("ADDED", "a"), ("ADDED", "b")]
    assert anyio.current_time() == began


async def test_a_refused_connection_was_not_reached(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """The error says that nothing was sent, and the request is written down all the same."""
    cluster.inject(Refuse(), times=2)

    for attempt in (listing(source), short(source)):
        with pytest.raises(TransportError, match="refused") as refused:
            await attempt
        assert not refused.value.reached
    assert [request.verb for request in cluster.requests] == ["list", "watch"]


async def test_a_stall_holds_back_and_gives_later(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """In the middle of a watch nothing comes for so long; then everything does."""
    cluster.inject(Stall(100, after_events=1))

    seen = await watched(source, resourceVersion="95", timeoutSeconds="200")

    assert [(each.name, each.time) for each in seen] == [("a", 0), ("b", 100), ("c", 100)]


@pytest.mark.parametrize("then", ["end", "reset", "eof"])
async def test_a_torn_line(cluster: FakeCluster, source: ListerWatcher, then: str) -> None:
    """One event is cut in half, and the answer is over, cleanly or not."""
    cluster.inject(TornLine(then=then, after_events=1))  # type: ignore[arg-type]
    stream = await source.watch({"resourceVersion": "95"}, idle_timeout=10)

    frames = await stream.receive()

    assert frames is not None
    assert (len(frames), stream.partial) == (1, True)
    if then == "end":
        assert await stream.receive() is None
    else:
        with pytest.raises(TransportError):
            await stream.receive()


async def test_bad_json(cluster: FakeCluster, source: ListerWatcher) -> None:
    """A list body is cut in half; on a watch a line that is no JSON comes between the events."""
    cluster.inject(BadJson(), on="list")
    cluster.inject(BadJson(after_events=1), on="watch")

    with pytest.raises(json.JSONDecodeError):
        json.loads(await source.list({}, idle_timeout=10))
    stream = await source.watch({"resourceVersion": "95"}, idle_timeout=10)
    frames = await stream.receive()

    assert frames is not None
    assert [frame[:9] for frame in frames] == [b'{"type":"'] * 4
    with pytest.raises(json.JSONDecodeError):
        json.loads(frames[1])
    stream.close()


async def test_frames_of_ones_own(cluster: FakeCluster, source: ListerWatcher) -> None:
    """Any lines come on the wire, and the watch goes on after them unless told otherwise."""
    line = b'{"type":"SNAFU","object":{}}'
    cluster.inject(Frames((line,), after_events=1))
    cluster.inject(Frames((line,), then="end"))

    assert await short(source) == [("ADDED", "a"), ("SNAFU", ""), ("ADDED", "b"), ("ADDED", "c")]
    assert await short(source) == [("SNAFU", "")]


async def test_a_server_without_bookmarks(cluster: FakeCluster, source: ListerWatcher) -> None:
    """No bookmark comes, but the end of the initial events is still marked."""
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
    query |= {"resourceVersion": "", "allowWatchBookmarks": "true", "timeoutSeconds": "300"}
    cluster.inject(NoBookmarks())
    cluster.inject(NoInitialEventsEnd())

    without_bookmarks = await short(source, **query)
    without_mark = await watched(source, **query)

    assert [kind for kind, _ in without_bookmarks] == ["ADDED"] * 3 + ["BOOKMARK"]
    assert [each.time for each in without_mark] == [0, 0, 0]

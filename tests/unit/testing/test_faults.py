"""Faults: each does its harm, to the requests it is meant for, as often as it was told."""

import json
from dataclasses import FrozenInstanceError, dataclass, fields

import anyio
import pytest

from tests.unit.testing.manifests import config_map
from tests.unit.testing.watching import types, watched
from watchkit.core.errors import (
    ApiError,
    Forbidden,
    NotFound,
    Redirected,
    ResourceExpired,
    ServerUnavailable,
    TooManyRequests,
    TransportError,
)
from watchkit.core.source import ListerWatcher
from watchkit.testing import (
    Answer,
    BadJson,
    Case,
    CloseAtOnce,
    Disconnect,
    ErrorEvent,
    FakeCluster,
    Fault,
    Forbid,
    Frames,
    Gone,
    NoBookmarks,
    NoInitialEventsEnd,
    Refuse,
    Stall,
    Throttle,
    TooLargeVersion,
    TornLine,
    Unavailable,
)
from watchkit.testing.wire import Act, Bend, Finish, Head, Send

pytestmark = pytest.mark.anyio

STATUS = {"kind": "Status", "code": 500, "message": "broken"}


@pytest.fixture
def source(cluster: FakeCluster) -> ListerWatcher:
    """Give a source with three objects; a watch from version 95 sees three events."""
    for name in "abc":
        cluster.create(config_map(name))
    return cluster.source("v1", "configmaps", "shop")


async def short(source: ListerWatcher, **query: str) -> list[tuple[str, str]]:
    """Watch everything for five seconds."""
    asked = {"resourceVersion": "95", "timeoutSeconds": "5"} | query
    return types(await watched(source, **asked))


async def listing(source: ListerWatcher, **query: str) -> int:
    """List, and give the number of objects."""
    return len(json.loads(await source.list(query, idle_timeout=10))["items"])


@pytest.mark.parametrize(
    ("fault", "error", "status"),
    [
        (Answer(418), ApiError, 418),
        (Answer(307, {"Location": "http://elsewhere"}), Redirected, 307),
        (Answer(502, {"Content-Type": "text/html"}, b"<html>"), ServerUnavailable, 502),
        (Throttle(7), TooManyRequests, 429),
        (Unavailable(), ServerUnavailable, 503),
        (Forbid(), Forbidden, 403),
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
    assert [each.time for each in without_mark] == [0, 0, 0, 120, 180, 240, 298.5]


async def test_counted_faults_strike_one_request_each(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """In the order of their injection, each as often as told, then no more."""
    first = cluster.inject(Unavailable(), times=2)
    second = cluster.inject(Throttle())
    statuses: list[int] = []

    for _ in range(4):
        try:
            statuses.append(await listing(source))
        except ApiError as error:
            statuses.append(error.status)

    assert statuses == [503, 503, 429, 3]
    assert (first.fired, second.fired) == (2, 1)


async def test_a_standing_fault_strikes_until_it_is_removed(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """With times=None every request is struck, besides those by counted faults."""
    standing = cluster.inject(NoInitialEventsEnd(), times=None)
    cluster.inject(CloseAtOnce(after_events=3))
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
    query |= {"resourceVersion": "", "allowWatchBookmarks": "true"}

    struck = [await short(source, **query) for _ in range(2)]
    standing.remove()
    spared = await short(source, **query)

    assert [len(seen) for seen in struck] == [3, 4]
    assert ("BOOKMARK", "") in spared
    assert (standing.fired, len(spared)) == (2, 5)


async def test_a_healed_cluster_is_sound(cluster: FakeCluster, source: ListerWatcher) -> None:
    """Heal takes back whatever still waits."""
    cluster.inject(Unavailable(), times=None)
    cluster.inject(Throttle())

    cluster.heal()

    assert await listing(source) == 3


async def test_a_fault_strikes_what_it_is_meant_for(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """By verb, by any condition on the request, and never what it cannot harm."""
    cluster.inject(Unavailable(), on="watch")
    cluster.inject(Throttle(), when=lambda request: request.query.get("limit") == "1")
    cluster.inject(Disconnect())

    assert await listing(source) == 3
    with pytest.raises(TooManyRequests):
        await listing(source, limit="1")
    with pytest.raises(ServerUnavailable):
        await short(source)


async def test_an_open_watch_can_be_struck(cluster: FakeCluster, source: ListerWatcher) -> None:
    """on="open" strikes the watches that are open, now, after what they had to say before."""
    stream = await source.watch({"resourceVersion": "97"}, idle_timeout=10)
    spared = cluster.inject(Disconnect(), on="open", when=lambda request: not request.query)
    struck = cluster.inject(Disconnect(), on="open")
    late = await source.watch({"resourceVersion": "97"}, idle_timeout=10)

    frames = await stream.receive()
    assert frames is not None
    assert len(frames) == 1
    with pytest.raises(TransportError):
        await stream.receive()
    assert await late.receive() == frames
    assert (spared.fired, struck.fired, cluster.open_watches) == (0, 1, 1)
    late.close()


async def test_striking_wakes_a_waiting_watch(cluster: FakeCluster, source: ListerWatcher) -> None:
    """A receive that waits sees the harm when it is done."""
    stream = await source.watch({"resourceVersion": "98"}, idle_timeout=10)
    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:

        async def strike() -> None:
            await anyio.sleep(3)
            cluster.inject(CloseAtOnce(), on="open")

        tasks.start_soon(strike)
        assert await stream.receive() is None

    assert anyio.current_time() - began == 3


async def test_a_restore_cuts_open_watches(cluster: FakeCluster, source: ListerWatcher) -> None:
    """The store goes back, the connections break, and a watch from before the future is silent."""
    stream = await source.watch({"resourceVersion": "98"}, idle_timeout=10)

    cluster.restore(96)

    with pytest.raises(TransportError):
        await stream.receive()
    assert await listing(source) == 1
    assert await short(source, resourceVersion="98") == []
    cluster.create(config_map("z"))
    assert await short(source, resourceVersion="96") == [("ADDED", "z")]


@dataclass(frozen=True, slots=True)
class Teapot(Fault):
    """A fault that a user wrote."""

    def bend(self, case: Case) -> Bend:
        """Answer with the name of what was asked for."""

        def bent(act: Act) -> list[Act]:
            said = Send(case.request.resource.encode())
            return [Head(418), said, Finish()] if isinstance(act, Head) else [act]

        return bent


async def test_a_fault_of_ones_own(cluster: FakeCluster, source: ListerWatcher) -> None:
    """A new fault is a class with one method."""
    cluster.inject(Teapot())

    with pytest.raises(ApiError) as raised:
        await listing(source)

    assert raised.value.status == 418


@pytest.mark.parametrize("fault", [Disconnect(), Throttle(), Stall(), Teapot()])
def test_faults_are_values(fault: Fault) -> None:
    """Equal to their like, frozen, and readable."""
    assert fault == type(fault)()
    assert repr(fault).startswith(type(fault).__name__)
    for field in fields(fault):
        with pytest.raises(FrozenInstanceError):
            setattr(fault, field.name, None)


async def test_an_unserved_resource_can_be_struck_too(cluster: FakeCluster) -> None:
    """Faults come before the server's own 404."""
    source = cluster.source("x.io/v1", "shops", "shop")
    cluster.inject(Throttle())

    with pytest.raises(TooManyRequests):
        await listing(source)
    with pytest.raises(NotFound):
        await listing(source)

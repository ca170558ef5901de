"""One suite, two faces: FakeSource in memory, and the real ListWatch over a FakeApiServer."""

import json
from collections.abc import AsyncIterator, Callable

import pytest
from kubernetes_asyncio import config
from kubernetes_asyncio.client import ApiClient, Configuration

from tests.unit.testing.manifests import config_map
from watchkit.api.listwatch import ListWatch
from watchkit.core.errors import (
    ApiError,
    Forbidden,
    IdleTimeout,
    InvalidRequest,
    NotFound,
    ResourceExpired,
    ServerUnavailable,
    TooManyRequests,
    TransportError,
)
from watchkit.core.source import ListerWatcher, WatchStream
from watchkit.testing import (
    Answer,
    CloseAtOnce,
    Disconnect,
    FakeApiServer,
    FakeCluster,
    Fault,
    Forbid,
    Frames,
    Gone,
    Refuse,
    Stall,
    Throttle,
    TornLine,
    Unavailable,
)
from watchkit.testing.log import View

pytestmark = pytest.mark.anyio

Opener = Callable[[View], ListerWatcher]


@pytest.fixture
def anyio_backend() -> str:
    """Run both faces on asyncio in real time, as one of them has sockets."""
    return "asyncio"


@pytest.fixture(params=["memory", "http"])
async def opener(
    request: pytest.FixtureRequest, cluster: FakeCluster
) -> AsyncIterator[Callable[[View], ListerWatcher]]:
    """Give what makes a source of ConfigMaps in "shop", which holds a, b and c (96 to 98)."""
    for name in "abc":
        cluster.create(config_map(name))
    if request.param == "memory":
        yield lambda view: cluster.source("v1", "configmaps", "shop", view=view)
        return
    async with FakeApiServer(cluster) as server:
        settings = Configuration()
        await config.load_kube_config(config_file=server.kubeconfig, client_configuration=settings)
        async with ApiClient(settings) as api:
            yield lambda view: ListWatch.for_resource(
                api, "v1", "configmaps", namespace="shop", metadata_only=view == "metadata"
            )


@pytest.fixture
def source(opener: Opener) -> ListerWatcher:
    """Give a source of whole objects."""
    return opener("full")


async def received(stream: WatchStream, count: int) -> list[bytes]:
    """Receive until there are so many frames."""
    frames: list[bytes] = []
    while len(frames) < count:
        batch = await stream.receive()
        assert batch is not None
        frames += batch
    return frames


async def test_lists_in_pages(cluster: FakeCluster, source: ListerWatcher) -> None:
    """Two pages of one snapshot, though something is written between them."""
    first = json.loads(await source.list({"limit": "2"}, idle_timeout=60))
    cluster.create(config_map("b2"))
    token = first["metadata"]["continue"]
    second = json.loads(await source.list({"limit": "2", "continue": token}, idle_timeout=60))

    assert [each["metadata"]["name"] for each in first["items"] + second["items"]] == [
        "a",
        "b",
        "c",
    ]
    assert second["metadata"] == {"resourceVersion": "98"}


async def test_watches_what_happens(cluster: FakeCluster, source: ListerWatcher) -> None:
    """Changes after the version come in order; closing leaves no watch behind."""
    stream = await source.watch({"resourceVersion": "97"}, idle_timeout=60)
    cluster.patch("v1", "configmaps", "shop/a", {"data": {"k": "x\u2028é"}})
    cluster.delete("v1", "configmaps", "shop/b")

    events = [json.loads(frame) for frame in await received(stream, 3)]

    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    assert events[1]["object"]["data"] == {"k": "x\u2028é"}
    stream.close()


async def test_a_watch_ends_at_its_time(source: ListerWatcher) -> None:
    """A clean end is None."""
    stream = await source.watch({"resourceVersion": "98", "timeoutSeconds": "1"}, idle_timeout=60)

    assert await stream.receive() is None
    assert not stream.partial
    stream.close()


async def test_requests_arrive_as_they_were_asked(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """Verb, resource, namespace and every parameter, unknown ones too."""
    await source.list({"limit": "1", "newParam": "a b&c"}, idle_timeout=60)
    query = {"resourceVersion": "98", "labelSelector": "app in (x,y)"}
    (await source.watch(query, idle_timeout=60)).close()

    assert [
        (each.verb, each.resource, each.namespace, each.name, dict(each.query))
        for each in cluster.requests
    ] == [
        ("list", "configmaps", "shop", None, {"limit": "1", "newParam": "a b&c"}),
        ("watch", "configmaps", "shop", None, {**query, "watch": "true"}),
    ]


async def test_metadata_only(opener: Opener) -> None:
    """A metadata view is one on both faces, on lists and watches."""
    source = opener("metadata")

    page = json.loads(await source.list({}, idle_timeout=60))
    stream = await source.watch({"resourceVersion": "97"}, idle_timeout=60)
    event = json.loads((await received(stream, 1))[0])

    assert page["kind"] == "PartialObjectMetadataList"
    assert event["object"]["kind"] == page["items"][0]["kind"] == "PartialObjectMetadata"
    stream.close()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Answer(400), InvalidRequest),
        (Answer(500, {}, b"<html>"), ServerUnavailable),
        (Forbid(), Forbidden),
        (Gone(via="http"), ResourceExpired),
        (Throttle(4), TooManyRequests),
        (Unavailable(), ServerUnavailable),
    ],
)
async def test_refusals(
    cluster: FakeCluster, source: ListerWatcher, fault: Fault, error: type[ApiError]
) -> None:
    """Each answer that is none becomes the same error on both faces."""
    cluster.inject(fault, on="watch")

    with pytest.raises(error) as raised:
        await source.watch({"resourceVersion": "98"}, idle_timeout=60)

    assert raised.value.retry_after == {429: 4, 503: 5}.get(raised.value.status)


async def test_what_is_not_served(cluster: FakeCluster, source: ListerWatcher) -> None:
    """A resource that is gone is a 404."""
    cluster.remove_resource("v1", "configmaps")

    with pytest.raises(NotFound):
        await source.list({}, idle_timeout=60)


@pytest.mark.parametrize("how", ["reset", "eof", "garbage"])
async def test_a_broken_watch(cluster: FakeCluster, source: ListerWatcher, how: str) -> None:
    """However a connection breaks, it is a TransportError after what came before."""
    stream = await source.watch({"resourceVersion": "96"}, idle_timeout=60)
    await received(stream, 2)
    cluster.inject(Disconnect(how=how), on="open")  # type: ignore[arg-type]

    with pytest.raises(TransportError):
        await received(stream, 100)
    stream.close()


@pytest.mark.parametrize("then", ["end", "reset"])
async def test_a_torn_line(cluster: FakeCluster, source: ListerWatcher, then: str) -> None:
    """Half an event is never a frame."""
    cluster.inject(TornLine(then=then, after_events=1))  # type: ignore[arg-type]
    stream = await source.watch({"resourceVersion": "96"}, idle_timeout=60)
    frames: list[bytes] = []

    try:
        while (batch := await stream.receive()) is not None:
            frames += batch
    except TransportError:
        assert then == "reset"
    else:
        assert then == "end"
        assert await stream.receive() is None

    assert len(frames) <= 1
    stream.close()


async def test_an_early_end(cluster: FakeCluster, source: ListerWatcher) -> None:
    """A server that closes at once is a clean end without a frame."""
    cluster.inject(CloseAtOnce())
    stream = await source.watch({"resourceVersion": "96"}, idle_timeout=60)

    assert await stream.receive() is None
    stream.close()


async def test_lines_of_another_kind(cluster: FakeCluster, source: ListerWatcher) -> None:
    """Blank lines are none, CRLF ends a line too, and nothing else is looked at."""
    cluster.inject(Frames((b"", b" \r", b'{"x":1}\r', b"nonsense"), then="end"))
    stream = await source.watch({"resourceVersion": "98"}, idle_timeout=60)

    assert await received(stream, 2) == [b'{"x":1}', b"nonsense"]
    stream.close()


async def test_a_silent_head(cluster: FakeCluster, source: ListerWatcher) -> None:
    """Without a head in time it is an IdleTimeout, for lists and watches."""
    cluster.inject(Stall(at="head"), times=2)

    with pytest.raises(IdleTimeout):
        await source.list({}, idle_timeout=0.1)
    with pytest.raises(IdleTimeout):
        await source.watch({"resourceVersion": "98"}, idle_timeout=0.1)


async def test_no_connection(cluster: FakeCluster, source: ListerWatcher) -> None:
    """A connection that is refused, or cut before an answer, is a TransportError."""
    cluster.inject(Refuse(), times=None)

    with pytest.raises(TransportError):
        await source.list({}, idle_timeout=60)
    with pytest.raises(TransportError):
        await source.watch({"resourceVersion": "98"}, idle_timeout=60)

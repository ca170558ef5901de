"""The proxy passes everything on unchanged, writes it down, and fails when told to."""

from typing import Literal

import aiohttp
import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes_asyncio.client import ApiException

from .conftest import Launch
from .following import PATIENCE
from .harness import (
    Answer,
    Cluster,
    HangUp,
    JsonObject,
    RecordedRequest,
    RecordingProxy,
    client_for,
    lists,
    watches,
)
from .harness.http1 import ChunkedBody, SizedBody
from .reading import WatchReading, raw_watch

pytestmark = pytest.mark.anyio


def through(proxy: RecordingProxy, cluster: Cluster) -> Cluster:
    """The same cluster, reached through the proxy."""
    return Cluster(proxy.url, None, cluster.directory, cluster.admin.token)


def path_in(namespace: str) -> str:
    """Where the ConfigMaps of a namespace are."""
    return f"/api/v1/namespaces/{namespace}/configmaps"


async def create(cluster: Cluster, namespace: str, name: str, **data: str) -> JsonObject:
    """Create a ConfigMap and return it."""
    body: JsonObject = {"metadata": {"name": name}, "data": data}
    return await cluster.call("POST", path_in(namespace), body)


async def none_left(proxy: RecordingProxy) -> None:
    """Wait until a proxy has no connection."""
    with anyio.fail_after(PATIENCE):
        while proxy.connections:
            await anyio.sleep(0.01)


async def replayed(watch: WatchReading) -> str:
    """Take the first event: the name of the object that was there when the watch began."""
    return str((await watch.next())["object"]["metadata"]["name"])


async def test_a_request_is_passed_on_and_written_down_without_its_token(
    control_plane: Cluster, namespace: str, proxy: RecordingProxy
) -> None:
    """Method, path, query, headers and status are kept; the token is not."""
    near = through(proxy, control_plane)
    await create(near, namespace, "a", text="x" * 100_000)
    direct = await control_plane.request("GET", path_in(namespace), query={"limit": "5"})
    passed = await near.request("GET", path_in(namespace), query={"limit": "5"})
    post, get = proxy.requests

    assert passed.json is not None
    assert direct.json is not None
    assert passed.json["items"] == direct.json["items"]
    assert (post.method, post.status, post.is_list) == ("POST", 201, False)
    assert (get.path, get.query, get.status) == (path_in(namespace), {"limit": "5"}, 200)
    assert get.is_list
    assert get.headers["connection"] == "close"
    assert get.response_headers["content-type"] == "application/json"
    assert get.received > 100_000
    assert control_plane.admin.token not in repr(proxy.requests)


async def test_its_kubeconfig_serves_kubernetes_asyncio(
    control_plane: Cluster, namespace: str, proxy: RecordingProxy
) -> None:
    """A client made of the proxy's kubeconfig goes through the proxy, on few connections."""
    async with client_for(proxy.kubeconfig) as api:
        for _ in range(3):
            await api.call_api(path_in(namespace), "GET", auth_settings=["BearerToken"])

    assert [request.connection for request in proxy.requests] == [1, 1, 1]
    assert all(request.status == 200 for request in proxy.requests)


@pytest.mark.parametrize("how", ["reset", "fin"])
async def test_events_pass_at_once_and_a_cut_breaks_the_watch(
    control_plane: Cluster, namespace: str, proxy: RecordingProxy, how: Literal["reset", "fin"]
) -> None:
    """A watch through the proxy is live, until the proxy cuts it in the way asked for."""
    await create(control_plane, namespace, "old")
    async with raw_watch(control_plane, path_in(namespace), url=proxy.url) as watch:
        assert await replayed(watch) == "old"
        await create(control_plane, namespace, "new")
        assert await replayed(watch) == "new"
        assert proxy.connections == 1
        assert proxy.cut(how) == 1
        with pytest.raises(aiohttp.ClientPayloadError) as caught:
            await watch.next()

    assert proxy.requests[0].ended is None
    await none_left(proxy)
    assert ("reset by peer" in str(caught.value)) is (how == "reset")


async def test_what_is_frozen_stays_silent_and_loses_nothing_when_thawed(
    control_plane: Cluster, namespace: str, proxy: RecordingProxy
) -> None:
    """A frozen proxy holds up what it has and what comes; thawing delivers it all."""
    near = through(proxy, control_plane)
    await create(control_plane, namespace, "old")
    async with raw_watch(control_plane, path_in(namespace), url=proxy.url) as watch:
        await replayed(watch)
        proxy.freeze()
        await create(control_plane, namespace, "new")
        with pytest.raises(TimeoutError):
            await watch.next(timeout=0.3)
        async with anyio.create_task_group() as group:
            group.start_soon(create, near, namespace, "held")
            await proxy.wait_for(lambda request: request.method == "POST")
            await anyio.sleep(0.3)  # an answer has had time to come
            held = await control_plane.request("GET", f"{path_in(namespace)}/held")
            assert held.status == 404
            assert [request.status for request in proxy.requests] == [200, None]
            group.cancel_scope.cancel()
        proxy.thaw()

        assert await replayed(watch) == "new"
    assert (await near.request("GET", path_in(namespace))).status == 200


async def test_open_connections_can_be_frozen_while_new_ones_work(
    control_plane: Cluster, namespace: str, proxy: RecordingProxy
) -> None:
    """A peer that died looks like this: the old connection is silent, the next one is fine."""
    await create(control_plane, namespace, "old")
    async with raw_watch(control_plane, path_in(namespace), url=proxy.url) as dead:
        await replayed(dead)
        proxy.freeze_open()
        async with raw_watch(control_plane, path_in(namespace), url=proxy.url) as live:
            await replayed(live)
            await create(control_plane, namespace, "new")
            assert await replayed(live) == "new"
        with pytest.raises(TimeoutError):
            await dead.next(timeout=0.2)


async def test_connections_are_refused_until_accepted_again(
    control_plane: Cluster, namespace: str, proxy: RecordingProxy
) -> None:
    """Refusing hits new connections only; the open watch lives on."""
    near = through(proxy, control_plane)
    await create(control_plane, namespace, "old")
    async with raw_watch(control_plane, path_in(namespace), url=proxy.url) as watch:
        await replayed(watch)
        proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            await near.request("GET", path_in(namespace))
        await create(control_plane, namespace, "new")
        assert await replayed(watch) == "new"
    proxy.accept()

    assert (await near.request("GET", path_in(namespace))).status == 200


async def test_the_next_matching_requests_fail_as_told(
    control_plane: Cluster, namespace: str, proxy: RecordingProxy
) -> None:
    """Only matching requests fail, as often as told; the rest reach the server."""
    near = through(proxy, control_plane)
    proxy.fail_next(410, matching=watches)
    proxy.fail_next(429, matching=lists, body="slow down", headers={"Retry-After": "7"}, times=2)
    answers = [await near.request("GET", path_in(namespace)) for _ in range(3)]
    async with raw_watch(control_plane, path_in(namespace), url=proxy.url) as watch:
        gone = await watch.next()

    assert [answer.status for answer in answers] == [429, 429, 200]
    assert (answers[0].headers["retry-after"], answers[0].body) == ("7", b"slow down")
    assert (watch.status, gone["code"], gone["reason"]) == (410, 410, "Expired")
    assert [request.by_proxy for request in proxy.requests] == [True, True, False, True]


async def test_a_hook_answers_hangs_up_or_lets_pass(
    control_plane: Cluster, namespace: str, proxy: RecordingProxy
) -> None:
    """What a hook returns is what happens, bodies of requests notwithstanding."""

    def hook(request: RecordedRequest) -> Answer | HangUp | None:
        answers: dict[str, Answer | HangUp] = {"POST": HangUp(), "PUT": Answer(418, {"tea": True})}
        return answers.get(request.method)

    proxy.on_request(hook)
    near = through(proxy, control_plane)
    with pytest.raises(ConnectionAbortedError):
        await near.request("POST", path_in(namespace), {"metadata": {"name": "a"}})
    async with client_for(proxy.kubeconfig) as api:
        with pytest.raises(ApiException) as made_up:
            await api.call_api(f"{path_in(namespace)}/a", "PUT", body={"x": "y" * 200_000})
        await api.call_api(path_in(namespace), "GET", auth_settings=["BearerToken"])

    assert made_up.value.status == 418
    assert [request.status for request in proxy.requests] == [None, 418, 200]
    assert [request.connection for request in proxy.requests] == [1, 2, 2]


async def test_a_client_that_leaves_frees_the_connection_to_the_server(
    control_plane: Cluster, namespace: str, proxy: RecordingProxy
) -> None:
    """No watch is left open on the server by a client that has gone, a frozen one neither."""
    await create(control_plane, namespace, "old")
    for hold in (proxy.thaw, proxy.freeze):
        async with raw_watch(control_plane, path_in(namespace), url=proxy.url) as watch:
            await replayed(watch)
            hold()
        await none_left(proxy)


async def test_the_end_of_the_server_reaches_the_client(private_control_plane: Launch) -> None:
    """A killed server breaks watches and idle connections behind the proxy too, then refuses."""
    async with private_control_plane() as plane, RecordingProxy(plane) as proxy:
        await create(plane, "default", "old")
        async with (
            client_for(proxy.kubeconfig) as api,
            raw_watch(plane, path_in("default"), url=proxy.url) as watch,
        ):
            await api.call_api("/version", "GET", auth_settings=["BearerToken"])
            await replayed(watch)
            assert proxy.connections == 2
            plane.kill("apiserver")
            with pytest.raises(aiohttp.ClientPayloadError):
                await watch.next()
            await none_left(proxy)
        with pytest.raises(ConnectionResetError):
            await through(proxy, plane).request("GET", "/version")


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=5), st.integers(1, 7), st.data())
def test_a_chunked_body_ends_where_it_ends_however_it_is_cut(
    chunks: list[bytes], size: int, data: st.DataObject
) -> None:
    """Any cutting of the bytes finds the same end, trailers and extensions included."""
    trailer = data.draw(st.sampled_from([b"", b"X-Trailer: 1\r\n"]))
    parts = [b"%x;a=b\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks]
    encoded = b"".join([*parts, b"0\r\n", trailer, b"\r\n"])
    stream = encoded + b"GET / HTTP/1.1"
    body = ChunkedBody()
    taken = 0
    for at in range(0, len(stream), size):
        piece = stream[at : at + size]
        taken += body.feed(piece) if not body.done else 0

    assert body.done
    assert taken == len(encoded)


def test_a_sized_body_takes_its_size_and_no_more() -> None:
    """What follows a body of known length belongs to the next message."""
    body = SizedBody(5)

    assert [body.feed(b"abc"), body.feed(b"defg"), body.feed(b"h")] == [3, 2, 0]
    assert body.done

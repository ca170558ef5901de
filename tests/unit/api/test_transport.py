"""Laws of transports that somebody put over the client's own, and of middlewares in its session."""

import gzip
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import pytest
from kubernetes_asyncio.client import ApiClient, ApiException, CoreV1Api
from kubernetes_asyncio.client.rest import RESTClientObject, RESTResponse

from tests.unit.api.wire import TOKEN, End, WireServer, chunk, client_of, open_watch, whole
from watchkit.api.listwatch import ListWatch
from watchkit.core import errors

pytestmark = pytest.mark.anyio

LIST = b'{"items":[]}'
DENIED = b'{"kind":"Status","code":403,"reason":"Forbidden","message":"not you"}'


class Counting:
    """A transport of somebody else's, over the real one."""

    def __init__(self, inner: Any) -> None:  # noqa: ANN401 - kubernetes_asyncio types nothing here
        self.inner = inner
        self.calls: list[tuple[str, str]] = []

    async def request(self, method: str, url: str, **keywords: object) -> object:
        """Count and pass on."""
        self.calls.append((method, url))
        return await self.inner.request(method, url, **keywords)

    async def close(self) -> None:
        """Close what is beneath."""
        await self.inner.close()


def put(client: ApiClient, transport: object) -> None:
    """Put a transport into a client, as its users do."""
    vars(client)["rest_client"] = transport


class Raising(Counting):
    """Raises what is no success, as newer versions of kubernetes_asyncio do, body as text."""

    as_text = True

    async def request(self, method: str, url: str, **keywords: object) -> object:
        """Pass on, and raise what is not 2xx."""
        response = await self.inner.request(method, url, **keywords)
        if response.status == 200:
            return response
        data = await response.read()
        answer: Any = RESTResponse(response, data)
        error = ApiException(http_resp=answer)
        error.body = data.decode() if self.as_text else data
        raise error


class RaisingBytes(Raising):
    """The same, body as bytes."""

    as_text = False


@pytest.mark.parametrize("wrap", [Counting, Raising, RaisingBytes])
async def test_a_transport_of_the_callers_is_used(wrap: type[Counting]) -> None:
    """Its request() sees each list and watch, and may raise a refusal or return it."""
    answers = [
        [whole(LIST)],
        [open_watch(), chunk(b"{}\n"), chunk(b"")],
        [whole(DENIED, 403, "Retry-After: 7")],
    ]
    async with WireServer(answers) as server, client_of(server.url) as client:
        transport = wrap(client.rest_client)
        put(client, transport)
        nodes = ListWatch(CoreV1Api(client).list_node)
        assert await nodes.list({"limit": "2"}, idle_timeout=60) == LIST
        watch = await nodes.watch({"resourceVersion": "7"}, idle_timeout=60)
        assert await watch.receive() == [b"{}"]
        assert await watch.receive() is None
        for ask in (nodes.list, nodes.watch):
            with pytest.raises(errors.Forbidden, match="not you") as caught:
                await ask({}, idle_timeout=60)
            assert caught.value.retry_after == 7
            assert caught.value.__context__ is None

    if wrap is Counting:
        assert transport.calls == [("GET", f"{server.url}/api/v1/nodes")] * 4
    assert [seen.query for seen in server.seen[:2]] == [
        {"limit": "2"},
        {"resourceVersion": "7", "watch": "true"},
    ]
    assert server.seen[0].headers["authorization"] == f"Bearer {TOKEN}"


async def test_a_subclass_with_a_request_of_its_own_is_used() -> None:
    """An override of the generated request is somebody's purpose, and not gone round."""
    urls: list[str] = []

    class Logging(RESTClientObject):
        async def request(self, method: str, url: str, *args: Any, **keywords: Any) -> Any:  # noqa: ANN401 - as there
            urls.append(url)
            return await super().request(method, url, *args, **keywords)

    async with WireServer([[whole(LIST)]]) as server, client_of(server.url) as client:
        await client.rest_client.close()
        put(client, Logging(client.configuration))
        assert await ListWatch(CoreV1Api(client).list_node).list({}, idle_timeout=60) == LIST

    assert urls == [f"{server.url}/api/v1/nodes"]


async def test_an_override_put_on_the_object_is_used() -> None:
    """As by a subclass: a tracer may have replaced request() on this one transport."""
    urls: list[str] = []
    async with WireServer([[whole(LIST)]]) as server, client_of(server.url) as client:
        inner = client.rest_client.request

        async def request(method: str, url: str, **keywords: Any) -> Any:  # noqa: ANN401 - as there
            urls.append(url)
            return await inner(method, url, **keywords)

        vars(client.rest_client)["request"] = request
        await ListWatch(CoreV1Api(client).list_node).list({}, idle_timeout=60)

    assert urls == [f"{server.url}/api/v1/nodes"]


class Policy(Counting):
    """A retry policy of watchkit's: it says what it was put over."""

    @property
    def beneath(self) -> object:
        """Give the transport beneath."""
        return self.inner


async def test_a_policy_is_gone_round() -> None:
    """What says `beneath` is left out, however many there are, and what lies there is used."""
    async with WireServer([[whole(LIST)]]) as server, client_of(server.url) as client:
        below = Counting(client.rest_client)
        policy = Policy(Policy(below))
        put(client, policy)
        await ListWatch(CoreV1Api(client).list_node).list({}, idle_timeout=60)

    assert not policy.calls
    assert len(below.calls) == 1


@pytest.mark.fault("F13")
async def test_a_redirect_that_a_transport_followed_is_refused() -> None:
    """Where redirects can't be forbidden, what they led to is thrown away."""
    async with WireServer([[whole(LIST)]]) as other:
        answers = [[whole(b"", 307, f"Location: {other.url.replace('127.0.0.1', 'localhost')}/x")]]
        async with WireServer(answers) as server, client_of(server.url) as client:
            put(client, Counting(client.rest_client))
            nodes = ListWatch(CoreV1Api(client).list_node)
            for ask in (nodes.list, nodes.watch):
                with pytest.raises(errors.Redirected, match="localhost") as caught:
                    await ask({}, idle_timeout=60)
                assert caught.value.status == 307

    assert all("authorization" not in seen.headers for seen in other.seen)


@pytest.mark.parametrize(
    "error",
    [
        ApiException(status=0, reason=TOKEN),
        ApiException(reason=TOKEN),
        KeyError(TOKEN),
        TimeoutError(TOKEN),
        aiohttp.ClientError(TOKEN),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_a_transport_raises_becomes_ours(error: Exception) -> None:
    """Its class is named, its text is not."""

    class Failing(Counting):
        async def request(self, method: str, url: str, **keywords: object) -> object:
            raise error

    async with client_of("http://127.0.0.1:1") as client:
        put(client, Failing(client.rest_client))
        with pytest.raises(errors.TransportError, match=type(error).__name__) as caught:
            await ListWatch(CoreV1Api(client).list_node).list({}, idle_timeout=60)

    assert TOKEN not in repr(caught.value)
    assert caught.value.__context__ is None


async def test_our_own_error_of_a_transport_passes() -> None:
    """A breaker of watchkit's own that is open says so itself."""

    class Open(Counting):
        async def request(self, method: str, url: str, **keywords: object) -> object:
            raise errors.WatchkitError("open")

    async with client_of("http://127.0.0.1:1") as client:
        put(client, Open(client.rest_client))
        with pytest.raises(errors.WatchkitError, match=r"^open$"):
            await ListWatch(CoreV1Api(client).list_node).list({}, idle_timeout=60)


async def test_gzip_that_a_transport_has_undone_is_not_undone_twice() -> None:
    """The header still says gzip of what aiohttp has inflated by itself."""
    answer = whole(gzip.compress(LIST), 200, "Content-Encoding: gzip")
    async with WireServer([[answer]]) as server, client_of(server.url) as client:
        put(client, Counting(client.rest_client))
        assert await ListWatch(CoreV1Api(client).list_node).list({}, idle_timeout=60) == LIST


Handler = Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]


async def test_the_sessions_middlewares_stay() -> None:
    """A caller's middlewares see watchkit's requests too; its raise_for_status hides no Status."""
    seen: list[str] = []

    async def note(request: aiohttp.ClientRequest, handler: Handler) -> aiohttp.ClientResponse:
        seen.append(request.url.path)
        return await handler(request)

    async with (
        WireServer([[whole(LIST)], [whole(DENIED, 403)]]) as server,
        client_of(server.url) as client,
        aiohttp.ClientSession(middlewares=[note], raise_for_status=True) as session,
    ):
        await client.rest_client.pool_manager.close()
        client.rest_client.pool_manager = session
        nodes = ListWatch(CoreV1Api(client).list_node)
        await nodes.list({}, idle_timeout=60)
        with pytest.raises(errors.Forbidden, match="not you"):
            await nodes.list({}, idle_timeout=60)

    assert seen == ["/api/v1/nodes"] * 2


async def test_a_proxy_of_the_configuration_is_used() -> None:
    """Lists and watches go through Configuration.proxy, with its headers."""
    answers = [[whole(LIST)], [open_watch(), End.HANG]]
    async with (
        WireServer(answers) as proxy,
        client_of("http://api.invalid", proxy=proxy.url, proxy_headers={"X-P": "1"}) as client,
    ):
        nodes = ListWatch(CoreV1Api(client).list_node)
        assert await nodes.list({}, idle_timeout=60) == LIST
        (await nodes.watch({}, idle_timeout=60)).close()

    assert [seen.connection for seen in proxy.seen] == [1, 2]
    hosts: list[Mapping[str, str]] = [seen.headers for seen in proxy.seen]
    assert {headers["host"] for headers in hosts} == {"api.invalid"}

"""Laws of RetryingTransport as an object: what it wraps, copies, releases and lets through."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from kubernetes_asyncio.client import ApiException, CoreV1Api
from kubernetes_asyncio.client.rest import RESTResponse
from kubernetes_asyncio.dynamic import DynamicClient

from tests.unit.api.answers import (
    DONE,
    NOT_DONE,
    OBJECT,
    PLAIN,
    POLICY,
    ask,
    said,
    transport_of,
    wrapped,
)
from tests.unit.api.pushed import PATIENCE, push
from tests.unit.api.wire import End, Step, WireServer, client_of, head, whole
from watchkit import (
    AmbiguousWrite,
    Backoff,
    ListWatch,
    RetryingTransport,
    RetryPolicy,
    ServerUnavailable,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("streamed", [True, False])
async def test_unread_answers_are_returned_as_they_came(streamed: bool) -> None:  # noqa: FBT001
    """With _preload_content=False the last refusal is returned, its body yet to be read."""
    body = said("etcdserver: leader changed")
    async with wrapped([whole(body, 500)]) as (server, client):
        v1 = CoreV1Api(client)
        answer: Any = await v1.create_namespaced_config_map(
            "default", PLAIN, _preload_content=False
        )
        assert answer.status == 500
        assert await (answer.content.read() if streamed else answer.read()) == body
        assert client.rest_client.pool_manager.connector is not None

    assert len(server.seen) == 3


async def test_discarded_answers_free_their_connections() -> None:
    """Unread or read, the refusals before the last answer hold no place in the pool."""
    long = head(500, "Content-Length: 100000") + b"x" * 100_000
    chunked: list[Step] = [
        head(503, "Transfer-Encoding: chunked", "Retry-After: 0"),
        b"1\r\nx\r\n0\r\n\r\n",
    ]
    answers = [[NOT_DONE["leader"]], [long], chunked, [DONE]]
    policy = RetryPolicy(5, Backoff(initial=0.001))
    async with WireServer(answers) as server, client_of(server.url) as client:
        client.rest_client = RetryingTransport(client.rest_client, policy)
        connector: Any = client.rest_client.pool_manager.connector
        v1 = CoreV1Api(client)
        answer: Any = await v1.read_namespaced_config_map("one", "default", _preload_content=False)
        assert len(connector._acquired) <= 1  # noqa: SLF001 - there is no public count
        assert await answer.read() == json.dumps(OBJECT).encode()
        assert not connector._acquired  # noqa: SLF001

    assert len(server.seen) == 4


async def test_each_discarded_answer_is_released_and_the_last_one_is_not() -> None:
    """What comes back is the caller's to read; what does not is nobody's."""

    class Refusal:
        status = 503
        released = 0

        def release(self) -> None:
            self.released += 1

    given: list[Refusal] = []

    class Returning:
        async def request(self, method: str, url: str, **keywords: object) -> object:
            given.append(Refusal())
            return given[-1]

    transport = RetryingTransport(Returning(), POLICY)
    answer = await transport.request("GET", "http://x/api/v1/pods", _preload_content=False)

    assert answer is given[-1]
    assert [each.released for each in given] == [1, 1, 0]


async def test_an_endless_refusal_is_not_read() -> None:
    """A body that does not say that it is small stays the caller's to read, or not."""
    endless = [head(500, "Transfer-Encoding: chunked"), b"1\r\nx\r\n", End.HANG]
    async with wrapped(endless) as (server, client):
        v1 = CoreV1Api(client)
        async with asyncio.timeout(PATIENCE):
            answer: Any = await v1.create_namespaced_config_map(
                "default", PLAIN, _preload_content=False
            )
        assert answer.status == 500
        answer.close()

    assert len(server.seen) == 1


class Newer:
    """A rest client that raises every refusal, body as text, as newer kubernetes_asyncio does."""

    def __init__(self, inner: Any) -> None:  # noqa: ANN401 - untyped there
        self.inner = inner

    async def request(self, method: str, url: str, **keywords: object) -> object:
        """Pass on, and raise what is not 2xx even if it was to be left unread."""
        keywords["_preload_content"] = False
        response = await self.inner.request(method, url, **keywords)
        data = await response.read()
        answer: Any = RESTResponse(response, data)
        if response.status < 300:
            return answer
        error = ApiException(http_resp=answer)
        error.body = data.decode()
        raise error


@pytest.mark.parametrize("preload", [True, False])
async def test_a_transport_that_raises_every_refusal_is_understood(preload: bool) -> None:  # noqa: FBT001
    """Text or bytes, raised or returned: the decisions are the same."""
    answers = [[NOT_DONE["leader"]], [whole(said("etcdserver: request timed out"), 500)]]
    async with WireServer(answers) as server, client_of(server.url) as client:
        transport = RetryingTransport(Newer(client.rest_client), POLICY)
        with pytest.raises(ApiException) as caught:
            await transport.POST(f"{server.url}/api/v1/x", body=PLAIN, _preload_content=preload)

    assert len(server.seen) == 2
    assert isinstance(caught.value.body, str)
    assert len(caught.value.__notes__) == 1


async def test_aiohttp_sends_nothing_again_by_itself() -> None:
    """One attempt is one request, also where a pooled connection had died; new sessions too."""
    once = RetryPolicy(attempts=1)
    async with wrapped([DONE], [End.RESET], policy=once) as (server, client):
        await ask(client, "read")
        with pytest.raises(aiohttp.ClientError):
            await ask(client, "read")
        assert len(server.seen) == 2
        old = client.rest_client.pool_manager
        client.rest_client.pool_manager = aiohttp.ClientSession()
        await old.close()
        with pytest.raises(AmbiguousWrite):
            await ask(client, "delete")

    assert len(server.seen) == 3


async def test_what_the_caller_changes_meanwhile_is_not_sent() -> None:
    """The body and headers given at the beginning are those of every attempt."""
    async with (
        WireServer([[NOT_DONE["leader"]], [DONE]]) as server,
        client_of(server.url) as client,
    ):
        policy = RetryPolicy(backoff=Backoff(initial=0.2, jitter="none"))
        transport = RetryingTransport(client.rest_client, policy)
        body, headers = {"a": [1]}, {"X-One": "1"}
        url = f"{server.url}/api/v1/things"
        async with asyncio.TaskGroup() as tasks:
            call = tasks.create_task(transport.POST(url, body=body, headers=headers))
            while not server.seen:  # noqa: ASYNC110 - the server has no event for it
                await asyncio.sleep(0.01)
            body["a"].append(2)
            headers["X-One"] = "2"
        await call

    assert [seen.body for seen in server.seen] == [b'{"a": [1]}'] * 2
    assert [seen.headers["x-one"] for seen in server.seen] == ["1", "1"]


async def test_form_data_is_sent_again_whole() -> None:
    """kubernetes_asyncio takes a header of a multipart call away: the next one has it again."""
    async with (
        WireServer([[NOT_DONE["leader"]], [DONE]]) as server,
        client_of(server.url) as client,
    ):
        transport = RetryingTransport(client.rest_client, POLICY)
        headers = {"Content-Type": "multipart/form-data"}
        parts: Any = [("one", ("a.txt", b"content", "text/plain"))]
        await transport.POST(f"{server.url}/x", post_params=parts, headers=headers)

    first, second = (seen.body for seen in server.seen)
    assert b"content" in first
    assert len(first) == len(second)
    types = [seen.headers["content-type"] for seen in server.seen]
    assert all(each.startswith("multipart/form-data") for each in types)


class Taking:
    """A rest client that takes any body, and fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    async def request(self, method: str, url: str, **keywords: object) -> object:
        """Fail."""
        self.calls += 1
        raise self.error


async def test_a_stream_is_sent_once() -> None:
    """HT-01: an opaque body is gone once it was sent."""
    taking = Taking(ApiException(status=429))
    transport = RetryingTransport(taking, POLICY)
    with pytest.raises(ApiException):
        await transport.POST("http://x/api/v1/pods", body=(each for each in [b"a"]))

    assert taking.calls == 1


@pytest.mark.parametrize(
    "error",
    [
        ApiException(status=0, reason="cannot prepare"),
        ApiException(),
        ValueError("mine"),
        RuntimeError("Session is closed"),
        aiohttp.InvalidURL("x"),
        KeyError("mine"),
    ],
    ids=repr,
)
async def test_a_mistake_is_no_fault(error: Exception) -> None:
    """What the server has no part in is raised as it came, at once, and is not ambiguous."""
    taking = Taking(error)
    with pytest.raises(type(error)) as caught:
        await RetryingTransport(taking, POLICY).POST("http://x/api/v1/pods", body=PLAIN)

    assert caught.value is error
    assert taking.calls == 1
    assert not hasattr(error, "__notes__")


async def test_errors_of_ours_from_beneath_are_understood() -> None:
    """A transport of watchkit's may raise the errors of watchkit's tree."""
    taking = Taking(ServerUnavailable(503))
    with pytest.raises(ServerUnavailable):
        await RetryingTransport(taking, POLICY).GET("http://x/api/v1/pods")

    assert taking.calls == 3


async def test_cancelled_while_waiting_it_is_over() -> None:
    """No attempt follows a cancellation."""
    policy = RetryPolicy(backoff=Backoff(initial=30, jitter="none"))
    async with wrapped([NOT_DONE["leader"]], policy=policy) as (server, client):
        call = asyncio.ensure_future(ask(client, "read"))  # noqa: TID251 - to be cancelled
        await server.until_seen(1)
        await asyncio.sleep(0.1)  # the answer is back by now, most likely
        call.cancel()
        await asyncio.wait([call])
        push(30)
        await asyncio.sleep(0.1)

    assert len(server.seen) == 1


async def test_whatever_else_the_wrapped_object_has_passes_through() -> None:
    """Reading and writing; and the client closes as ever."""
    async with wrapped([DONE]) as (_, client):
        transport = transport_of(client)
        assert transport.proxy is None
        transport.proxy = "http://proxy"
        assert transport.beneath.proxy == "http://proxy"
        assert not hasattr(transport, "no_such_thing")
        assert transport.policy is POLICY
        assert repr(transport) == "<RetryingTransport over RESTClientObject, 0 retried>"

    assert transport.pool_manager.closed


async def test_lists_and_watches_go_round_it() -> None:
    """Their policy is the watcher's: a 500 is one request, and one error."""
    async with wrapped([whole(said("broken"), 500)]) as (server, client):
        nodes = ListWatch(CoreV1Api(client).list_node)
        with pytest.raises(ServerUnavailable):
            await nodes.list({}, idle_timeout=60)
        with pytest.raises(ServerUnavailable):
            await nodes.watch({}, idle_timeout=60)
        assert transport_of(client).statistics == {"retried": 0, "ambiguous": 0}

    assert len(server.seen) == 2


async def test_a_dynamic_clients_calls_are_tried_again() -> None:
    """Its resources go the same way as generated calls."""
    resources = {
        "kind": "APIResourceList",
        "groupVersion": "v1",
        "resources": [
            {"name": "configmaps", "kind": "ConfigMap", "namespaced": True, "verbs": ["get"]}
        ],
    }
    named = {**OBJECT, "apiVersion": "v1"}
    answers: list[list[Step]] = [
        [whole(b'{"kind":"APIVersions","versions":["v1"]}')],
        [whole(b'{"kind":"APIGroupList","groups":[]}')],
        [whole(json.dumps(resources).encode())],
        [NOT_DONE["leader"]],
        [whole(json.dumps(named).encode())],
    ]
    async with wrapped(*answers) as (server, client):
        dynamic = await DynamicClient(client)
        answers_before = len(server.seen)
        server.answers = [*[answers[0]] * answers_before, answers[3], answers[4]]
        path = "/api/v1/namespaces/default/configmaps/one"
        found = await dynamic.request("get", path)

    assert found.metadata.name == "one"
    assert len(server.seen) == answers_before + 2


async def test_all_methods_are_tried_again() -> None:
    """Each of the seven verbs of kubernetes_asyncio's rest client goes through request()."""
    taking = Taking(ApiException(status=429))
    for verb in ("GET", "HEAD", "OPTIONS", "DELETE", "POST", "PUT", "PATCH"):
        taking.calls = 0
        with pytest.raises(ApiException):
            await getattr(RetryingTransport(taking, POLICY), verb)("http://x/api/v1/pods")
        assert taking.calls == 3

"""Laws of requests of our own about single objects: whole answers, or one of our errors."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from kubernetes_asyncio.client import ApiClient

from tests.unit.api.answers import FAULTS, said
from tests.unit.api.wire import TOKEN, End, Step, WireServer, client_of, head, whole
from watchkit import (
    Conflict,
    Forbidden,
    IdleTimeout,
    ListWatch,
    RetryingTransport,
    RetryPolicy,
    TransportError,
)
from watchkit.api.leases import LeaseCalls
from watchkit.core.errors import Redirected, WatchkitError
from watchkit.core.standing import (
    Absent,
    Answer,
    Create,
    Failed,
    Found,
    Read,
    Refused,
    Replace,
    Written,
)
from watchkit.core.tenure import Record

pytestmark = pytest.mark.anyio

LEASES = "/apis/coordination.k8s.io/v1/namespaces/shop/leases"
LEASE = {
    "kind": "Lease",
    "metadata": {"name": "web", "namespace": "shop", "resourceVersion": "7"},
    "spec": {"holderIdentity": "a", "leaseDurationSeconds": 15, "leaseTransitions": 2},
}
DONE = whole(json.dumps(LEASE).encode())
MADE = whole(json.dumps(LEASE).encode(), 201)
RECORD = Record("a", 15, None, None, 2, "7")


@asynccontextmanager
async def calling(*answers: Sequence[Step]) -> AsyncIterator[tuple[WireServer, LeaseCalls]]:
    """Open a server of these answers, and the calls of an election on it."""
    async with WireServer(answers) as server, client_of(server.url) as client:
        yield server, LeaseCalls(client, "web", "shop")


def failure(answer: Answer) -> WatchkitError:
    """Give the error of an answer that is one."""
    assert isinstance(answer, Failed)
    return answer.error


async def test_each_request_has_its_method_its_path_and_its_body() -> None:
    """Read, create, replace; what comes back is what the Lease says."""
    async with calling([DONE], [MADE], [DONE]) as (server, calls):
        assert await calls.ask(Read(), 60) == Found(RECORD)
        assert await calls.ask(Create(Record("a", 15)), 60) == Written(RECORD)
        assert await calls.ask(Replace(RECORD), 60) == Written(RECORD)

    assert [(each.method, each.path) for each in server.seen] == [
        ("GET", f"{LEASES}/web"),
        ("POST", LEASES),
        ("PUT", f"{LEASES}/web"),
    ]
    assert {each.headers["authorization"] for each in server.seen} == {f"Bearer {TOKEN}"}
    put = json.loads(server.seen[2].body)
    assert put["metadata"]["resourceVersion"] == "7"
    assert put["spec"]["leaseTransitions"] == 2
    assert "resourceVersion" not in json.loads(server.seen[1].body)["metadata"]
    assert server.seen[1].headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "wanted", "answer"),
    [
        (404, Read(), Absent),
        (404, Replace(RECORD), Absent),
        (404, Create(RECORD), Failed),
        (409, Replace(RECORD), Refused),
        (409, Create(RECORD), Refused),
        (500, Replace(RECORD), Failed),
        (403, Read(), Failed),
    ],
)
async def test_an_answer_is_a_value(
    status: int, wanted: Read | Create | Replace, answer: type
) -> None:
    """What was not done, and why."""
    async with calling([whole(said("no", status), status)]) as (_, calls):
        assert isinstance(await calls.ask(wanted, 60), answer)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_is_one_of_ours_and_is_not_repeated(fault: str) -> None:
    """Not even by aiohttp, which sends a PUT again by itself; nothing of the token is in it."""
    async with calling(FAULTS[fault]) as (server, calls):
        error = failure(await calls.ask(Replace(RECORD), 60))

    assert isinstance(error, TransportError)
    assert str(error).startswith("PUT lease shop/web: ")
    assert TOKEN not in repr(error)
    assert len(server.seen) == 1


async def test_silence_is_a_fault() -> None:
    """For as long as is asked for."""
    async with calling([End.AGES]) as (_, calls):
        assert isinstance(failure(await calls.ask(Read(), 60)), IdleTimeout)


async def test_after_a_fault_no_connection_of_before_is_used() -> None:
    """What killed one may have killed all; without one they are used again."""
    async with calling([DONE], [DONE], [End.AGES], [DONE], [DONE]) as (server, calls):
        for _ in range(2):
            await calls.ask(Read(), 60)
        await calls.ask(Read(), 60)
        for _ in range(2):
            await calls.ask(Read(), 60)

    assert [each.connection for each in server.seen] == [1, 1, 1, 2, 2]


async def test_a_redirect_is_refused() -> None:
    """The token stays at home."""
    async with calling([head(307, "Location: http://127.0.0.1:1/x", "Content-Length: 0")]) as (
        server,
        calls,
    ):
        assert isinstance(failure(await calls.ask(Replace(RECORD), 60)), Redirected)

    assert len(server.seen) == 1


@pytest.mark.parametrize("body", [b"<html>", b'{"spec": 7}', b"[]", b""])
async def test_what_is_no_lease_is_a_failure(body: bytes) -> None:
    """Not an answer."""
    async with calling([whole(body)]) as (_, calls):
        failure(await calls.ask(Read(), 60))


async def test_an_election_goes_round_the_retry_policy() -> None:
    """It has its own; two of them multiply."""
    async with WireServer([[whole(said("no"), 500)]]) as server, client_of(server.url) as client:
        client.rest_client = RetryingTransport(client.rest_client, RetryPolicy(5))
        failure(await LeaseCalls(client, "web", "shop").ask(Read(), 60))

    assert len(server.seen) == 1


@asynccontextmanager
async def patching(*answers: Sequence[Step]) -> AsyncIterator[tuple[WireServer, ApiClient]]:
    """Open a server of these answers and a client that tries again."""
    policy = RetryPolicy(3)
    async with WireServer(answers) as server, client_of(server.url) as client:
        client.rest_client = RetryingTransport(client.rest_client, policy)
        yield server, client


async def test_a_patch_is_a_call_like_others() -> None:
    """The client's policy is heeded: 429 with a time is tried again."""
    throttled = whole(said("slowly", 429, reason="TooManyRequests"), 429, "Retry-After: 0")
    async with patching([throttled], [DONE]) as (server, client):
        source = ListWatch.for_resource(client, "v1", "pods")
        change = {"metadata": {"finalizers": ["ä"]}}
        assert json.loads(await source.patch("a b", change, namespace="shop")) == LEASE

    assert [each.method for each in server.seen] == ["PATCH", "PATCH"]
    assert server.seen[0].path == "/api/v1/namespaces/shop/pods/a%20b"
    assert server.seen[0].headers["content-type"] == "application/merge-patch+json"
    assert json.loads(server.seen[0].body) == change


@pytest.mark.parametrize(("status", "kind"), [(409, Conflict), (403, Forbidden)])
async def test_a_refused_patch_is_raised_as_our_own(status: int, kind: type[Exception]) -> None:
    """Its text says what was asked of what, and holds no header."""
    async with patching([whole(said("no", status), status)]) as (_, client):
        source = ListWatch.for_resource(client, "v1", "pods", namespace="shop")
        with pytest.raises(kind, match="patch pods in shop: ") as caught:
            await source.patch("web", {})

    assert caught.value.__context__ is None
    assert TOKEN not in repr(caught.value)


@pytest.mark.parametrize("name", ["", "a/b", ".."])
async def test_a_name_that_is_none_is_refused(name: str) -> None:
    """Before anything is sent."""
    async with patching() as (server, client):
        source = ListWatch.for_resource(client, "v1", "pods", namespace="shop")
        with pytest.raises(ValueError, match="name must be a name"):
            await source.patch(name, {})

    assert not server.seen

"""Laws of RetryingTransport over HTTP: what a server says, byte for byte, and what is sent then."""

import json
import time
from collections.abc import Iterator

import aiohttp
import anyio
import pytest
from kubernetes_asyncio.client import ApiException
from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.unit.api.answers import (
    DONE,
    FAULTS,
    NOT_DONE,
    PASSES,
    POLICY,
    SAFE,
    UNSAFE,
    VERSIONED,
    ask,
    said,
    text,
    transport_of,
    wrapped,
)
from tests.unit.api.pushed import PATIENCE
from tests.unit.api.wire import TOKEN, End, client_of, whole
from watchkit import (
    AmbiguousWrite,
    Backoff,
    RetryingTransport,
    RetryPolicy,
    TransportError,
    is_retryable,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[EventDict]]:
    """Give what was logged; nothing of it is rendered."""
    with capture_logs() as captured:
        yield captured


@pytest.mark.parametrize("what", SAFE)
@pytest.mark.parametrize("name", [*PASSES, *NOT_DONE, *FAULTS])
async def test_reads_and_guarded_writes_outlive_what_passes(
    what: str, name: str, logs: list[EventDict]
) -> None:
    """HT-01, HT-03: the caller sees the answer that came in the end; each retry is one event."""
    bad = FAULTS.get(name) or [{**PASSES, **NOT_DONE}[name]]
    async with wrapped(bad, bad, [DONE]) as (server, client):
        await ask(client, what)
        statistics = transport_of(client).statistics

    assert len(server.seen) == 3
    assert len({(seen.method, seen.path, seen.body) for seen in server.seen}) == 1
    assert statistics == {"retried": 2, "ambiguous": 0}
    assert [(entry["event"], entry["attempt"]) for entry in logs] == [
        ("call.retrying", 1),
        ("call.retrying", 2),
    ]


@pytest.mark.parametrize("what", UNSAFE)
@pytest.mark.parametrize("name", NOT_DONE)
async def test_any_write_is_sent_again_where_nothing_was_done(what: str, name: str) -> None:
    """The server says so, and the second request is the first one, byte for byte."""
    async with wrapped([NOT_DONE[name]], [DONE]) as (server, client):
        await ask(client, what)

    first, second = server.seen
    assert (first.method, first.path, first.query) == (second.method, second.path, second.query)
    assert first.body == second.body
    assert first.headers == second.headers


@pytest.mark.parametrize("what", UNSAFE)
@pytest.mark.parametrize("name", PASSES)
async def test_a_write_is_not_sent_again_where_it_may_have_been_done(what: str, name: str) -> None:
    """The answer is raised as it came, as kubernetes_asyncio raises it without the transport."""
    async with wrapped([PASSES[name]], [DONE]) as (server, client):
        with pytest.raises(ApiException) as caught:
            await ask(client, what)
        vars(client)["rest_client"] = transport_of(client).beneath
        server.answers = [[PASSES[name]]]
        with pytest.raises(ApiException) as bare:
            await ask(client, what)

    assert len(server.seen) == 2
    for field in ("status", "reason", "body"):
        assert getattr(caught.value, field) == getattr(bare.value, field)
    assert not hasattr(caught.value, "__notes__")
    assert caught.value.__context__ is None


@pytest.mark.fault("F60")
@pytest.mark.parametrize("what", UNSAFE)
@pytest.mark.parametrize("name", FAULTS)
async def test_a_write_without_an_answer_is_ambiguous(
    what: str, name: str, logs: list[EventDict]
) -> None:
    """One request, and AmbiguousWrite: its cause names the fault, and holds no secret."""
    async with wrapped(FAULTS[name], [DONE]) as (server, client):
        with pytest.raises(AmbiguousWrite, match="it may have been done, or not") as caught:
            await ask(client, what)

    assert len(server.seen) == 1
    assert type(caught.value.cause) is TransportError
    assert caught.value.__cause__ is caught.value.cause
    assert caught.value.__context__ is None
    assert not is_retryable(caught.value)
    assert [entry["event"] for entry in logs] == ["call.ambiguous"]
    for shown in (repr(caught.value), repr(caught.value.cause), repr(logs)):
        assert TOKEN not in shown


@pytest.mark.parametrize("what", [*SAFE, *UNSAFE])
async def test_what_never_left_is_sent_again(what: str) -> None:
    """A refused connection is safe to repeat for any call; at the end it is raised as it came."""
    async with client_of("http://127.0.0.1:1") as client:
        client.rest_client = RetryingTransport(client.rest_client, POLICY)
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await ask(client, what)
        assert transport_of(client).statistics["retried"] == 2

    assert len(caught.value.__notes__) == 2
    assert caught.value.__notes__[0].startswith("watchkit: attempt 1 of 3: ")
    assert is_retryable(caught.value)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 409, 410, 422])
@pytest.mark.parametrize("what", ["read", "create"])
async def test_what_time_does_not_heal_is_raised_at_once(code: int, what: str) -> None:
    """HT-01: one request, no note, nothing logged about what was sent."""
    answer = whole(said("no", code, reason="Invalid"), code, "Retry-After: 0")
    async with wrapped([answer], [DONE]) as (server, client):
        with pytest.raises(ApiException) as caught:
            await ask(client, what)

    assert (len(server.seen), caught.value.status) == (1, code)


async def test_the_last_answer_is_raised_as_it_came_with_the_attempts(
    logs: list[EventDict],
) -> None:
    """HT-01, HT-04: exhausted, the error is the last one, and the ones before it are its notes."""
    leader = [NOT_DONE["leader"]]
    async with wrapped(leader, [End.RESET], [whole(said("last", 500), 500)]) as (server, client):
        with pytest.raises(ApiException) as caught:
            await ask(client, "read")

    assert len(server.seen) == 3
    assert (caught.value.status, json.loads(caught.value.body or b"")["message"]) == (500, "last")
    first, second = caught.value.__notes__
    assert first == (
        "watchkit: attempt 1 of 3: GET configmaps in default: 500: etcdserver: leader changed"
    )
    assert "attempt 2 of 3" in second
    assert "ClientOSError" in second
    assert logs[-1]["event"] == "call.given_up"
    assert {key: logs[-1][key] for key in ("method", "resource", "namespace", "attempts")} == {
        "method": "GET",
        "resource": "configmaps",
        "namespace": "default",
        "attempts": 3,
    }


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        (["Retry-After: 1"], 1.0),
        (
            [
                "Date: Wed, 21 Oct 2026 07:28:00 GMT",
                "Retry-After: Wed, 21 Oct 2026 07:28:01 GMT",
            ],
            1.0,
        ),
        (["Retry-After: 0"], 0.0),
        (["Retry-After: soon"], 0.0),
    ],
)
async def test_retry_after_is_honoured(
    lines: list[str], seconds: float, logs: list[EventDict]
) -> None:
    """HT-05: seconds or a date, judged by the answer's own clock; the longer wait wins."""
    async with wrapped([text("later\n", 429, *lines)], [DONE]) as (_, client):
        began = time.monotonic()
        await ask(client, "create")
        took = time.monotonic() - began

    assert took >= seconds
    assert logs[0]["delay"] >= seconds


async def test_retry_after_in_the_details_is_honoured(logs: list[EventDict]) -> None:
    """Where there is no header, the Status' own hint counts."""
    answer = whole(said("later", 429, details={"retryAfterSeconds": 1}), 429)
    async with wrapped([answer], [DONE]) as (_, client):
        await ask(client, "create")

    assert logs[0]["delay"] == 1.0


async def test_within_the_deadline_it_goes_on() -> None:
    """The deadline counts from the call's own beginning."""
    policy = RetryPolicy(9, Backoff(initial=0.001), deadline=PATIENCE)
    async with wrapped([NOT_DONE["leader"]], [DONE], policy=policy) as (server, client):
        await ask(client, "read")

    assert len(server.seen) == 2


async def test_the_fault_that_took_the_answer_is_the_cause() -> None:
    """Of a write whose first attempt was sent and whose next ones were not, it is the first's."""
    faults = [aiohttp.ServerDisconnectedError(), *[ConnectionRefusedError()] * 2]

    class Failing:
        async def request(self, method: str, url: str, **keywords: object) -> object:
            raise faults.pop(0)

    transport = RetryingTransport(Failing(), POLICY)
    with pytest.raises(AmbiguousWrite) as caught:
        await transport.request("PUT", "http://x/api/v1/pods/a", body=VERSIONED)

    assert caught.value.cause.reached
    assert "ServerDisconnectedError" in str(caught.value)
    assert transport.statistics == {"retried": 2, "ambiguous": 1}


async def test_no_attempt_begins_after_the_deadline() -> None:
    """A Retry-After beyond it is not waited for: the answer is raised at once."""
    policy = RetryPolicy(9, Backoff(initial=0.001), deadline=40)
    async with wrapped([text("later\n", 429, "Retry-After: 600")], policy=policy) as (
        server,
        client,
    ):
        with anyio.fail_after(50), pytest.raises(ApiException):
            await ask(client, "read")

    assert len(server.seen) == 1

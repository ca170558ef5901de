"""Fidelity: FakeApiServer says what a real kube-apiserver was heard to say, byte for byte."""

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.unit.testing.manifests import config_map
from tests.unit.testing.recordings import RECORDINGS, Recording
from watchkit.testing import FakeApiServer, FakeCluster, Forbid, Throttle, bodies
from watchkit.testing.paging import decode_token, encode_token

pytestmark = pytest.mark.anyio

TOKENS = {"a token that is not known": "bad", "the same on a watch": "bad", "no token": ""}
SENT = {
    "created twice": config_map("c1", "t"),
    "another version by now": config_map("c1", "t")
    | {"metadata": {"name": "c1", "namespace": "t", "resourceVersion": "1"}},
    "no valid name": config_map("UPPER", "t"),
}
FAULTS = {
    "a user without the right to list": Forbid(),
    "a user without the right to watch": Forbid(),
    "too much in flight": Throttle(),
}
COMPACTED = (
    "an expired continue token",
    "an exact list of what is compacted",
    "a watch from a compacted version",
)
REPLIES = {
    "a cache that is not there yet": bodies.initializing(),
    "paths that are not there yet": bodies.starting(),
    "a read with etcd stopped": bodies.timed_out(),
    "a write with etcd stopped": bodies.write_timed_out(),
    "a write while etcd has no leader": bodies.etcd_said("etcdserver: request timed out"),
    "a server that is shutting down": bodies.shutting_down(),
}
ASKED = [each for each in RECORDINGS if each.path != "-"]
TROUBLED = [each for each in RECORDINGS if each.path == "-"]


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, in real time: there are sockets."""
    return "asyncio"


@pytest.fixture
async def server(cluster: FakeCluster) -> AsyncIterator[FakeApiServer]:
    """Give a server with the thirty objects of the recorded one."""
    for number in range(30):
        cluster.create(config_map(f"c{number}", "t", a="b"))
    async with FakeApiServer(cluster) as server:
        yield server


def headers_of(recording: Recording, token: str) -> dict[str, str]:
    """Give what the recorded client sent."""
    token = TOKENS.get(recording.title, token)
    accept = "text/csv" if recording.status == 406 else "application/json"
    return {"Accept": accept} | ({"Authorization": f"Bearer {token}"} if token else {})


@pytest.mark.parametrize("recording", ASKED, ids=lambda each: each.title)
async def test_says_what_a_real_server_says(
    cluster: FakeCluster, server: FakeApiServer, recording: Recording
) -> None:
    """Status, headers that mean something, length and every byte of the body are the same."""
    old, token = str(cluster.version), encode_token(cluster.version, "c1\0")
    if recording.title in COMPACTED:
        cluster.patch("v1", "configmaps", "t/c0", {"data": {"k": "new"}})
        cluster.compact()
    if recording.title in FAULTS:
        cluster.inject(FAULTS[recording.title])
    blanks = {"{old}": old, "{current}": str(cluster.version), "{compacted}": str(cluster.version)}
    path, said = recording.path.replace("{token}", token), recording.body
    said = said.replace("{token}", encode_token(-1, "c1\0"))
    for blank, value in blanks.items():
        path, said = path.replace(blank, value), said.replace(blank, value)

    async with (
        aiohttp.ClientSession(server.url, headers=headers_of(recording, server.token)) as session,
        session.request(recording.method, path, json=SENT.get(recording.title)) as answer,
    ):
        body = await answer.text()

    assert (answer.status, body.rstrip("\n")) == (recording.status, said)
    assert answer.headers["Content-Type"] == recording.content_type
    assert answer.headers.get("Retry-After") == recording.retry_after
    assert answer.content_length == recording.length


async def test_the_first_page_is_the_recorded_one(
    cluster: FakeCluster, server: FakeApiServer
) -> None:
    """A page of two of thirty: keys in order, a relative token, twenty-eight to come."""
    headers = headers_of(ASKED[-1], server.token)
    path = "/api/v1/namespaces/t/configmaps?limit=2"

    async with (
        aiohttp.ClientSession(server.url, headers=headers) as session,
        session.get(path) as answer,
    ):
        page = json.loads(await answer.text())

    assert list(page) == ["kind", "apiVersion", "metadata", "items"]
    assert list(page["metadata"]) == ["resourceVersion", "continue", "remainingItemCount"]
    assert page["metadata"]["remainingItemCount"] == 28
    assert decode_token(page["metadata"]["continue"]) == (cluster.version, "c1\0")
    assert [list(item) for item in page["items"]] == [["metadata", "data"]] * 2


@pytest.mark.parametrize("recording", TROUBLED, ids=lambda each: each.title)
def test_a_troubled_server_is_quoted_word_for_word(recording: Recording) -> None:
    """The bodies that only a broken control plane brings forth are its own."""
    reply = REPLIES[recording.title]

    assert (reply.status, reply.body.decode()) == (recording.status, recording.body + "\n")
    assert reply.headers["Content-Type"] == recording.content_type
    assert reply.headers.get("Retry-After") == recording.retry_after
    assert recording.length in {None, len(reply.body)}


def test_an_etcd_that_never_answers_ends_a_watch_in_an_error_event() -> None:
    """Word for word as recorded from a watch with etcd stopped."""
    assert bodies.error_event(bodies.watch_timed_out()).decode() == (
        '{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":'
        '"Failure","message":"context deadline exceeded","reason":"InternalError","code":500}}\n'
    )

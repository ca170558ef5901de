"""FakeApiServer: encodings, formats and faults on the wire."""

import gzip
import json
import zlib

import aiohttp
import pytest

from tests.unit.testing.manifests import config_map
from tests.unit.testing.serving import LISTING, STREAMED, got
from watchkit.testing import Disconnect, FakeCluster, Refuse, Throttle

pytestmark = pytest.mark.anyio

END_OF_MEMBER = 10  # bytes: an empty last block, then the checksum and the size of the data


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, in real time: there are sockets."""
    return "asyncio"


async def test_large_lists_are_gzipped_for_those_who_take_it(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """From 128 KiB on, and only where the client says so."""
    cluster.create(config_map("small"))
    cluster.create(config_map("large") | {"data": {"k": "v" * 200_000}})

    async def coding(query: str, accepted: str) -> tuple[str | None, int]:
        async with session.get(
            f"{LISTING}?{query}", headers={"Accept-Encoding": accepted}
        ) as answer:
            body = await answer.read()
            said = answer.headers.get("Content-Encoding")
            return said, len(gzip.decompress(body) if said else body)

    large, small = "fieldSelector=metadata.name=large", "fieldSelector=metadata.name=small"
    assert (await coding(large, "gzip, deflate"))[0] == "gzip"
    assert (await coding(large, "identity"))[0] is None
    assert (await coding(small, "gzip"))[0] is None
    assert (await coding(large, "gzip"))[1] == (await coding(large, "identity"))[1] > 200_000


@pytest.mark.parametrize(
    ("query", "coding"),
    [
        (STREAMED, "gzip"),
        ("watch=1&allowWatchBookmarks=true", "gzip"),
        ("watch=1&allowWatchBookmarks=true&resourceVersion=0", "gzip"),
        ("watch=1", None),
        ("watch=1&allowWatchBookmarks=true&resourceVersion=95", None),
    ],
)
async def test_watches_are_gzipped_as_by_a_real_server(
    session: aiohttp.ClientSession, query: str, coding: str | None
) -> None:
    """Those that begin with the current objects, where the client takes it; never others."""
    for accepted, wanted in (("gzip", coding), ("identity", None)):
        headers = {"Accept-Encoding": accepted}
        async with session.get(f"{LISTING}?{query}&timeoutSeconds=1", headers=headers) as answer:
            assert answer.headers.get("Content-Encoding") == wanted


async def test_a_gzipped_watch_is_one_member_a_flush(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """The initial events are the first member, every later event its own: many clients trip."""
    cluster.create(config_map("a"))
    cluster.create(config_map("b"))
    members: list[list[str]] = []
    rest = b""

    headers = {"Accept-Encoding": "gzip"}
    async with session.get(f"{LISTING}?{STREAMED}", headers=headers) as answer:
        cluster.delete("v1", "configmaps", "shop/a")
        cluster.create(config_map("c"))
        while len(members) < 3:
            rest += await answer.content.readany()
            while (member := zlib.decompressobj(wbits=31)) and rest:
                lines = member.decompress(rest).splitlines()
                if not member.eof:
                    break
                members.append([json.loads(line)["type"] for line in lines])
                whole = rest[: len(rest) - len(member.unused_data)]
                unended = zlib.decompressobj(wbits=31).decompress(whole[:-END_OF_MEMBER])
                assert unended.splitlines() == lines  # clients in Go would not see the last line
                rest = member.unused_data

    assert members == [["ADDED", "ADDED", "BOOKMARK"], ["DELETED"], ["ADDED"]]


async def test_formats_are_negotiated(cluster: FakeCluster, session: aiohttp.ClientSession) -> None:
    """The first accepted type that is known is given; JSON where anything will do."""
    cluster.create(config_map("a"))

    async def kind(accept: str) -> str:
        async with session.get(LISTING, headers={"Accept": accept}) as answer:
            return str(json.loads(await answer.read())["kind"])

    partial = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    assert await kind("*/*") == "ConfigMapList"
    assert await kind("application/vnd.kubernetes.protobuf, application/json") == "ConfigMapList"
    assert await kind(f"{table},application/json") == "Table"
    old = table.replace("v=v1", "v=v1beta1")
    assert await kind(f"{old},application/json") == "ConfigMapList"
    assert await kind(f"{partial},application/json") == "PartialObjectMetadataList"
    assert await kind("application/vnd.kubernetes.protobuf") == "Status"


async def test_headers_are_written_down(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """A test can ask which headers a client sent; no repr shows them."""
    async with session.get(LISTING, headers={"Accept-Encoding": "identity"}):
        pass

    (request,) = cluster.requests
    assert request.headers["accept-encoding"] == "identity"
    assert "Bearer" not in repr(request)


async def test_a_reset_is_a_reset(cluster: FakeCluster, session: aiohttp.ClientSession) -> None:
    """A connection that is reset says so (RST, not FIN), before an answer and within one."""
    cluster.inject(Refuse(), times=None, on="list")
    cluster.inject(Disconnect())

    with pytest.raises(aiohttp.ClientOSError):
        await session.get(LISTING)
    async with session.get(f"{LISTING}?watch=1") as answer:
        with pytest.raises(aiohttp.ClientPayloadError, match="reset"):
            await answer.read()


async def test_a_broken_chunk_is_not_a_status(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """Within a chunk the end of the connection is the end of the payload's luck."""
    cluster.inject(Disconnect(how="eof"))

    async with session.get(f"{LISTING}?watch=1") as answer:
        with pytest.raises(aiohttp.ClientPayloadError, match="not completed"):
            await answer.read()


async def test_counted_faults_strike_over_http(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """What is injected into the cluster happens on the wire, headers included."""
    cluster.inject(Throttle(3))

    async with session.get(LISTING) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "3")
    assert (await got(session, LISTING))["kind"] == "ConfigMapList"


async def test_writes_can_be_struck(cluster: FakeCluster, session: aiohttp.ClientSession) -> None:
    """on="write" is every verb that changes something, and the write is not done then."""
    fault = cluster.inject(Throttle(), on="write", times=2)

    assert (await got(session, LISTING))["items"] == []
    for method, path in (("POST", LISTING), ("DELETE", f"{LISTING}/a")):
        async with session.request(method, path, json=config_map("a")) as answer:
            assert answer.status == 429
    assert (fault.fired, cluster.list("v1", "configmaps")) == (2, [])

"""Laws of reading whole bodies: lists and refusals, within their caps and bounds."""

import gzip
import tracemalloc
import zlib

import pytest
from kubernetes_asyncio.client import CoreV1Api

from tests.unit.api.wire import (
    End,
    Push,
    Step,
    WireServer,
    chunk,
    client_of,
    head,
    open_watch,
    whole,
)
from watchkit.api.body import PAGE_CAP
from watchkit.api.listwatch import ListWatch
from watchkit.core.errors import (
    ApiError,
    IdleTimeout,
    PageTooLarge,
    ServerUnavailable,
    TransportError,
)

pytestmark = pytest.mark.anyio

BODY = b'{"kind":"NodeList","items":[' + b'{"metadata":{"name":"n"}},' * 5000 + b"null]}"
GZIP = "Content-Encoding: gzip"


async def listed(*steps: Step, lists: int = 1) -> bytes:
    """List nodes from a server that answers so, and give the last body."""
    body = b""
    async with WireServer([steps]) as server, client_of(server.url) as client:
        nodes = ListWatch(CoreV1Api(client).list_node)
        for _ in range(lists):
            body = await nodes.list({}, idle_timeout=60)
        assert {seen.connection for seen in server.seen} == {1}
    return body


async def test_a_gzipped_list_is_inflated() -> None:
    """One member, several members, chunks cut anywhere: the same JSON; its connection is reused."""
    packed = gzip.compress(BODY)
    parts = gzip.compress(BODY[:7000]) + gzip.compress(BODY[7000:])
    pieces = [step for at in range(0, len(parts), 97) for step in (chunk(parts[at : at + 97]),)]

    assert await listed(whole(packed, 200, GZIP), lists=2) == BODY
    assert await listed(open_watch(GZIP), *pieces, chunk(b""), lists=2) == BODY
    assert await listed(whole(gzip.compress(b""), 200, GZIP)) == b""


@pytest.mark.fault("F35")
async def test_a_plain_list_is_taken_as_it_is() -> None:
    """With a length, in chunks, up to the end of the connection, or with encoding identity."""
    assert await listed(whole(BODY)) == BODY
    assert await listed(whole(BODY, 200, "Content-Encoding: identity")) == BODY
    assert await listed(open_watch(), chunk(BODY[:9]), 0.01, chunk(BODY[9:]), chunk(b"")) == BODY
    assert await listed(head(200), BODY, End.CLOSE) == BODY


@pytest.mark.fault("F25", "F28", "F29")
@pytest.mark.parametrize(
    "steps",
    [
        [open_watch(), chunk(BODY[:99]), End.CLOSE],
        [open_watch(), chunk(BODY[:99]), 0.05, End.RESET],
        [head(200, "Content-Length: 500"), BODY[:99], End.CLOSE],
        [whole(gzip.compress(BODY)[:-9], 200, GZIP)],
        [whole(b"", 200, GZIP)],
        [whole(BODY, 200, GZIP)],
        [whole(zlib.compress(BODY), 200, "Content-Encoding: deflate")],
        [open_watch(), chunk(BODY[:99]), 0.05, b"zz\r\nzz", End.HANG],
    ],
    ids=["eof", "reset", "short", "cut gzip", "no gzip", "false gzip", "deflate", "bad chunk"],
)
async def test_a_broken_list_is_a_transport_error(steps: list[Step]) -> None:
    """However a body breaks, inside its encoding or out of it: never half a page."""
    with pytest.raises(TransportError, match=r"^list nodes: ") as caught:
        await listed(*steps)

    assert type(caught.value) is TransportError


async def test_a_silent_list_is_an_idle_timeout() -> None:
    """Each gap between two bytes is bounded, not the whole: a slow list that moves is none."""
    slow: list[Step] = [chunk(b" "), 0.01, Push(10)] * 8

    assert await listed(open_watch(), *slow, chunk(b"")) == b" " * 8
    with pytest.raises(IdleTimeout, match=r"list nodes: no byte of the list for 60 s"):
        await listed(open_watch(), chunk(b"{"), 0.05, End.AGES)


def bomb(size: int) -> bytes:
    """Make the gzip of so many zeros, a thousandth of their size: one block, again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    zeros = bytes(1 << 20)
    block = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)
    check = 0
    for _ in range(size >> 20):
        check = zlib.crc32(zeros, check)
    head = b"\x1f\x8b\x08" + bytes(7)
    tail = check.to_bytes(4, "little") + size.to_bytes(4, "little")
    return head + block * (size >> 20) + packer.flush() + tail


@pytest.mark.fault("F58", "F90")
async def test_a_page_over_the_cap_is_too_large() -> None:
    """A small gzip of 300 MiB is given up at 64 MiB, and never held."""
    packed = bomb(300 << 20)
    assert len(packed) < 1 << 20
    tracemalloc.start()
    with pytest.raises(PageTooLarge, match="list nodes: the page is longer than 67108864 bytes"):
        await listed(whole(packed, 200, GZIP))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 2.5 * PAGE_CAP


async def test_a_page_of_just_the_cap_is_taken() -> None:
    """The cap is the largest page that passes."""
    assert len(await listed(whole(bomb(PAGE_CAP), 200, GZIP))) == PAGE_CAP


@pytest.mark.fault("F11", "F90")
@pytest.mark.parametrize("packed", [False, True])
async def test_a_huge_refusal_is_read_within_its_cap(packed: bool) -> None:  # noqa: FBT001
    """64 KiB of a refusal's body are looked at, inflated; the status is the answer anyway."""
    answer = whole(bomb(64 << 20), 503, GZIP) if packed else whole(bytes(8 << 20), 503)
    tracemalloc.start()
    with pytest.raises(ServerUnavailable):
        await listed(answer)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 24 << 20  # the bytes on the wire themselves, on both sides of the socket


@pytest.mark.parametrize(
    "steps",
    [
        [head(403, "Content-Length: 500"), b'{"kind":"St', End.CLOSE],
        [head(403, "Content-Length: 500"), b'{"kind":"St', End.RESET],
        [head(403, "Content-Length: 500"), *[b" ", 0.01, Push(10)] * 20],
        [whole(b"\x1f\x8bnonsense", 403, GZIP)],
        [whole(b"nonsense", 403, "Content-Encoding: br")],
        [whole(b"", 403)],
    ],
    ids=["eof", "reset", "drip", "bad gzip", "brotli", "empty"],
)
async def test_a_refusal_without_a_readable_body_is_still_one(steps: list[Step]) -> None:
    """The status decides, and a body that drips or breaks holds nobody up."""
    with pytest.raises(ApiError) as caught:
        await listed(*steps)

    assert caught.value.status == 403
    assert str(caught.value) == "list nodes: 403"

"""A connection in memory: in order, with back pressure, ended cleanly or by a reset."""

import asyncio

import anyio
import pytest

from watchkit.testing import virtual_backend
from watchkit.testing.pipe import HIGH_WATER, MemoryTransport, join

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Run on asyncio, whose transports these are, in virtual time."""
    return virtual_backend("asyncio")


class End(asyncio.Protocol):
    """Writes down what happens to it."""

    transport: MemoryTransport

    def __init__(self) -> None:
        self.said: list[object] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, MemoryTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Keep what comes."""
        self.said.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Keep how it ended."""
        self.said.append(type(exc))

    def pause_writing(self) -> None:
        """Keep that it was asked to wait."""
        self.said.append("pause")

    def resume_writing(self) -> None:
        """Keep that it may go on."""
        self.said.append("resume")


@pytest.fixture
async def ends() -> tuple[End, End]:
    """Give two ends of one connection."""
    one, other = End(), End()
    join(one, other)
    return one, other


async def arrived() -> None:
    """Let everything arrive: the virtual clock moves only when nothing is left to do."""
    await anyio.sleep(1)


async def test_what_is_written_arrives_later_and_in_order(ends: tuple[End, End]) -> None:
    """Never within the call that writes it; in both directions."""
    one, other = ends
    one.transport.write(b"a")
    one.transport.writelines([b"b", b"", b"c"])
    other.transport.write(b"d")
    assert (one.said, other.said) == ([], [])

    await arrived()
    assert b"".join(each for each in other.said if isinstance(each, bytes)) == b"abc"
    assert one.said == [b"d"]


async def test_a_close_lets_everything_arrive_first(ends: tuple[End, End]) -> None:
    """Then both ends hear of a clean end; what is written afterwards is nothing."""
    one, other = ends
    one.transport.write(b"last")
    one.transport.close()
    one.transport.write(b"too late")
    assert one.transport.is_closing()
    await arrived()

    assert other.said == [b"last", type(None)]
    assert one.said == [type(None)]
    assert other.transport.is_closing()


async def test_an_abort_is_a_reset_for_the_other_end(ends: tuple[End, End]) -> None:
    """Noticed after what had arrived; a second one changes nothing."""
    one, other = ends
    one.transport.write(b"a")
    one.transport.abort()
    one.transport.abort()
    other.transport.close()
    await arrived()

    assert one.said == [type(None)]
    assert other.said in ([b"a", ConnectionResetError], [type(None)])


async def test_who_does_not_read_is_not_given_anything(ends: tuple[End, End]) -> None:
    """Not even the end, until it reads on."""
    one, other = ends
    other.transport.pause_reading()
    one.transport.write(b"a")
    one.transport.close()
    await arrived()
    assert (other.said, other.transport.is_reading()) == ([], False)

    other.transport.resume_reading()
    await arrived()
    assert other.said == [b"a", type(None)]


async def test_a_writer_is_asked_to_wait(ends: tuple[End, End]) -> None:
    """Beyond the high-water mark, until all of it has arrived."""
    one, other = ends
    other.transport.pause_reading()
    one.transport.write(b"x" * HIGH_WATER)
    assert one.said == []
    one.transport.write(b"y")
    one.transport.write(b"z")
    assert one.said == ["pause"]
    assert one.transport.get_write_buffer_size() == HIGH_WATER + 2

    other.transport.resume_reading()
    await arrived()
    assert one.said == ["pause", "resume"]
    assert one.transport.get_write_buffer_size() == 0


async def test_a_transport_tells_of_itself(ends: tuple[End, End]) -> None:
    """As much as a protocol asks for."""
    one, other = ends
    assert one.transport.get_protocol() is one
    assert one.transport.get_extra_info("peername") == ("127.0.0.1", 0)
    assert one.transport.get_extra_info("socket") is None
    assert not one.transport.can_write_eof()
    assert one.transport.get_write_buffer_limits() == (0, HIGH_WATER)

    heir = End()
    other.transport.set_protocol(heir)
    one.transport.write(b"a")
    await arrived()
    assert heir.said == [b"a"]

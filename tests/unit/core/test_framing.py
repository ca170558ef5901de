"""Framing: any chunking of the same bytes gives the same frames, in bounded memory."""

import itertools
import sys
import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchkit.core.errors import FrameTooLarge
from watchkit.core.framing import MAX_FRAME, LineBuffer

lines = st.one_of(
    st.binary(max_size=20),
    st.sampled_from(
        [b"", b"\r", b" \t", b'{"a":1}', b'{"a":1}\r', "\x85\u2028\u2029é😀".encode(), b"\x0b\x0c"]
    ),
)
streams = st.lists(lines, max_size=8).map(b"\n".join)


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """Cut a stream at these places."""
    edges = [0, *sorted({place % (len(stream) + 1) for place in places}), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(edges)]


def feed_all(buffer: LineBuffer, chunks: list[bytes]) -> tuple[list[bytes], bool]:
    """Feed chunk after chunk; the frames, and whether a line passed the cap."""
    frames: list[bytes] = []
    for chunk in chunks:
        try:
            frames += buffer.feed(chunk)
        except FrameTooLarge:
            break
    try:
        buffer.check()
    except FrameTooLarge:
        return frames, True
    return frames, False


@pytest.mark.fault("F33")
@given(stream=streams, places=st.lists(st.integers(0, 200)), cap=st.integers(1, 40))
@example(stream=b"abc\r\n", places=[4], cap=3)
@example(stream=b"abcd\n", places=[3, 4], cap=3)
@example(stream="\x85\u2028é\n".encode(), places=[1, 3, 4, 6], cap=40)
def test_any_chunking_gives_the_same_frames(stream: bytes, places: list[int], cap: int) -> None:
    r"""Wherever reads end, also within a character, within `\r\n` and at the cap."""
    whole = LineBuffer(cap)
    expected = feed_all(whole, [stream])
    pieces = LineBuffer(cap)

    assert feed_all(pieces, cut(stream, places)) == expected
    assert pieces.partial == whole.partial or expected[1]


@pytest.mark.fault("F31")
@given(stream=streams)
def test_frames_are_the_lines_that_are_not_blank(stream: bytes) -> None:
    r"""Only `\n` ends a line; one `\r` before it is no part of it; blank ones are skipped."""
    *complete, rest = stream.split(b"\n")
    buffer = LineBuffer()

    frames = buffer.feed(stream)

    assert frames == [each.removesuffix(b"\r") for each in complete if each.strip()]
    assert buffer.partial == bool(rest)


@pytest.mark.fault("F31")
@pytest.mark.parametrize("character", ["\x85", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c"])
def test_what_else_python_takes_for_a_line_end_ends_no_frame(character: str) -> None:
    """JSON strings may hold it: the frame is whole, with every byte of it."""
    line = f'{{"a":"{character}"}}'.encode()

    assert LineBuffer().feed(line + b"\n") == [line]


@pytest.mark.fault("F30")
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("step", [1, 3, 1000])
def test_a_frame_of_exactly_the_cap_passes(end: bytes, step: int) -> None:
    """The cap counts what is in the frame, not what ends it."""
    stream = b"x" * 10 + end
    chunks = [stream[start : start + step] for start in range(0, len(stream), step)]

    assert feed_all(LineBuffer(10), chunks) == ([b"x" * 10], False)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("step", [1, 3, 1000])
def test_a_frame_of_one_byte_over_the_cap_stops_it(end: bytes, step: int) -> None:
    """What came before is given, nothing after it, and every further call raises."""
    stream = b"first\n" + b"x" * 11 + end + b"after\n"
    chunks = [stream[start : start + step] for start in range(0, len(stream), step)]
    buffer = LineBuffer(10)

    assert feed_all(buffer, chunks) == ([b"first"], True)
    with pytest.raises(FrameTooLarge, match="longer than 10 bytes"):
        buffer.feed(b"more\n")


@pytest.mark.fault("F30", "F91")
def test_a_line_that_never_ends_is_stopped_while_it_comes() -> None:
    """The cap does not wait for the newline."""
    buffer = LineBuffer(10)
    buffer.feed(b"x" * 12)

    with pytest.raises(FrameTooLarge):
        buffer.check()


def test_nothing_stops_a_buffer_that_was_fed_nothing() -> None:
    """A new buffer is within its cap, and begins with no partial line."""
    buffer = LineBuffer()
    buffer.check()

    assert not buffer.partial
    assert buffer.feed(b"") == []
    assert MAX_FRAME == 8 * 1024 * 1024


@pytest.mark.parametrize("cap", [0, -1])
def test_a_cap_below_one_byte_is_refused(cap: int) -> None:
    """Nothing could ever pass."""
    with pytest.raises(ValueError, match="at least 1 byte"):
        LineBuffer(cap)


def test_the_rest_of_a_stream_can_be_taken_once() -> None:
    """What came since the last newline is no frame; taken, it is no partial line any more."""
    buffer = LineBuffer()

    assert buffer.feed(b"first\nsec") == [b"first"]
    assert buffer.feed(b"ond") == []
    assert (buffer.rest(), buffer.partial, buffer.rest()) == (b"second", False, b"")


class Counted(bytes):
    """A chunk that counts what is looked at, and what is copied to append it to other bytes."""

    looked_at = 0
    copied = 0

    def find(self, what: Any, start: Any = 0, end: Any = None) -> int:  # noqa: ANN401 - as bytes'
        """Count the bytes searched."""
        found = bytes(self).find(what, start, end)
        Counted.looked_at += (len(self) if found < 0 else found + 1) - start
        return found

    def __getitem__(self, what: Any) -> Any:  # noqa: ANN401 - as bytes'
        """Go on counting in what is cut out."""
        return Counted(bytes(self)[what])

    def __radd__(self, other: Any) -> bytes:  # noqa: ANN401 - whatever bytes may be added to
        """Count what is copied; a buffer grows in its place."""
        if isinstance(other, bytearray):
            return NotImplemented
        Counted.copied += len(other)
        return Counted(other + bytes(self))


@pytest.mark.fault("F30", "F94")
def test_fragments_are_joined_once() -> None:
    """A long line costs the same in many chunks: each byte is searched once, none copied twice."""
    Counted.looked_at = Counted.copied = 0
    buffer = LineBuffer()
    chunks = [Counted(b"x" * 100) for _ in range(1000)]

    for chunk in chunks:
        assert buffer.feed(chunk) == []
    frames = buffer.feed(Counted(b"\n"))

    assert frames == [b"x" * 100_000]
    assert Counted.looked_at == 100_001
    assert Counted.copied == 0


@pytest.mark.fault("F94")
def test_tiny_chunks_take_no_more_memory_than_large_ones() -> None:
    """A frame in the making costs its own size, not that of a list of fragments."""
    buffer = LineBuffer()
    chunk = b"xy"
    tracemalloc.start()
    try:
        for _ in range(50_000):
            buffer.feed(chunk)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held < 1.5 * 100_000


def test_frames_keep_no_chunk_alive() -> None:
    """A frame of some bytes does not hold the read of 64 KiB that it came in."""
    buffer = LineBuffer()
    chunks = [b'{"small":1}\n' + b"x" * 65536, b"y" * 65536, b"z\n{}\n"]
    before = [sys.getrefcount(chunk) for chunk in chunks]

    frames = [frame for chunk in chunks for frame in buffer.feed(chunk)]

    assert [len(frame) for frame in frames] == [11, 2 * 65536 + 1, 2]
    assert [sys.getrefcount(chunk) for chunk in chunks] == before

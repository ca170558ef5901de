"""Just enough HTTP/1.1 to see where a message begins and ends while its bytes pass unchanged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from typing_extensions import override

HEAD_LIMIT: Final = 65536
HEAD_END: Final = b"\r\n\r\n"


class MalformedError(ValueError):
    """What came is not HTTP/1.1 as this file knows it."""


@dataclass(frozen=True)
class Head:
    """A request line or status line in three words, and the header fields, names lower-case."""

    words: tuple[str, str, str]
    headers: Mapping[str, str]


class Body(Protocol):
    """Knows where a body ends."""

    def feed(self, data: bytes) -> int:
        """Return how many of these next bytes belong to the body."""
        ...

    @property
    def done(self) -> bool:
        """Whether all of the body has been fed."""
        ...


class SizedBody(Body):
    """A body of a known number of bytes, 0 included."""

    def __init__(self, size: int) -> None:
        self._left = size

    @property
    @override
    def done(self) -> bool:
        return self._left == 0

    @override
    def feed(self, data: bytes) -> int:
        taken = min(self._left, len(data))
        self._left -= taken
        return taken


class EndlessBody(Body):
    """A body that ends with its connection."""

    @property
    @override
    def done(self) -> bool:
        return False

    @override
    def feed(self, data: bytes) -> int:
        return len(data)


class ChunkedBody(Body):
    """A body in chunks; keeps nothing of it but the framing line that is still incomplete."""

    def __init__(self) -> None:
        self._done = False
        self._line = b""
        self._left = 0  # of the chunk's data and the CRLF after it
        self._last = False  # the chunk of size 0 was seen: what follows are trailers

    @property
    @override
    def done(self) -> bool:
        return self._done

    @override
    def feed(self, data: bytes) -> int:
        at = 0
        while at < len(data) and not self._done:
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
            else:
                end = data.find(b"\n", at)
                end = len(data) if end < 0 else end + 1
                self._line += data[at:end]
                at = end
                self._take_line()
        return at

    def _take_line(self) -> None:
        if not self._line.endswith(b"\n"):
            if len(self._line) > HEAD_LIMIT:
                raise MalformedError("an endless line in a chunked body")
            return

        line, self._line = self._line.strip(), b""
        if self._last:
            self._done = not line
        else:
            size = int(line.split(b";")[0], 16)
            self._last = size == 0
            self._left = size + 2 if size else 0


def parse_head(data: bytes) -> Head:
    """Parse a head up to and including its empty line.

    Raises:
        MalformedError: it is none.
    """
    first, *rest = data.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    words = f"{first} ".split(" ", 2)  # a status line may lack its reason
    fields = [line.split(":", 1) for line in rest]
    if len(words) != 3 or any(len(field) != 2 for field in fields):
        raise MalformedError("what came is no head of HTTP/1.1")
    headers = {name.strip().lower(): value.strip() for name, value in fields}
    return Head((words[0], words[1], words[2]), headers)


def unchunked(data: bytes) -> bytes:
    """Return what a complete chunked body contains."""
    content = bytearray()
    at = 0
    while size := int(data[at : data.index(b"\r\n", at)].split(b";")[0], 16):
        at = data.index(b"\r\n", at) + 2
        content += data[at : at + size]
        at += size + 2
    return bytes(content)


def request_body(head: Head) -> Body:
    """Return the framing of the body that follows a request's head."""
    if "chunked" in head.headers.get("transfer-encoding", ""):
        return ChunkedBody()
    return SizedBody(int(head.headers.get("content-length", "0")))


def response_body(head: Head, method: str) -> Body:
    """Return the framing of the body that follows the head of an answer to `method`."""
    status = int(head.words[1])
    if method == "HEAD" or status in {204, 304}:
        return SizedBody(0)
    if "chunked" in head.headers.get("transfer-encoding", ""):
        return ChunkedBody()
    if "content-length" in head.headers:
        return SizedBody(int(head.headers["content-length"]))
    return EndlessBody()

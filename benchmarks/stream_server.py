"""Serves pre-rendered watch events on loopback: plain sockets, nothing made while it sends.

Run with the number of events; prints its port, and lives until its standard input ends.
"""

import contextlib
import selectors
import socket
import sys
from typing import Final

import pods

_PATIENCE: Final = 60.0
"""Seconds that a reader may take for one slice, or for its request."""

_SLICE: Final = 1 << 20
_WATCH: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
)
_NOTHING: Final = (
    b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"%d"},"items":[]}'
)
_LIST: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"


def rendered(count: int) -> bytes:
    """Give the body of a watch: one HTTP chunk per event, as the API server flushes them."""
    chunks = [b"%x\r\n%b\r\n" % (len(line), line) for line in pods.lines(count)]
    return b"".join([*chunks, b"0\r\n\r\n"])


def serve(listener: socket.socket, body: bytes) -> None:
    """Answer one connection after the other until standard input ends."""
    with selectors.DefaultSelector() as ready:
        ready.register(listener, selectors.EVENT_READ)
        ready.register(sys.stdin, selectors.EVENT_READ)
        while all(key.fileobj is listener for key, _ in ready.select()):
            connection, _ = listener.accept()
            # A reader that has seen enough hangs up in the middle.
            with connection, contextlib.suppress(OSError):
                connection.settimeout(_PATIENCE)
                _answer(connection, memoryview(body))


def _answer(connection: socket.socket, body: memoryview) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        read = connection.recv(65536)
        if not read:
            return
        head += read
    if b"watch=true" not in head.split(b"\r\n", 1)[0].lower():
        empty = _NOTHING % pods.FIRST_VERSION
        connection.sendall(_LIST % (len(empty), empty))
        return
    connection.sendall(_WATCH)
    for start in range(0, len(body), _SLICE):
        connection.sendall(body[start : start + _SLICE])


def main() -> None:
    """Render, then serve."""
    body = rendered(int(sys.argv[1]))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        serve(listener, body)


if __name__ == "__main__":
    main()

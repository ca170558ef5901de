"""Serves a pre-rendered list and watch of pods on loopback; README.md here says what is served."""

import argparse
import contextlib
import json
import selectors
import socket
import ssl
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pods
import rendering

_PATIENCE: Final = 130.0
"""Seconds that a reader may take for one slice: longer than a program may run."""

_SLICE: Final = 1 << 20
_HEAD: Final = b"HTTP/1.1 %b\r\nContent-Type: %b\r\n%b\r\n\r\n"
_CHUNKED: Final = b"Transfer-Encoding: chunked"
_VERBS: Final = ["get", "list", "watch"]
_PODS: Final = {"name": "pods", "singularName": "pod", "kind": "Pod", "namespaced": True}
_NAMESPACES: Final = {"name": "namespaces", "singularName": "namespace", "kind": "Namespace"}
_CORE: Final = [{"verbs": _VERBS, **_PODS}, {"verbs": _VERBS, "namespaced": False, **_NAMESPACES}]
_DISCOVERY: Final[dict[str, object]] = {
    "/version": {"major": "1", "minor": "35", "gitVersion": "v1.35.0"},  # all peers know this one
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": _CORE},
}


@dataclass
class Stage:
    """What is served on one port, and whether the events behind the list may be sent yet."""

    objects: int
    events: int
    whole: rendering.Rendering
    metadata: rendering.Rendering
    protobuf: rendering.Rendering | None
    hold: float
    go: threading.Event = field(default_factory=threading.Event)

    def rendering(self, accept: str) -> rendering.Rendering:
        """Choose what is asked for."""
        if "as=PartialObjectMetadata" in accept:
            return self.metadata
        if self.protobuf is not None and accept.startswith(self.protobuf.list_type):
            return self.protobuf
        return self.whole


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    query: dict[str, str]
    accept: str


def converse(connection: socket.socket, stage: Stage) -> None:
    """Answer one request after the other, until the reader hangs up, perhaps in the middle."""
    with connection, contextlib.suppress(OSError):
        connection.settimeout(_PATIENCE)
        for request in _requests(connection):
            _answer(connection, request, stage)


def _requests(connection: socket.socket) -> Iterator[_Request]:
    stream = connection.makefile("rb")
    while first := stream.readline():
        method, target, _ = first.decode().split(" ", 2)
        headers: dict[str, str] = {}
        while line := stream.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        stream.read(int(headers.get("content-length", "0")))
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        yield _Request(method, parts.path, query, headers.get("accept", ""))


def _answer(connection: socket.socket, request: _Request, stage: Stage) -> None:
    if request.path == "/go":
        stage.go.set()
        _send(connection, b"200 OK", "text/plain", [])
    elif request.path.endswith("/pods") and request.query.get("watch", "").lower() in {"true", "1"}:
        _watch(connection, request, stage)
    elif request.path.endswith("/pods"):
        chosen = stage.rendering(request.accept)
        start = int(request.query.get("continue", "0"))
        page = chosen.page(start, int(request.query.get("limit", "0")))
        _send(connection, b"200 OK", chosen.list_type, page)
    elif (found := _DISCOVERY.get(request.path.rstrip("/"))) is not None:
        _send(connection, b"200 OK", "application/json", [json.dumps(found).encode()])
    else:
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
        said = json.dumps({**status, "reason": "NotFound", "code": 404}).encode()
        _send(connection, b"404 Not Found", "application/json", [said])


def _send(
    connection: socket.socket, status: bytes, kind: str, parts: Sequence[bytes | memoryview]
) -> None:
    length = b"Content-Length: %d" % sum(map(len, parts))
    connection.sendall(_HEAD % (status, kind.encode(), length))
    for each in parts:
        _pour(connection, memoryview(each))


def _watch(connection: socket.socket, request: _Request, stage: Stage) -> None:
    chosen, objects = stage.rendering(request.accept), stage.objects
    connection.sendall(_HEAD % (b"200 OK", chosen.watch_type.encode(), _CHUNKED))
    asked = request.query.get("resourceVersion", "0")
    seen = max(0, int(asked or "0") - pods.FIRST_VERSION)
    wants_initial = request.query.get("sendInitialEvents", "").lower() in {"true", "1"}
    if wants_initial:
        _pour(connection, chosen.frames(0, objects + 1))
    elif seen < objects:
        _pour(connection, chosen.frames(seen, objects))
    if stage.hold:
        stage.go.wait(stage.hold)
    begin = objects if wants_initial else max(seen, objects)
    _pour(connection, chosen.frames(1 + begin, 1 + objects + stage.events))
    connection.settimeout(None)
    connection.recv(1)  # in silence, until the reader goes


def _pour(connection: socket.socket, whole: memoryview) -> None:
    for part in rendering.part(whole, _SLICE):
        connection.sendall(part)


def serve(stage: Stage, security: ssl.SSLContext | None) -> bool:
    """Print a port and answer on it; True when a line on standard input asks to begin anew."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=1024) as listener,
        selectors.DefaultSelector() as ready,
    ):
        print(listener.getsockname()[1], flush=True)
        ready.register(listener, selectors.EVENT_READ)
        ready.register(sys.stdin, selectors.EVENT_READ)
        while all(key.fileobj is listener for key, _ in ready.select()):
            connection, _ = listener.accept()
            arguments = (connection, stage, security)
            threading.Thread(target=_welcome, args=arguments, daemon=True).start()
    return bool(sys.stdin.readline())


def _welcome(connection: socket.socket, stage: Stage, security: ssl.SSLContext | None) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if security is not None:
        with contextlib.suppress(OSError):
            converse(security.wrap_socket(connection, server_side=True), stage)
        return
    converse(connection, stage)


@dataclass
class _Options:
    objects: int
    events: int
    hold: float
    protobuf: Path | None
    tls: list[Path] | None


def _options() -> _Options:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--objects", type=int, required=True)
    parser.add_argument("--events", type=int, required=True, help="that are measured")
    parser.add_argument("--hold", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--protobuf", type=Path, metavar="FILE")
    parser.add_argument("--tls", type=Path, nargs=2, metavar=("CERTIFICATE", "KEY"))
    return _Options(**vars(parser.parse_args()))


def main() -> None:
    """Render, then serve until standard input ends."""
    options = _options()
    security = None
    if options.tls is not None:
        security = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        security.load_cert_chain(*options.tls)
    objects, events = options.objects, rendering.of_watch(options.events)
    protobuf = None
    if options.protobuf is not None:
        protobuf = rendering.Protobuf(options.protobuf)
        if (protobuf.objects, protobuf.events) != (objects, events):
            raise SystemExit(f"{options.protobuf} is of another size")
    whole = rendering.Json(objects, events, metadata=False)
    metadata = rendering.Json(objects, events, metadata=True)
    while serve(Stage(objects, events, whole, metadata, protobuf, options.hold), security):
        pass


if __name__ == "__main__":
    main()

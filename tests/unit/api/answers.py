"""What servers were recorded saying of calls, and calls to say it to, the transport between."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from kubernetes_asyncio.client import ApiClient, CoreV1Api

from tests.unit.api.wire import End, Step, WireServer, client_of, head, whole
from watchkit import Backoff, RetryingTransport, RetryPolicy

POLICY = RetryPolicy(attempts=3, backoff=Backoff(initial=0.001))
OBJECT = {"kind": "ConfigMap", "metadata": {"name": "one", "resourceVersion": "7"}}
DONE = whole(json.dumps(OBJECT).encode())
VERSIONED: Any = {"metadata": {"name": "one", "resourceVersion": "7"}, "data": {"ä": "1"}}
PLAIN: Any = {"metadata": {"name": "one"}, "data": {"b": "2", "a": "1"}}
ORDERED: Any = {"preconditions": {"uid": "u"}}


def said(message: str, code: int = 500, **more: object) -> bytes:
    """Make a Status as a real server was recorded writing it: often without a reason."""
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return json.dumps({**status, "message": message, **more, "code": code}).encode() + b"\n"


def text(body: str, status: int, *lines: str) -> bytes:
    """Make an answer in text/plain."""
    length = f"Content-Length: {len(body)}"
    plain = "Content-Type: text/plain; charset=utf-8"
    return head(status, plain, length, *lines) + body.encode()


@asynccontextmanager
async def wrapped(
    *answers: Sequence[Step], policy: RetryPolicy = POLICY
) -> AsyncIterator[tuple[WireServer, ApiClient]]:
    """Open a server of these answers, and a client with the transport over its own."""
    async with WireServer(answers) as server, client_of(server.url) as client:
        client.rest_client = RetryingTransport(client.rest_client, policy)
        yield server, client


def transport_of(client: ApiClient) -> RetryingTransport:
    """Give the transport of a client that has one."""
    assert isinstance(client.rest_client, RetryingTransport)
    return client.rest_client


async def ask(client: ApiClient, what: str) -> None:
    """Make one of the generated calls: "read", "create", "replace guarded" and so on."""
    v1 = CoreV1Api(client)
    one = ("one", "default")
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "read": lambda: v1.read_namespaced_config_map(*one),
        "create": lambda: v1.create_namespaced_config_map("default", PLAIN),
        "patch": lambda: v1.patch_namespaced_config_map(*one, {"data": {"c": "3"}}),
        "replace": lambda: v1.replace_namespaced_config_map(*one, PLAIN),
        "replace guarded": lambda: v1.replace_namespaced_config_map(*one, VERSIONED),
        "delete": lambda: v1.delete_namespaced_config_map(*one),
        "delete guarded": lambda: v1.delete_namespaced_config_map(*one, body=ORDERED),
    }
    await calls[what]()


SAFE = ("read", "replace guarded", "delete guarded")
UNSAFE = ("create", "patch", "replace", "delete")

PASSES = {
    "timed out": whole(said("etcdserver: request timed out"), 500),
    "failed leader": whole(
        said("etcdserver: request timed out, possibly due to previous leader failure"), 500
    ),
    "lost": whole(said("etcdserver: request timed out, possibly due to connection lost"), 500),
    "unavailable": whole(
        said("rpc error: code = Unavailable desc = keepalive ping failed to receive ACK"), 500
    ),
    "etcd is busy": whole(said("etcdserver: too many requests"), 500),
    "text": text("rpc error: code = Unavailable desc = transport is closing\n", 500),
    "headers of etcd": whole(
        said("rpc error: code = Unknown desc = malformed header: missing HTTP content-type"), 500
    ),
    "any code": whole(said("etcdserver: request timed out", 400), 400),
    "504": whole(
        said(
            "Timeout: request did not complete within requested timeout",
            504,
            reason="Timeout",
            details={},
        ),
        504,
    ),
    "bare 504": text(
        '{"metadata":{},"status":"Failure","message":"Timeout: request did not complete within '
        'the allotted timeout","reason":"Timeout","details":{},"code":504}',
        504,
    ),
    "html": head(502, "Content-Type: text/html", "Content-Length: 13") + b"<h1>502</h1>\n",
    "empty": head(503, "Content-Length: 0"),
    "paths": whole(said("the request has been made before all known HTTP paths", 503), 503),
}
"""What passes, and leaves open whether it was done."""

NOT_DONE = {
    "leader": whole(said("etcdserver: leader changed"), 500),
    "leader, with a reason": whole(said("etcdserver: leader changed", reason="InternalError"), 500),
    "leader, text": text("etcdserver: leader changed\n", 500),
    "leader, rpc": whole(
        said("rpc error: code = Unavailable desc = etcdserver: leader changed"), 500
    ),
    "dropped": whole(said("rpc error: code = Unknown desc = raft proposal dropped"), 500),
    "dropped, text": text("rpc error: code = Unknown desc = raft proposal dropped", 500),
    "any code": whole(said("etcdserver: leader changed", 422), 422),
    "429, text": text("Too many requests, please try again later.\n", 429),
    "429": whole(
        said(
            "storage is (re)initializing",
            429,
            reason="TooManyRequests",
        ),
        429,
    ),
    "429 by its reason": whole(said("slowly", 403, reason="TooManyRequests"), 429),
    "503 with a time": whole(said("closed", 503), 503, "Retry-After: 0"),
}
"""What is said only where nothing was done."""

FAULTS: dict[str, list[Step]] = {
    "reset": [End.RESET],
    "closed": [End.CLOSE],
    "malformed": [b"HTTP/1.1 200 OK\r\nno header\r\n\r\n", End.CLOSE],
    "no HTTP": [b"SSH-2.0-OpenSSH\r\n\r\n", End.CLOSE],
    "broken off": [head(200, "Content-Length: 99"), b"{", End.CLOSE],
}
"""No answer, after the request was sent."""

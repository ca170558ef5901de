"""One HTTP/1.1 request on a connection of its own, which is gone at once when it is over.

Clients with a pool take their time to say goodbye over TLS, up to 30 s to a server that is
stopped; a test that stops servers leaves such connections behind, and fails for it.
"""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import anyio
from anyio.abc import ByteStream

from .http1 import HEAD_END, Body, Head, parse_head, response_body, unchunked
from .json_object import JsonObject

_BLOCK: Final = 65536


@dataclass(frozen=True)
class Reply:
    """An answer: its status, headers (names in lower case), the body, and that decoded if JSON."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    json: JsonObject | None


async def connect(url: str, tls: ssl.SSLContext | None) -> ByteStream:
    """Open a connection to the server of a URL; `tls` is for https.

    Raises:
        ConnectionRefusedError: there is none.
        ConnectionError: it hung up during the TLS handshake.
    """
    server = urlsplit(url)
    if server.hostname is None or server.port is None:
        raise ValueError(f"{url} lacks a host or a port")
    try:
        if server.scheme == "http":
            return await anyio.connect_tcp(server.hostname, server.port)
        return await anyio.connect_tcp(
            server.hostname,
            server.port,
            ssl_context=tls,
            tls=True,
            tls_standard_compatible=False,  # a killed server says no goodbye
        )
    except (anyio.BrokenResourceError, anyio.EndOfStream) as error:
        raise ConnectionResetError(f"{url} hung up during the TLS handshake") from error
    except ConnectionError:
        raise
    except OSError as error:
        raise ConnectionRefusedError(f"{url} cannot be reached: {error}") from error


async def exchange(
    method: str,
    url: str,
    body: JsonObject | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Reply:
    """Send one request with a JSON body, if any, and return the answer to it.

    Raises:
        ConnectionError: there was no answer, or half of one.
    """
    content = b"" if body is None else json.dumps(body).encode()
    request = _head(method, url, headers or {}, len(content)) + content
    stream = await connect(url, tls)
    try:
        await stream.send(request)
        return await _reply(stream, method)
    except anyio.EndOfStream as error:
        raise ConnectionAbortedError(f"{method} {url}: the server hung up") from error
    except anyio.BrokenResourceError as error:
        raise ConnectionResetError(f"{method} {url}: the connection broke") from error
    finally:
        await anyio.aclose_forcefully(stream)


def _head(method: str, url: str, headers: Mapping[str, str], length: int) -> bytes:
    server = urlsplit(url)
    target = server.path + (f"?{server.query}" if server.query else "")
    fields = {
        "Host": server.netloc,
        "Connection": "close",
        "Content-Length": str(length),
        **headers,
    }
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def _reply(stream: ByteStream, method: str) -> Reply:
    data = b""
    while HEAD_END not in data:
        data += await stream.receive(_BLOCK)
    end = data.index(HEAD_END) + len(HEAD_END)
    head = parse_head(data[:end])
    framing = response_body(head, method)
    body = await _body(stream, framing, data[end:])
    if "chunked" in head.headers.get("transfer-encoding", ""):
        body = unchunked(body)
    return Reply(int(head.words[1]), head.headers, body, _decoded(head, body))


async def _body(stream: ByteStream, framing: Body, data: bytes) -> bytes:
    parts = [data[: framing.feed(data)]]
    while not framing.done:
        data = await stream.receive(_BLOCK)
        parts.append(data[: framing.feed(data)])
    return b"".join(parts)


def _decoded(head: Head, body: bytes) -> JsonObject | None:
    if head.headers.get("content-type", "").split(";")[0] != "application/json":
        return None
    decoded: JsonObject = json.loads(body)
    return decoded

"""The floors: what the bytes cost that every peer has to read, before any of it is looked at.

Modes: `raw` receives from a socket and counts line ends; `split` reads with aiohttp, as
kubernetes_asyncio sets it up, and splits at newlines.
"""

import asyncio
import socket
from urllib.parse import urlsplit

from kubernetes_asyncio.client import ApiClient, Configuration
from meter import Meter, done, options

_QUERY = "watch=true&resourceVersion=0"
_BUFFER = 256 << 10
_ENDS = 3
"""Line ends of one event: the chunk's length, the event's, the chunk's."""


def raw(meter: Meter) -> None:
    """Count what comes, by its line ends; nothing is cached."""
    parts = urlsplit(meter.options.server)
    told, ends, buffer = 0, 0, bytearray(_BUFFER)
    handle = meter.handler(lambda _: True)
    meter.start(lambda: meter.options.objects)
    with socket.create_connection((parts.hostname or "", parts.port or 80)) as stream:
        stream.sendall(f"GET /api/v1/pods?{_QUERY} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += stream.recv(1)  # so that nothing behind it is taken
        while not meter.is_over:
            ends += buffer.count(b"\n", 0, stream.recv_into(buffer))
            for _ in range(ends // _ENDS - told):
                handle(None)
            told = ends // _ENDS


async def split(meter: Meter) -> None:
    """Split what aiohttp reads into lines; nothing is cached."""
    handle = meter.handler(lambda _: True)
    async with ApiClient(Configuration(host=meter.options.server)) as api:
        session = api.rest_client.pool_manager
        meter.start(lambda: meter.options.objects)
        rest = b""
        async with session.get(f"{meter.options.server}/api/v1/pods?{_QUERY}") as response:
            async for chunk in response.content.iter_any():
                lines = chunk.split(b"\n")
                lines[0] = rest + lines[0]
                rest = lines.pop()
                for line in lines:
                    handle(line)
                if meter.is_over:
                    return


def main() -> None:
    """Run one of them."""
    meter = Meter(options("raw", "split"))
    if meter.options.mode == "raw":
        raw(meter)
        meter.report()
    else:
        asyncio.run(split(meter))
        meter.report("aiohttp")
    done()


if __name__ == "__main__":
    main()

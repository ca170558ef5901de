"""One point of a curve, measured in a process of its own: prints what it cost, as JSON.

Run with what to measure, the server's ports and what to measure it with, each as JSON.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import structlog
from kubernetes_asyncio.client import ApiClient, Configuration

from benchmarks.growth import informers, watchers
from benchmarks.growth.control import Control
from benchmarks.growth.probes import Watched

_PATIENCE: Final = 240.0
"""Seconds after which it ends unfinished."""

_AUTHORITY: Final = Path(__file__).parents[2] / "src" / "watchkit" / "testing" / "authority.pem"

MEASURES: Final[dict[str, Callable[..., Awaitable[dict[str, float]]]]] = {
    "informer": informers.flow,
    "relist": informers.relist,
    "watches": watchers.watches,
    "storm": watchers.storm,
}


@asynccontextmanager
async def _client(ports: dict[str, int], *, tls: bool) -> AsyncIterator[ApiClient]:
    scheme, port = ("https", ports["tls"]) if tls else ("http", ports["plain"])
    settings = Configuration(host=f"{scheme}://127.0.0.1:{port}")
    settings.ssl_ca_cert = str(_AUTHORITY) if tls else None
    settings.connection_pool_maxsize = 0
    async with ApiClient(settings) as api:
        yield api


async def _main(what: str, ports: dict[str, int], given: dict[str, Any]) -> None:
    async with (
        asyncio.timeout(_PATIENCE),
        Control.of(ports["control"]) as control,
        _client(ports, tls=given.pop("tls", False)) as api,
    ):
        print(json.dumps(await MEASURES[what](api, control, first=ports["first"], **given)))


def _loop(*, is_uv: bool) -> Callable[[], asyncio.AbstractEventLoop]:
    if is_uv:
        import uvloop  # noqa: PLC0415 - an extra, which only these points need

        return uvloop.new_event_loop
    return Watched


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("warning"))
    name, *texts = sys.argv[1:]
    at, options = map(json.loads, texts)
    with asyncio.Runner(loop_factory=_loop(is_uv=options.pop("uvloop", False))) as runner:
        runner.run(_main(name, at, options))

"""What is done to an API server, or on the way to it, while informers watch through proxies."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import anyio

from .harness import ControlPlane, RecordingProxy, watches

UNCACHED = "pods#0"
"""As `watch_cache_sizes`: the server watches etcd itself, and a compaction shows at once."""

Act: TypeAlias = Callable[[ControlPlane, Sequence[RecordingProxy]], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Trouble:
    """Something that happens, by a name to print."""

    name: str
    act: Act


async def _nothing(plane: ControlPlane, proxies: Sequence[RecordingProxy]) -> None:
    """Let things be."""


async def _cut(plane: ControlPlane, proxies: Sequence[RecordingProxy]) -> None:
    """Reset all connections."""
    await anyio.sleep(0.2)
    for proxy in proxies:
        proxy.cut()


async def _answered(status: int, plane: ControlPlane, proxies: Sequence[RecordingProxy]) -> None:
    """Reset all connections, and answer the next two watches with an error."""
    await anyio.sleep(0.2)
    for proxy in proxies:
        headers = {"Retry-After": "1"} if status == 429 else {}
        proxy.fail_next(status, headers=headers, matching=watches, times=2)
        proxy.cut()


async def _compacted(plane: ControlPlane, proxies: Sequence[RecordingProxy]) -> None:
    """Cut the watches, and let what they missed be compacted before they come back."""
    await anyio.sleep(0.2)
    for proxy in proxies:
        proxy.refuse()
        proxy.cut()
    await anyio.sleep(1)
    await plane.compact()
    for proxy in proxies:
        proxy.accept()


async def _expired(plane: ControlPlane, proxies: Sequence[RecordingProxy]) -> None:
    """Cut the watches off, and restart the API server before they come back.

    Its watch cache then begins after what they missed, and there is none before it.
    """
    for proxy in proxies:
        proxy.refuse()
        proxy.cut()
    await anyio.sleep(0.5)
    await _restarted(ControlPlane.kill, plane, proxies)


async def _restarted(
    end: Callable[[ControlPlane, str], None],
    plane: ControlPlane,
    proxies: Sequence[RecordingProxy],
    **flags: str | None,
) -> None:
    """End the API server and start it again.

    The proxies refuse connections for as long as the server would itself.
    """
    await anyio.sleep(0.3)
    for proxy in proxies:
        proxy.refuse()
    end(plane, "apiserver")
    await plane.exited("apiserver")
    async with anyio.create_task_group() as group:
        group.start_soon(partial(plane.restart_apiserver, **flags))
        await _listening(plane)
        for proxy in proxies:
            proxy.accept()


async def _listening(plane: ControlPlane) -> None:
    """Wait until the API server takes connections, which is before it is ready."""
    server = urlsplit(plane.url)
    while True:
        try:
            stream = await anyio.connect_tcp(str(server.hostname), int(server.port or 0))
        except OSError:
            await anyio.sleep(0.02)
        else:
            await stream.aclose()
            return


NOTHING = Trouble("nothing", _nothing)
CUT = Trouble("connections reset", _cut)
THROTTLED = Trouble("429 on the watch, twice", partial(_answered, 429))
UNAVAILABLE = Trouble("503 on the watch, twice", partial(_answered, 503))
COMPACTED = Trouble("etcd compacted", _compacted)
KILLED = Trouble("apiserver killed", partial(_restarted, ControlPlane.kill))
TERMINATED = Trouble("apiserver terminated", partial(_restarted, ControlPlane.terminate))
EXPIRED = Trouble("cut off while the apiserver restarts", _expired)
LOSING_ITS_CACHE = Trouble(
    "apiserver killed, back without a watch cache",
    partial(_restarted, ControlPlane.kill, watch_cache_sizes=UNCACHED),
)

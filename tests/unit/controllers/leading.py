"""What the tests of elections stand on: candidates for one Lease, and work to do under it."""

from collections.abc import Callable, Coroutine
from typing import Any

import anyio

from tests.unit.controllers.in_memory import LEASES, Asked, InMemory
from watchkit.controllers import FencingToken, LeaderElector, fencing_token

Main = Callable[[], Coroutine[Any, Any, object]]


def elector(api: InMemory, identity: str, **settings: float) -> LeaderElector:
    """Make a candidate for shop/web."""
    return LeaderElector(api, "web", namespace="shop", identity=identity, **settings)


def lease(api: InMemory) -> dict[str, Any]:
    """Give the Lease's spec."""
    spec: dict[str, Any] = api.cluster.get(LEASES, "leases", "shop/web")["spec"]
    return spec


def held_by(holder: str, **more: object) -> dict[str, Any]:
    """Make a Lease as client-go writes it."""
    spec = {
        "holderIdentity": holder,
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-01-01T00:00:00.000000Z",
        "renewTime": "2026-01-01T00:00:00.000000Z",
        "leaseTransitions": 3,
        **more,
    }
    metadata = {"name": "web", "namespace": "shop", "labels": {"app": "web"}}
    return {"apiVersion": LEASES, "kind": "Lease", "metadata": metadata, "spec": spec}


def writes(asked: Asked) -> bool:
    """Whether a request would change something."""
    return asked.method != "GET"


class Work:
    """What runs under the lease: notes when it began and when it had ended."""

    def __init__(self, ends: Main = anyio.sleep_forever, unwinds: float = 0.0) -> None:
        self.began: list[float] = []
        self.ended: list[float] = []
        self.tokens: list[FencingToken | None] = []
        self._ends = ends
        self._unwinds = unwinds

    async def __call__(self) -> object:
        """Be the main()."""
        self.began.append(anyio.current_time())
        self.tokens.append(fencing_token())
        try:
            return await self._ends()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(self._unwinds)
            self.ended.append(anyio.current_time())


async def seconds(count: float) -> str:
    """Work for a while."""
    await anyio.sleep(count)
    return "done"


async def fails() -> None:
    """Work, and fail at it."""
    await anyio.sleep(3)
    raise KeyError("mine")


async def gather(*mains: Main) -> None:
    """Work at several things."""
    async with anyio.create_task_group() as group:
        for main in mains:
            group.start_soon(main)

"""The pods that informers are held to: made, changed and deleted, many at a time."""

import random
from collections.abc import Awaitable, Callable, Iterable
from itertools import count, takewhile
from typing import Final, cast

import anyio
from kubernetes_asyncio.client import ApiClient, CoreV1Api, V1Pod

from .harness import Cluster
from .told import Held

WRITERS: Final = 16
PAGE: Final = 2000  # so that no answer is too large for the patience of the harness


class Churn:
    """Writes to pods, any number at a time, reproducibly."""

    def __init__(self, api: ApiClient, pods: int) -> None:
        self._core = CoreV1Api(api)
        self._pods = pods
        self._random = random.Random(7)  # noqa: S311 - no secret

    async def populate(self) -> None:
        """Create all the pods."""
        await in_parallel(self._create, range(self._pods))

    async def write(self, times: int, until: anyio.Event) -> None:
        """Change a pod, delete it, or delete and create it, so often at least, and `until` then."""
        wanted = takewhile(lambda number: number < times or not until.is_set(), count())
        await in_parallel(self._write, wanted)

    async def end(self, number: int) -> None:
        """Write once more, nobody beside: who has seen this is watching, and has seen it all."""
        await in_parallel(self._end, range(number, number + 1))

    async def _create(self, number: int) -> None:
        await self._core.create_namespaced_pod("default", pod(number))

    async def _end(self, number: int) -> None:
        await self._core.create_namespaced_pod("default", pod(self._pods + number))

    async def _write(self, number: int) -> None:
        name, what = f"p{self._random.randrange(self._pods)}", self._random.random()
        if what < 0.7:
            patch = {"metadata": {"annotations": {"n": str(number)}}}
            await self._core.patch_namespaced_pod(name, "default", patch)
        else:
            await self._core.delete_namespaced_pod(name, "default", grace_period_seconds=0)
            if what > 0.8:
                await self._core.create_namespaced_pod("default", pod(int(name[1:])))


def pod(number: int) -> V1Pod:
    """A pod that no node will ever take."""
    containers = [{"name": "main", "image": "none", "env": [{"name": "N", "value": str(number)}]}]
    labels = {"app": "web", "shard": str(number % 10)}
    metadata = {"name": f"p{number}", "labels": labels}
    return cast("V1Pod", {"metadata": metadata, "spec": {"containers": containers}})


async def in_parallel(work: Callable[[int], Awaitable[object]], numbers: Iterable[int]) -> None:
    """Do `work(n)` for each number, a few at a time, each until it succeeds."""
    left = iter(numbers)

    async def worker() -> None:
        for number in left:
            while True:
                try:
                    await work(number)
                except Exception as error:  # noqa: BLE001 - the server is being restarted
                    if getattr(error, "status", 0) in {404, 409}:
                        break
                    await anyio.sleep(0.1)
                else:
                    break

    async with anyio.create_task_group() as workers:
        for _ in range(WRITERS):
            workers.start_soon(worker)


async def listed(cluster: Cluster, plural: str = "pods") -> Held:
    """What the server lists: uid and version by key."""
    held: Held = {}
    query = {"limit": str(PAGE)}
    while True:
        answer = await cluster.call("GET", f"/api/v1/namespaces/default/{plural}", query=query)
        metas = [item["metadata"] for item in answer["items"]]
        held |= {f"default/{m['name']}": (m["uid"], m["resourceVersion"]) for m in metas}
        token = answer["metadata"].get("continue")
        if not token:
            return held
        query["continue"] = token

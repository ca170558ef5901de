"""What the tests on a real server watch, and how they follow it: ConfigMaps that come and go."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
from kubernetes_asyncio.client import ApiClient

from watchkit import Added, Backoff, Deleted, Event, ListWatch, Modified, RetryWatcher

from .harness import Cluster, JsonObject

QUICK = Backoff(initial=0.05, cap=0.5)
"""A back-off for tests: the default's shape, without its patience."""

PATIENCE = 120.0  # seconds for what takes a healthy watcher one: the machine may be busy


class Population:
    """The ConfigMaps of one namespace, written past watchkit by the harness."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.path = f"/api/v1/namespaces/{namespace}/configmaps"

    async def create(self, name: str, *, labels: dict[str, str] | None = None) -> JsonObject:
        """Create one, and return it."""
        metadata = {"name": name, "labels": labels or {"app": "web"}}
        return await self.cluster.call(
            "POST", self.path, {"metadata": metadata, "data": {"n": "0"}}
        )

    async def change(self, name: str, value: str) -> JsonObject:
        """Change one, and return it."""
        return await self.cluster.call(
            "PATCH",
            f"{self.path}/{name}",
            {"data": {"n": value}},
            content_type="application/merge-patch+json",
        )

    async def delete(self, name: str) -> None:
        """Delete one."""
        await self.cluster.call("DELETE", f"{self.path}/{name}")

    async def listed(self) -> tuple[str, dict[str, tuple[str, str]]]:
        """Return the version of a list, and the uid and version of each one by name."""
        answer = await self.cluster.call("GET", self.path)
        metas = [item["metadata"] for item in answer["items"]]
        held = {meta["name"]: (meta["uid"], meta["resourceVersion"]) for meta in metas}
        return answer["metadata"]["resourceVersion"], held


class Following:
    """The events that a watcher has yielded so far, collected by a task of the test's."""

    def __init__(self, watcher: RetryWatcher) -> None:
        self.watcher = watcher
        self.events: list[Event] = []

    async def run(self) -> None:
        """Collect until cancelled."""
        async for event in self.watcher.with_markers():
            self.events.append(event)

    async def until(
        self, holds: Callable[["Following"], bool], timeout: float = PATIENCE
    ) -> "Following":
        """Wait until `holds(self)`.

        Raises:
            TimeoutError: it did not within `timeout` seconds; the text has the events.
        """
        with anyio.move_on_after(timeout):
            while not holds(self):
                await anyio.sleep(0.02)
            return self
        raise TimeoutError(f"after {timeout} s: {self.watcher!r} {self.watcher.health} {self!r}")

    async def has_seen(self, name: str, timeout: float = PATIENCE) -> None:
        """Wait until an event about an object of that name has come."""
        await self.until(lambda self: name in self.names(), timeout)

    def names(self) -> list[str]:
        """The names of all events about objects, in their order."""
        return [
            event.name for event in self.events if isinstance(event, Added | Modified | Deleted)
        ]

    def told(self) -> list[tuple[str, str]]:
        """All events about objects as (type, name), in their order."""
        events = self.events
        return [(e.type, e.name) for e in events if isinstance(e, Added | Modified | Deleted)]

    def inferred(self) -> list[tuple[str, str]]:
        """Those of them that were inferred."""
        events = self.events
        return [
            (e.type, e.name)
            for e in events
            if isinstance(e, Added | Modified | Deleted) and e.inferred
        ]

    def __repr__(self) -> str:
        return f"<Following {self.events}>"


@asynccontextmanager
async def following(watcher: RetryWatcher) -> AsyncIterator[Following]:
    """Follow a watcher while the block runs."""
    async with watcher, anyio.create_task_group() as group:
        follower = Following(watcher)
        group.start_soon(follower.run)
        yield follower
        group.cancel_scope.cancel()


def configmaps(api: ApiClient, namespace: str) -> ListWatch:
    """The source of a namespace's ConfigMaps."""
    return ListWatch.for_resource(api, "v1", "configmaps", namespace=namespace)

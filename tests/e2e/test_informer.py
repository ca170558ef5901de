"""On a real server: an informer's cache is the server's list, whatever happened in between."""

import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio
import pytest
from kubernetes_asyncio.client import ApiClient, CoreV1Api, V1Pod

from watchkit import Change, HealthState, ListWatch, SharedInformer, strip_managed_fields
from watchkit.core.events import Added, Deleted, Updated

from .conftest import Launch
from .following import PATIENCE, QUICK, Population, configmaps
from .harness import Cluster, ControlPlane, RecordingProxy, client_for, watches

pytestmark = pytest.mark.anyio

PODS = 2000
WRITERS = 16
UNCACHED = "pods#0"  # the server then watches etcd itself, and compaction shows at once

Held = dict[str, tuple[str, str]]


class Told:
    """What a handler was told, applied to nothing; it refuses what contradicts itself."""

    def __init__(self) -> None:
        self.held: Held = {}
        self.updates = 0

    def change(self, change: Change[Any]) -> None:
        """Apply one change."""
        now = (change.uid, change.resource_version)
        match change:
            case Added():
                assert change.key not in self.held, f"a second {change}"
            case Updated(old):
                assert self.held[change.key] == (old.uid, old.resource_version)
                assert old.resource_version != change.resource_version, f"{change} of nothing new"
                self.updates += 1
            case Deleted():
                assert self.held.pop(change.key)[0] == change.uid
                return
        self.held[change.key] = now


def cached(informer: SharedInformer[Any]) -> Held:
    """What the informer holds: uid and version by key."""
    metas = {key: informer.store.meta(key) for key in informer.store}
    return {key: (m.uid, m.resource_version) for key, m in metas.items() if m is not None}


async def listed(cluster: Cluster, plural: str = "pods") -> Held:
    """What the server lists: uid and version by key."""
    answer = await cluster.call("GET", f"/api/v1/namespaces/default/{plural}")
    metas = [item["metadata"] for item in answer["items"]]
    return {f"default/{m['name']}": (m["uid"], m["resourceVersion"]) for m in metas}


async def converges(
    informer: SharedInformer[Any], told: Told, cluster: Cluster, plural: str = "pods"
) -> None:
    """Nobody writes: cache, handler and server have to be one soon."""
    expected = await listed(cluster, plural)
    with anyio.move_on_after(PATIENCE):
        while cached(informer) != expected or told.held != expected:
            await anyio.sleep(0.05)
    assert cached(informer) == expected
    assert told.held == expected


async def in_parallel(work: Callable[[int], Awaitable[object]], numbers: range) -> None:
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


def pod(number: int) -> V1Pod:
    """A pod that no node will ever take."""
    containers = [{"name": "main", "image": "none", "env": [{"name": "N", "value": str(number)}]}]
    labels = {"app": "web", "shard": str(number % 10)}
    metadata = {"name": f"p{number}", "labels": labels}
    return cast("V1Pod", {"metadata": metadata, "spec": {"containers": containers}})


class Churn:
    """Writes to pods, any number at a time, reproducibly."""

    def __init__(self, api: ApiClient) -> None:
        self._core = CoreV1Api(api)
        self._random = random.Random(7)  # noqa: S311 - no secret

    async def create(self, number: int) -> None:
        """Create a pod."""
        await self._core.create_namespaced_pod("default", pod(number))

    async def write(self, number: int) -> None:
        """Change a pod, delete it, or delete and create it."""
        name, what = f"p{self._random.randrange(PODS)}", self._random.random()
        if what < 0.7:
            patch = {"metadata": {"annotations": {"n": str(number)}}}
            await self._core.patch_namespaced_pod(name, "default", patch)
        else:
            await self._core.delete_namespaced_pod(name, "default", grace_period_seconds=0)
            if what > 0.8:
                await self._core.create_namespaced_pod("default", pod(int(name[1:])))


@pytest.mark.timeout(180)
async def test_two_thousand_pods_through_restart_compaction_and_throttling(
    private_control_plane: Launch,
) -> None:
    """Cache == handler == LIST at every quiesce; no update without a new version."""
    async with (
        private_control_plane(watch_cache_sizes=UNCACHED) as plane,
        client_for(plane.kubeconfig) as writer,
        RecordingProxy(plane) as proxy,
        client_for(proxy.kubeconfig) as reader,
    ):
        churn, told = Churn(writer), Told()
        await in_parallel(churn.create, range(PODS))
        source = ListWatch.for_resource(reader, "v1", "pods", namespace="default")
        informer = SharedInformer(source, transform=strip_managed_fields, backoff=QUICK)
        async with informer:
            informer.add_event_handler(on_change=told.change, on_error="fail")
            began = anyio.current_time()
            await informer.wait_for_sync(timeout=PATIENCE)
            print(f"{PODS} pods listed in {anyio.current_time() - began:.2f} s")
            for trouble in (nothing, restarted, compacted, throttled, restarted):
                async with anyio.create_task_group() as group:
                    group.start_soon(trouble, plane, proxy)
                    await in_parallel(churn.write, range(600))
                began = anyio.current_time()
                await converges(informer, told, plane)
                seconds = anyio.current_time() - began
                print(f"{trouble.__name__}: {len(told.held)} pods, converged in {seconds:.2f} s")
            assert informer.health.epoch == 0
            print(f"updates: {told.updates}, requests: {len(proxy.requests)}")


async def nothing(plane: ControlPlane, proxy: RecordingProxy) -> None:
    """Let things be."""


async def restarted(plane: ControlPlane, proxy: RecordingProxy) -> None:
    """Kill the API server, and start it again."""
    await anyio.sleep(0.3)
    plane.kill("apiserver")
    await plane.exited("apiserver")
    await plane.restart("apiserver")


async def compacted(plane: ControlPlane, proxy: RecordingProxy) -> None:
    """Cut the watch, and let what it missed be compacted before it comes back."""
    await anyio.sleep(0.2)
    proxy.refuse()
    proxy.cut()
    await anyio.sleep(1)
    await plane.compact()
    proxy.accept()


async def throttled(plane: ControlPlane, proxy: RecordingProxy) -> None:
    """Cut the watch, and answer the next ones with 429."""
    proxy.fail_next(429, headers={"Retry-After": "1"}, matching=watches, times=2)
    proxy.cut()


async def test_a_half_open_connection_is_noticed_within_the_bound(
    private_control_plane: Launch,
) -> None:
    """A proxy that stops forwarding without closing: a new connection, and STALE in time."""
    async with private_control_plane() as plane, RecordingProxy(plane) as proxy:
        population = Population(plane, "default")
        async with client_for(proxy.kubeconfig) as api:
            informer = SharedInformer(
                configmaps(api, "default"), {"timeout_seconds": 2}, backoff=QUICK, idle_timeout=4
            )
            async with informer:
                await informer.wait_for_sync(timeout=PATIENCE)
                proxy.freeze_open()
                await population.create("one")
                with anyio.fail_after(4 + 3):
                    while "default/one" not in informer.store:
                        await anyio.sleep(0.02)
                proxy.freeze()
                with anyio.fail_after(4 + 10 + 3):
                    while informer.health.state is not HealthState.STALE:
                        await anyio.sleep(0.02)
                assert not informer.is_live(4)
                proxy.thaw()
                await population.create("two")
                with anyio.fail_after(PATIENCE):
                    while "default/two" not in informer.store:
                        await anyio.sleep(0.02)


@pytest.mark.parametrize("is_busy", [False, True])
async def test_a_store_restored_from_a_copied_data_directory(
    private_control_plane: Launch, *, is_busy: bool
) -> None:
    """Quiet and busy: noticed, listed again, and nothing of the lost history is kept."""
    async with private_control_plane() as plane, client_for(plane.kubeconfig) as api:
        population = Population(plane, "default")
        for name in ("stays", "goes", "changes"):
            await population.create(name)
        async with backup(plane) as restore:
            informer, told = SharedInformer(configmaps(api, "default"), backoff=QUICK), Told()
            async with informer:
                informer.add_event_handler(on_change=told.change, on_error="fail")
                await informer.wait_for_sync(timeout=PATIENCE)
                await population.delete("goes")
                for number in range(20):
                    await population.change("changes", str(number))
                    await population.create(f"lost-{number}")
                await converges(informer, told, plane, "configmaps")
                await restore()
                async with anyio.create_task_group() as group:
                    if is_busy:
                        group.start_soon(write, population)
                with anyio.fail_after(PATIENCE):
                    while informer.health.epoch == 0:
                        await anyio.sleep(0.05)
                await converges(informer, told, plane, "configmaps")
                assert informer.health.epoch == 1
                assert "default/goes" in informer.store
                assert "default/lost-1" not in informer.store


async def write(population: Population) -> None:
    """Keep the restored store busy, with names that were lost and names that were not."""
    for number in range(10):
        await population.create(f"lost-{number + 5}")
        await population.change("stays", str(number))


@asynccontextmanager
async def backup(plane: ControlPlane) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Copy etcd's data as it is; lend what puts the copy in its place, both processes down."""
    (data,) = plane.directory.rglob("*.data")
    etcd = data.name.removesuffix(".data")
    copy = data.with_suffix(".copy")

    async def down() -> None:
        for name in ("apiserver", etcd):
            plane.kill(name)
            await plane.exited(name)

    async def up() -> None:
        await plane.restart(etcd)
        await plane.restart("apiserver")

    async def restore() -> None:
        await down()
        shutil.rmtree(data)
        shutil.copytree(copy, data)
        await up()

    await down()
    shutil.copytree(data, copy)
    await up()
    yield restore

"""On a real server: an informer's cache is the server's list, whatever happened in between."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from watchkit import HealthState, ListWatch, SharedInformer, strip_managed_fields

from .conftest import Launch
from .following import PATIENCE, QUICK, Population, configmaps
from .harness import Cluster, ControlPlane, RecordingProxy, client_for
from .informing import play
from .pods import Churn, listed
from .sides import Local
from .told import Told, cached
from .troubles import COMPACTED, KILLED, NOTHING, TERMINATED, THROTTLED, UNCACHED

pytestmark = pytest.mark.anyio

PODS = 2000
WRITES = 600  # for each trouble, at least


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
    assert not told.wrong


@pytest.mark.fault("F61")
@pytest.mark.timeout(900, func_only=True)
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
        churn = Churn(writer, PODS)
        await churn.populate()
        source = ListWatch.for_resource(reader, "v1", "pods", namespace="default")
        informer = SharedInformer(source, transform=strip_managed_fields, backoff=QUICK)
        side = Local("watchkit", proxy, informer)
        async with informer:
            troubles = (NOTHING, KILLED, COMPACTED, THROTTLED, TERMINATED)
            outcomes = await play(plane, [side], churn, troubles, writes=WRITES)
            assert informer.health.epoch == 0
    for outcome in outcomes:
        (toll,) = outcome.tolls
        print(f"{outcome.trouble}: {outcome.objects} pods, {toll}")
        assert toll.counts["duplicate"] == toll.counts["replaced"] == 0


@pytest.mark.fault("F20")
async def test_a_half_open_connection_is_noticed_within_the_bound(
    private_control_plane: Launch,
) -> None:
    """A proxy that stops forwarding without closing: a new connection, and then STALE."""
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
                with anyio.fail_after(PATIENCE):
                    while "default/one" not in informer.store:
                        await anyio.sleep(0.02)
                proxy.freeze()
                with anyio.fail_after(PATIENCE):
                    while informer.health.state is not HealthState.STALE:
                        await anyio.sleep(0.02)
                assert not informer.is_live(4)
                proxy.thaw()
                await population.create("two")
                with anyio.fail_after(PATIENCE):
                    while "default/two" not in informer.store:
                        await anyio.sleep(0.02)


@pytest.mark.fault("F52")
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

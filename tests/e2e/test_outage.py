"""On a real server: its processes killed, ended, frozen; nothing is lost, repeated or stuck."""

from contextlib import suppress

import anyio
import pytest

from watchkit import HealthState, RetryWatcher

from .conftest import Launch
from .following import PATIENCE, QUICK, Following, Population, configmaps, following
from .harness import RecordingProxy, client_for, watches

pytestmark = pytest.mark.anyio


def assert_each_once(followed: Following, count: int) -> None:
    """Every creation came once, in order.

    Some may be inferred: a server that has just begun knows no version of before, and what was
    created before the watcher was back is then found by a list.
    """
    assert followed.told() == [("ADDED", f"one-{number}") for number in range(count)]


@pytest.mark.fault("F61")
@pytest.mark.parametrize("how", ["kill", "terminate"])
async def test_the_api_server_dies_under_a_watch(private_control_plane: Launch, how: str) -> None:
    """SIGKILL and SIGTERM in the middle of a watch: each event once, three times over."""
    async with private_control_plane() as plane:
        population = Population(plane, "default")
        async with client_for(plane.kubeconfig) as api:
            watcher = RetryWatcher(configmaps(api, "default"), backoff=QUICK)
            async with following(watcher) as followed:
                await followed.until(lambda _: watcher.resource_version is not None)
                for number in range(3):
                    await population.create(f"one-{2 * number}")
                    await followed.has_seen(f"one-{2 * number}")
                    getattr(plane, how)("apiserver")
                    await plane.exited("apiserver")
                    await plane.restart("apiserver")
                    await population.create(f"one-{2 * number + 1}")
                    await followed.has_seen(f"one-{2 * number + 1}")
                await becomes(watcher, HealthState.WATCHING)

    assert_each_once(followed, 6)


@pytest.mark.fault("F22")
async def test_the_api_server_is_frozen_longer_than_the_idle_bound(
    private_control_plane: Launch,
) -> None:
    """SIGSTOP: TCP stays up and silent. It is noticed, said, and survived."""
    async with private_control_plane() as plane:
        population = Population(plane, "default")
        async with client_for(plane.kubeconfig) as api:
            source = configmaps(api, "default")
            watcher = RetryWatcher(source, {"timeout_seconds": 2}, backoff=QUICK, idle_timeout=4)
            async with following(watcher) as followed:
                await population.create("one-0")
                await followed.until(lambda _: watcher.resource_version is not None)
                await population.create("one-1")
                await followed.has_seen("one-1")
                plane.stop("apiserver")
                await becomes(watcher, HealthState.STALE)
                await followed.until(lambda _: watcher.health.failures > 0)
                plane.cont("apiserver")
                await population.create("one-2")
                await followed.has_seen("one-2")
                await becomes(watcher, HealthState.WATCHING)

    assert followed.names().count("one-1") == followed.names().count("one-2") == 1


async def test_the_etcd_leader_is_killed(private_control_plane: Launch) -> None:
    """One of three members goes while it leads: what is written before and after all comes."""
    async with private_control_plane(etcd_members=3) as plane:
        population = Population(plane, "default")
        async with client_for(plane.kubeconfig) as api:
            watcher = RetryWatcher(configmaps(api, "default"), backoff=QUICK)
            async with following(watcher) as followed:
                await followed.until(lambda _: watcher.resource_version is not None)
                await population.create("one-0")
                await followed.has_seen("one-0")
                leader = await plane.etcd_leader()
                plane.kill(leader)
                await plane.etcd_leader()
                await created(population, "one-1")
                await followed.has_seen("one-1")
                await plane.restart(leader)
                await created(population, "one-2")
                await followed.has_seen("one-2")

    assert_each_once(followed, 3)


@pytest.mark.fault("F10")
async def test_throttled_at_the_start(private_control_plane: Launch) -> None:
    """429 with Retry-After on the first requests: it waits as told, and then begins."""
    async with private_control_plane() as plane, RecordingProxy(plane) as proxy:
        population = Population(plane, "default")
        await population.create("one-0")
        told = {"Retry-After": "1", "Content-Type": "text/plain"}
        text = "Too many requests, please try again later.\n"
        proxy.fail_next(429, body=text, headers=told, times=2)
        proxy.fail_next(429, body=text, headers=told, matching=watches)
        async with client_for(proxy.kubeconfig) as api:
            source = configmaps(api, "default")
            options = {"label_selector": "app=web"}
            watcher = RetryWatcher(source, options, replay_existing=True, backoff=QUICK)
            async with following(watcher) as followed:
                await followed.has_seen("one-0")
                await population.create("one-1")
                await followed.has_seen("one-1")

    assert_each_once(followed, 2)
    assert followed.inferred() == []
    refused = [n for n, each in enumerate(proxy.requests) if each.status == 429 and each.by_proxy]
    gaps = [proxy.requests[n + 1].at - proxy.requests[n].at for n in refused]
    assert len(gaps) == 3
    assert min(gaps) >= 1.0


@pytest.mark.fault("F20", "F21")
async def test_a_dead_proxy_with_its_connections_open(private_control_plane: Launch) -> None:
    """Half-open: the peer neither answers nor closes. A new connection within the bound."""
    async with private_control_plane() as plane, RecordingProxy(plane) as proxy:
        population = Population(plane, "default")
        async with client_for(proxy.kubeconfig) as api:
            source = configmaps(api, "default")
            watcher = RetryWatcher(source, {"timeout_seconds": 2}, backoff=QUICK, idle_timeout=4)
            async with following(watcher) as followed:
                await proxy.wait_for(watches)
                proxy.freeze_open()
                begun = len([each for each in proxy.requests if each.is_watch])
                await population.create("one-0")
                await followed.has_seen("one-0")
                watched = [each for each in proxy.requests if each.is_watch]

    assert followed.told()[-1] == ("ADDED", "one-0")
    assert watched[-1].connection != watched[begun - 1].connection


async def created(population: Population, name: str) -> None:
    """Create one although etcd may just be without a leader."""
    body = {"metadata": {"name": name}}
    with anyio.fail_after(2 * PATIENCE):
        while True:
            with suppress(OSError):  # no answer, or none in time
                reply = await population.cluster.request("POST", population.path, body)
                if reply.status in {201, 409}:  # an attempt that said it failed may have been done
                    return
            await anyio.sleep(0.2)


async def becomes(watcher: RetryWatcher, state: HealthState) -> None:
    """Wait until a watcher's health says so."""
    with anyio.fail_after(PATIENCE):
        while watcher.health.state is not state:
            await anyio.sleep(0.05)

"""On a real server: a version that is gone, in each form it comes in, and what a gap amounts to."""

import pytest

from watchkit import Added, Deleted, Modified, Relisted, ResourceExpired, RetryWatcher, Synced

from .conftest import Launch
from .following import QUICK, Following, Population, configmaps, following
from .harness import (
    Cluster,
    ControlPlane,
    RecordedRequest,
    RecordingProxy,
    client_for,
    lists,
    watches,
)

pytestmark = pytest.mark.anyio

UNCACHED = "configmaps#0"  # the server then watches etcd itself, and compaction shows at once


async def populate(population: Population) -> dict[str, tuple[str, str]]:
    """Create what the gap will find: one to stay, to change, to go, to be recreated."""
    for name in ("stays", "changes", "goes", "recreated"):
        await population.create(name)
    return (await population.listed())[1]


async def happen(population: Population) -> dict[str, tuple[str, str]]:
    """Do everything that a gap can hide; return what is there afterwards."""
    await population.delete("goes")
    await population.create("comes")
    await population.create("flashes")
    await population.delete("flashes")
    await population.change("changes", "1")
    await population.change("changes", "2")
    await population.delete("recreated")
    await population.create("recreated")
    return (await population.listed())[1]


def assert_net_effect(
    followed: Following, before: dict[str, tuple[str, str]], after: dict[str, tuple[str, str]]
) -> None:
    """Hold the events of the gap against the lists before and after it."""
    start = next(n for n, event in enumerate(followed.events) if isinstance(event, Relisted))
    end = next(
        n for n, event in enumerate(followed.events) if isinstance(event, Synced) and n > start
    )
    gap = followed.events[start + 1 : end]
    deleted = {event.name: event for event in gap if isinstance(event, Deleted)}
    assert set(deleted) == {"goes", "recreated"}
    assert all(event.uid == before[name][0] for name, event in deleted.items())
    added = {event.name: event for event in gap if isinstance(event, Added)}
    assert {name: (e.uid, e.resource_version) for name, e in added.items()} == {
        name: after[name] for name in ("comes", "recreated")
    }
    modified = [event for event in gap if isinstance(event, Modified)]
    assert [(e.name, e.uid, e.resource_version) for e in modified] == [
        ("changes", *after["changes"])
    ]
    assert gap[: len(deleted)] == list(deleted.values())
    assert all(event.inferred for event in (*deleted.values(), *added.values(), *modified))
    assert [event.resume_version is None for event in gap[:-1]] == [True] * (len(gap) - 1)  # type: ignore[union-attr]


@pytest.mark.fault("F38", "F43")
async def test_expiry_as_an_error_event(private_control_plane: Launch) -> None:
    """Compacted away while the connection was down: the gap's exact net effect, once."""
    async with private_control_plane(watch_cache_sizes=UNCACHED) as plane:
        population = Population(plane, "default")
        before = await populate(population)
        async with RecordingProxy(plane) as proxy, client_for(proxy.kubeconfig) as api:
            watcher = RetryWatcher(configmaps(api, "default"), backoff=QUICK)
            async with following(watcher) as followed:
                await proxy.wait_for(watches)
                proxy.refuse()
                proxy.cut()
                after = await happen(population)
                await plane.compact()
                proxy.accept()
                await followed.until(lambda it: any(isinstance(e, Synced) for e in it.events))
                await population.create("afterwards")
                await followed.has_seen("afterwards")

    assert_net_effect(followed, before, after)
    assert followed.told()[-1] == ("ADDED", "afterwards")
    statuses = [each.status for each in proxy.requests if each.is_watch and each.status]
    assert 410 not in statuses  # so it was said inside a 200


async def test_expiry_as_an_http_status(
    control_plane: Cluster, namespace: str, proxy: RecordingProxy
) -> None:
    """The same path for a 410 of the watch request; the expired version is never sent again."""
    population = Population(control_plane, namespace)
    before = await populate(population)
    async with client_for(proxy.kubeconfig) as api:
        watcher = RetryWatcher(configmaps(api, namespace), backoff=QUICK)
        async with following(watcher) as followed:
            await proxy.wait_for(watches)
            proxy.refuse()
            proxy.cut()
            after = await happen(population)
            proxy.fail_next(410, matching=watches)
            proxy.accept()
            await followed.until(lambda it: any(isinstance(e, Synced) for e in it.events))

    assert_net_effect(followed, before, after)
    refused = [each for each in proxy.requests if each.status == 410]
    at = proxy.requests.index(refused[0])
    expired = refused[0].query["resourceVersion"]
    assert len(refused) == 1
    assert all(each.query.get("resourceVersion") != expired for each in proxy.requests[at + 1 :])


@pytest.mark.fault("F56")
async def test_expiry_on_a_list_page(private_control_plane: Launch) -> None:
    """Compacted away between two pages: all pages are listed again, and nothing is missing."""
    gates = "ListFromCacheSnapshot=false"
    async with private_control_plane(watch_cache_sizes=UNCACHED, feature_gates=gates) as plane:
        population = Population(plane, "default")
        for number in range(6):
            await population.create(f"one-{number}")
        async with RecordingProxy(plane) as proxy, client_for(proxy.kubeconfig) as api:
            proxy.on_request(lambda request: hold_second_page(request, proxy))
            options = {"limit": 2, "label_selector": "app=web"}
            source = configmaps(api, "default")
            watcher = RetryWatcher(source, options, replay_existing=True, backoff=QUICK)
            async with following(watcher) as followed:
                await proxy.wait_for(is_second_page)
                await expire(plane, population)
                proxy.thaw()
                await followed.until(lambda it: any(isinstance(e, Synced) for e in it.events))

    pages = [each for each in proxy.requests if each.is_list]
    assert 410 in [each.status for each in pages]
    assert all("resourceVersion" not in each.query for each in pages)
    expected = sorted([f"one-{number}" for number in range(6)] + ["meanwhile"])
    assert sorted(followed.names()) == expected


def is_second_page(request: RecordedRequest) -> bool:
    """Whether a list goes on."""
    return lists(request) and "continue" in request.query


def hold_second_page(request: RecordedRequest, proxy: RecordingProxy) -> None:
    """Hold the first list that goes on up, until its token has expired."""
    if (
        is_second_page(request)
        and len([each for each in proxy.requests if is_second_page(each)]) == 1
    ):
        proxy.freeze_open()


async def expire(plane: ControlPlane, population: Population) -> None:
    """Make every continue token that is out now worthless."""
    await population.create("meanwhile")
    await plane.compact()


async def test_raises_where_it_is_told_to(private_control_plane: Launch) -> None:
    """on_expired="raise": ResourceExpired, again at each try, without another request."""
    async with private_control_plane(watch_cache_sizes=UNCACHED) as plane:
        population = Population(plane, "default")
        version = (await population.create("one"))["metadata"]["resourceVersion"]
        await population.change("one", "1")
        await population.change("one", "2")
        await plane.compact()
        async with RecordingProxy(plane) as proxy, client_for(proxy.kubeconfig) as api:
            options = {"resource_version": version}
            watcher = RetryWatcher(configmaps(api, "default"), options, on_expired="raise")
            async with watcher:
                for _ in range(2):
                    with pytest.raises(ResourceExpired):
                        await anext(watcher)

    assert watcher.resource_version is None
    assert len(proxy.requests) == 1

"""On a real server: rights and resources that are taken away and given back under a watcher."""

import pytest

from watchkit import Added, Deleted, HealthState, ListWatch, Modified, RetryWatcher

from .following import QUICK, Population, configmaps, following
from .harness import (
    Cluster,
    RecordingProxy,
    client_for,
    define,
    grant,
    open_watches,
    revoke,
    undefine,
)
from .test_outage import becomes

pytestmark = pytest.mark.anyio


@pytest.mark.fault("F07")
async def test_rights_are_revoked_and_granted(
    control_plane: Cluster, namespace: str, proxy: RecordingProxy
) -> None:
    """403 is FORBIDDEN, kept and retried; once granted again, what was missed comes, once."""
    population = Population(control_plane, namespace)
    user = await control_plane.create_user(namespace)
    given = await grant(control_plane, user, namespace)
    async with client_for(proxy.kubeconfig_for(user)) as api:
        watcher = RetryWatcher(configmaps(api, namespace), backoff=QUICK)
        async with following(watcher) as followed:
            await proxy.wait_for(open_watches)
            await revoke(control_plane, given)
            await population.create("one-0")
            await followed.has_seen("one-0")  # an open watch outlives its rights
            proxy.cut()
            await becomes(watcher, HealthState.FORBIDDEN)
            await population.create("one-1")
            await population.delete("one-0")
            await grant(control_plane, user, namespace)
            await followed.until(lambda it: ("DELETED", "one-0") in it.told())
            await becomes(watcher, HealthState.WATCHING)

    assert followed.told() == [("ADDED", "one-0"), ("ADDED", "one-1"), ("DELETED", "one-0")]
    assert followed.inferred() == []


async def test_rights_come_later_than_the_watcher(control_plane: Cluster, namespace: str) -> None:
    """A watcher that may not even list at first says so, waits, and begins when it may."""
    population = Population(control_plane, namespace)
    await population.create("one-0")
    user = await control_plane.create_user(namespace)
    async with client_for(user.kubeconfig) as api:
        watcher = RetryWatcher(configmaps(api, namespace), replay_existing=True, backoff=QUICK)
        async with following(watcher) as followed:
            await becomes(watcher, HealthState.FORBIDDEN)
            await grant(control_plane, user, namespace)
            await followed.has_seen("one-0")

    assert ("ADDED", "one-0") in followed.told()


@pytest.mark.fault("F08")
async def test_a_definition_is_deleted_and_recreated(control_plane: Cluster) -> None:
    """The CRD goes under the watch and comes back: NOT_SERVED meanwhile, nothing old remains."""
    group, path = "gone.example.com", "/apis/gone.example.com/v1/namespaces/default/widgets"
    name = await define(control_plane, group, "widgets", "Widget")
    widget = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "one"}}
    async with client_for(control_plane.kubeconfig) as api:
        source = ListWatch.for_resource(api, f"{group}/v1", "widgets", namespace="default")
        watcher = RetryWatcher(source, replay_existing=True, backoff=QUICK)
        async with following(watcher) as followed:
            first = await control_plane.call("POST", path, widget)
            await followed.has_seen("one")
            await undefine(control_plane, name)
            await becomes(watcher, HealthState.NOT_SERVED)
            await define(control_plane, group, "widgets", "Widget")
            second = await control_plane.call("POST", path, widget)
            await followed.until(lambda it: len(it.told()) >= 3)
            await becomes(watcher, HealthState.WATCHING)
    await undefine(control_plane, name)

    assert followed.told() == [("ADDED", "one"), ("DELETED", "one"), ("ADDED", "one")]
    uids = [e.uid for e in followed.events if isinstance(e, Added | Modified | Deleted)]
    assert uids == [first["metadata"]["uid"]] * 2 + [second["metadata"]["uid"]]


async def test_a_definition_comes_later_than_the_watcher(control_plane: Cluster) -> None:
    """404 is NOT_SERVED, and the watcher begins when the resource is served."""
    group, path = "late.example.com", "/apis/late.example.com/v1/namespaces/default/widgets"
    async with client_for(control_plane.kubeconfig) as api:
        source = ListWatch.for_resource(api, f"{group}/v1", "widgets", namespace="default")
        watcher = RetryWatcher(source, replay_existing=True, backoff=QUICK)
        async with following(watcher) as followed:
            await becomes(watcher, HealthState.NOT_SERVED)
            name = await define(control_plane, group, "widgets", "Widget")
            body = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "one"}}
            await control_plane.call("POST", path, body)
            await followed.has_seen("one")
    await undefine(control_plane, name)

    assert followed.told() == [("ADDED", "one")]

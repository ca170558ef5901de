"""On a real server: what the bytes can be. Very large objects, and streams that it compresses."""

import aiohttp
import pytest

from watchkit import Added, ListWatch, Modified, RetryWatcher, Synced

from .conftest import Launch
from .following import QUICK, Population, configmaps, following
from .harness import Cluster, RecordingProxy, client_for, define, open_watches, undefine

pytestmark = pytest.mark.anyio

JUST_UNDER = 1_500_000  # bytes; etcd takes requests of 1.5 MiB
ESCAPED = "\u0085\u2028<>&\n"  # what breaks splitlines(), and what JSON escapes to six bytes


@pytest.mark.fault("F30")
async def test_a_custom_resource_just_under_etcds_limit(control_plane: Cluster) -> None:
    """It is listed and watched whole, as large as etcd takes it."""
    name = await define(control_plane, "big.example.com", "blobs", "Blob")
    path = "/apis/big.example.com/v1/namespaces/default/blobs"
    filler = ESCAPED * 1000 + "x" * (JUST_UNDER - len((ESCAPED * 1000).encode()) - 5_000)
    blob = {
        "apiVersion": "big.example.com/v1",
        "kind": "Blob",
        "metadata": {"name": "one"},
        "spec": {"filler": filler},
    }
    async with client_for(control_plane.kubeconfig) as api:
        source = ListWatch.for_resource(api, "big.example.com/v1", "blobs", namespace="default")
        async with following(RetryWatcher(source, replay_existing=True)) as followed:
            await followed.until(lambda it: any(isinstance(e, Synced) for e in it.events))
            await control_plane.call("POST", path, blob)
            await followed.has_seen("one")
            await control_plane.call(
                "PATCH",
                f"{path}/one",
                {"metadata": {"labels": {"a": "b"}}},
                content_type="application/merge-patch+json",
            )
            await followed.until(lambda it: len(it.told()) == 2)
        async with following(RetryWatcher(source, replay_existing=True)) as replayed:
            await replayed.has_seen("one")
    await undefine(control_plane, name)

    for event in (*followed.events[1:], replayed.events[0]):
        assert isinstance(event, Added | Modified)
        assert event.object["spec"]["filler"] == filler


@pytest.mark.fault("F28")
async def test_initial_events_that_the_server_would_gzip_are_not_lost(
    private_control_plane: Launch,
) -> None:
    """1.37 gzips initial events, one member per flush: we ask for identity, and get all."""
    count = 40
    async with private_control_plane() as plane:
        population = Population(plane, "default")
        for number in range(count):
            await population.create(f"old-{number:02}")
        async with RecordingProxy(plane) as proxy, client_for(proxy.kubeconfig) as api:
            options = {
                "label_selector": "app=web",
                "send_initial_events": True,
                "resource_version_match": "NotOlderThan",
            }
            watcher = RetryWatcher(configmaps(api, "default"), options, backoff=QUICK)
            async with following(watcher) as followed:
                await followed.until(lambda it: any(isinstance(e, Synced) for e in it.events))
                for number in range(count):
                    await population.create(f"new-{number:02}")
                await followed.until(lambda it: len(it.told()) == 2 * count)
            assert await would_gzip(plane)

    assert sorted(followed.names()[:count]) == [f"old-{number:02}" for number in range(count)]
    assert followed.names()[count:] == [f"new-{number:02}" for number in range(count)]
    watched = [each for each in proxy.requests if open_watches(each)]
    assert watched
    for each in watched:
        assert each.headers["accept-encoding"] == "identity"
        assert "content-encoding" not in {name.lower() for name in each.response_headers}


async def would_gzip(cluster: Cluster) -> bool:
    """Whether this server compresses such a stream for who lets it; else nothing is proven."""
    query = {
        "watch": "true",
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": "1",
    }
    headers = {"Authorization": f"Bearer {cluster.admin.token}", "Accept-Encoding": "gzip"}
    url = f"{cluster.url}/api/v1/namespaces/default/configmaps"
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, params=query, headers=headers, ssl=cluster.tls()) as response,
    ):
        return response.headers.get("Content-Encoding") == "gzip"

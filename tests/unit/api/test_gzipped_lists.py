"""Large lists come in gzip from a server that can, and read as they would without."""

import json

import pytest
from kubernetes_asyncio.client import ApiClient, Configuration

from tests.unit.api.pushed import PATIENCE
from watchkit import ListWatch, SharedInformer
from watchkit.api.edge import Request, send
from watchkit.testing import FakeApiServer, FakeCluster

pytestmark = pytest.mark.anyio

COUNT = 700
PATH = "/api/v1/namespaces/shop/configmaps"


def client_of(server: FakeApiServer) -> ApiClient:
    """Make a client that the server lets in."""
    configuration = Configuration(host=server.url)
    configuration.api_key["BearerToken"] = f"Bearer {server.token}"
    return ApiClient(configuration)


@pytest.fixture
def cluster() -> FakeCluster:
    """Give a cluster with two pages of objects, the first far above what is sent in gzip."""
    cluster = FakeCluster()
    for number in range(COUNT):
        metadata = {"name": f"web-{number:03}", "namespace": "shop"}
        data = {"text": f"é{number}" * 200}
        cluster.create(
            {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata, "data": data}
        )
    return cluster


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_a_list_is_the_same_bytes_however_it_comes(
    cluster: FakeCluster, encoding: str
) -> None:
    """The server is asked for gzip, and what is read is what was there before it was packed."""
    async with FakeApiServer(cluster) as server, client_of(server) as api:
        request = Request(
            doing="list",
            path=PATH,
            query={"limit": "500"},
            accept="application/json",
            encoding=encoding,
            idle_timeout=PATIENCE,
        )
        answer = await send(api, request)
        said = answer.incoming.headers.get("Content-Encoding", "identity")
        answer.incoming.close()
        source = ListWatch.for_resource(api, "v1", "configmaps", namespace="shop")
        page = json.loads(await source.list({"limit": "500"}, idle_timeout=PATIENCE))

    assert said == encoding
    assert [each["metadata"]["name"] for each in page["items"]] == [
        f"web-{number:03}" for number in range(500)
    ]
    assert page["items"][7]["data"]["text"] == "é7" * 200


async def test_an_informer_fills_its_cache_from_gzipped_pages(cluster: FakeCluster) -> None:
    """All of it, page after page."""
    async with FakeApiServer(cluster) as server, client_of(server) as api:
        source = ListWatch.for_resource(api, "v1", "configmaps", namespace="shop")
        async with SharedInformer(source, initial_list="list") as informer:
            await informer.wait_for_sync(PATIENCE)
            held = {key: each.to_dict() for key, each in informer.store.items()}

    objects = cluster.list("v1", "configmaps", "shop")
    assert held == {f"shop/{each['metadata']['name']}": each for each in objects}
    assert len(held) == COUNT

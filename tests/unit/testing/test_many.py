"""Many objects: twenty thousand of them are listed, paged and watched."""

import json

import pytest

from tests.unit.testing.manifests import config_map
from tests.unit.testing.watching import listing
from watchkit.testing import FakeCluster

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

MANY = 20_000


async def test_twenty_thousand_objects(cluster: FakeCluster) -> None:
    """In one list, in pages of one version while writes go on, and as events of one watch."""
    for number in range(MANY):
        cluster.create(config_map(f"c{number:05}"))
    source = cluster.source("v1", "configmaps", "shop")
    assert await listing(source) == MANY

    names: list[str] = []
    token = ""
    while True:
        page = json.loads(await source.list({"limit": "500", "continue": token}, idle_timeout=10))
        names += [item["metadata"]["name"] for item in page["items"]]
        cluster.create(config_map(f"a-{len(names)}"))
        if not (token := page["metadata"].get("continue", "")):
            break
    assert names == [f"c{number:05}" for number in range(MANY)]

    stream = await source.watch({"resourceVersion": "95"}, idle_timeout=10)
    frames = await stream.receive()
    stream.close()
    assert frames is not None
    assert len(frames) == MANY + MANY // 500

"""Asks a cluster over HTTP, in memory."""

import json
from typing import Any

import aiohttp

from watchkit.testing import FakeCluster, run_virtual

MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"


def ask(
    cluster: FakeCluster,
    method: str,
    path: str,
    body: object = None,
    media: str = "application/json",
) -> tuple[int, Any]:
    """Ask in memory; give the status and the JSON of the answer."""

    async def main() -> tuple[int, Any]:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body)
        headers = {"Authorization": "Bearer fake-token"}
        headers |= {"Content-Type": media} if data is not None else {}
        async with cluster.connect() as api:
            session: aiohttp.ClientSession = api.rest_client.pool_manager
            url = f"{api.configuration.host}{path}"
            async with session.request(method, url, data=data, headers=headers) as answer:
                return answer.status, json.loads(await answer.read())

    return run_virtual(main)

"""kubernetes_asyncio clients for tests: one line from a kubeconfig to an ApiClient."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from kubernetes_asyncio.client import ApiClient
from kubernetes_asyncio.config import new_client_from_config


@asynccontextmanager
async def client_for(kubeconfig: Path) -> AsyncIterator[ApiClient]:
    """Lend an ApiClient with the credentials of a kubeconfig, closed when the block ends."""
    api: ApiClient = await new_client_from_config(str(kubeconfig))
    async with api:
        yield api

"""All that knows aiohttp and kubernetes_asyncio: where bytes come from a real API server."""

from watchkit.api import models
from watchkit.api.client import ClientConfig, connect
from watchkit.api.listwatch import ListWatch

__all__ = ["ClientConfig", "ListWatch", "connect"]

models.enable()

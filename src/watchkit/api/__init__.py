"""All that knows aiohttp and kubernetes_asyncio: where bytes come from a real API server."""

from watchkit.api import models
from watchkit.api.client import ClientConfig, connect
from watchkit.api.foreign import fault_of
from watchkit.api.listwatch import ListWatch
from watchkit.api.retrying import RetryingTransport
from watchkit.core.classify import translate_by

__all__ = ["ClientConfig", "ListWatch", "RetryingTransport", "connect"]

models.enable()
translate_by(fault_of)

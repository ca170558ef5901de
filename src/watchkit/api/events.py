"""EventCalls: the requests of a recorder, on events of events.k8s.io/v1."""

from __future__ import annotations

from typing import Any, Final, cast

from kubernetes_asyncio.client import ApiClient

from watchkit.api.edge import Request
from watchkit.api.exchange import exchange
from watchkit.api.target import Target

API_VERSION: Final = "events.k8s.io/v1"
_PATIENCE: Final = 10.0
"""Seconds for one request: nobody waits for it, but others wait behind it."""


class EventCalls:
    """Creates events and changes them, round the policies of a caller's client.

    Raises:
        TypeError: no ApiClient of kubernetes_asyncio's.

    """

    def __init__(self, client: ApiClient) -> None:
        if not isinstance(cast("object", client), ApiClient):
            raise TypeError(f"an ApiClient is needed, not {type(client).__name__}")
        self._client = client

    async def create(self, namespace: str, manifest: dict[str, Any]) -> None:
        """Create an event.

        Raises:
            AlreadyExists: one of that name is there: an answer before was lost.
            ApiError: the server would not have it.
            TransportError: no answer.

        """
        await self._send("POST", namespace, "", manifest, "application/json")

    async def patch(self, namespace: str, name: str, change: dict[str, Any]) -> None:
        """Change an event by a JSON merge patch.

        Raises:
            NotFound: it is not there any more.
            ApiError: the server would not have it.
            TransportError: no answer.

        """
        await self._send("PATCH", namespace, f"/{name}", change, "application/merge-patch+json")

    async def _send(
        self, method: str, namespace: str, name: str, body: dict[str, Any], content_type: str
    ) -> None:
        target = Target.named(API_VERSION, "events", namespace)
        request = Request(
            doing=f"{method} {target}",
            path=target.path + name,
            query={},
            accept="application/json",
            encoding="identity",
            idle_timeout=_PATIENCE,
            method=method,
            body=body,
            content_type=content_type,
        )
        await exchange(self._client, request)

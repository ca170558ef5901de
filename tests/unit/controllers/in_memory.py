"""A kubernetes_asyncio client answered by a FakeCluster in memory, which may misbehave."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import anyio
import anyio.lowlevel
from kubernetes_asyncio.client import ApiClient, ApiException

from watchkit import ApiError, TransportError
from watchkit.testing import FakeCluster

LEASES = "coordination.k8s.io/v1"


class Fault(Enum):
    """What becomes of a request instead of an answer."""

    NEVER_SENT = auto()
    LOST = auto()
    """It is not done, and nobody answers."""
    UNANSWERED = auto()
    """It is done, and nobody answers."""
    RESET = auto()
    """It is done, and the connection breaks."""


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    at: float
    method: str
    path: str
    body: dict[str, Any] | None


class InMemory(ApiClient):
    """A client of a cluster in memory: no session, no loop of its own, so it runs on trio too.

    `trouble(asked)` says what becomes of a request: None for an answer, a Fault, an error to
    raise, or seconds to wait before it is done.
    """

    def __init__(self, cluster: FakeCluster) -> None:
        self.cluster = cluster
        self.asked: list[Asked] = []
        self.trouble: Callable[[Asked], Fault | Exception | float | None] = lambda _: None
        vars(self).update(
            configuration=SimpleNamespace(host="https://cluster.test"),
            default_headers={},
            cookie=None,
            rest_client=_Transport(self),
        )

    async def update_params_for_auth(self, *_: object, **__: object) -> None:
        """Need no credentials."""


class _Transport:
    """The rest_client of such a client."""

    def __init__(self, client: InMemory) -> None:
        self._client = client
        self._cluster = client.cluster

    async def request(
        self, method: str, url: str, *, body: dict[str, Any] | None = None, **_: object
    ) -> SimpleNamespace:
        """Answer one request."""
        await anyio.lowlevel.checkpoint()
        asked = Asked(anyio.current_time(), method, urlsplit(url).path, body)
        self._client.asked.append(asked)
        trouble = self._client.trouble(asked)
        if isinstance(trouble, Exception):
            raise trouble
        if isinstance(trouble, float):
            await anyio.sleep(trouble)
        if trouble is Fault.NEVER_SENT:
            raise TransportError("refused", reached=False)
        if trouble is Fault.LOST:
            await anyio.sleep_forever()
        answer = self._answer(asked)
        if trouble is Fault.UNANSWERED:
            await anyio.sleep_forever()
        if trouble is Fault.RESET:
            raise TransportError("reset")
        return SimpleNamespace(status=200, data=json.dumps(answer).encode())

    def _answer(self, asked: Asked) -> dict[str, Any]:
        api_version, namespace, plural, name = _parsed(asked.path)
        key = f"{namespace}/{name}"
        body = json.loads(json.dumps(asked.body))
        try:
            match asked.method:
                case "GET":
                    return self._cluster.get(api_version, plural, key)
                case "POST":
                    return self._cluster.create(body)
                case "PUT":
                    return self._cluster.update(body)
                case "PATCH":
                    return self._cluster.patch(api_version, plural, key, body)
                case _:
                    raise AssertionError(asked.method)
        except ApiError as error:
            raise refused(error.status, error.reason, error.message) from None


def refused(status: int, reason: str = "", message: str = "", **headers: str) -> ApiException:
    """Make what kubernetes_asyncio raises of such an answer."""
    said = {"kind": "Status", "status": "Failure", "reason": reason, "message": message}
    error = ApiException(status=status, reason=reason)
    vars(error).update(headers=headers, body=json.dumps({**said, "code": status}))
    return error


def _parsed(path: str) -> tuple[str, str, str, str]:
    match path.strip("/").split("/"):
        case ["apis", group, version, "namespaces", namespace, plural, *name]:
            return f"{group}/{version}", namespace, plural, "".join(name)
        case ["api", version, "namespaces", namespace, plural, *name]:
            return version, namespace, plural, "".join(name)
        case _:
            raise AssertionError(path)

"""LeaseCalls: the requests of an election, on one Lease."""

from __future__ import annotations

from typing import Any, Final, assert_never, cast

from kubernetes_asyncio.client import ApiClient

from watchkit.api.edge import Request
from watchkit.api.exchange import exchange
from watchkit.api.target import Target, checked
from watchkit.api.transport import new_lane
from watchkit.core.errors import Conflict, NotFound, TransportError, WatchkitError
from watchkit.core.objects import Object
from watchkit.core.standing import (
    Absent,
    Answer,
    Create,
    Failed,
    Found,
    Read,
    Refused,
    Replace,
    Written,
)
from watchkit.core.standing import Request as Wanted
from watchkit.core.tenure import API_VERSION, Record

_JSON: Final = "application/json"


class LeaseCalls:
    """Reads and writes one Lease through a caller's client, and tells what came of it.

    It goes round the policies of the client: an election has its own. After a fault it uses no
    connection that was made before: what killed one may have killed all.

    Raises:
        TypeError: no ApiClient of kubernetes_asyncio's.
        ValueError: a name that can be no part of a path.

    """

    def __init__(self, client: ApiClient, name: str, namespace: str) -> None:
        if not isinstance(cast("object", client), ApiClient):
            raise TypeError(f"an ApiClient is needed, not {type(client).__name__}")
        self.name: str = checked("name", name)
        self.namespace: str = checked("namespace", namespace)
        self._client = client
        self._path = Target.named(API_VERSION, "leases", namespace).path
        self._lane: str | None = None

    async def ask(self, wanted: Wanted, patience: float) -> Answer:
        """Send one request; whatever comes of it is a value. `patience` is in seconds."""
        try:
            return await self._ask(wanted, patience)
        except TransportError as error:
            self._lane = new_lane()
            return Failed(error)
        except Conflict:
            return Refused()
        except NotFound as error:
            # What is not there when a lease is created is its namespace.
            return Failed(error) if isinstance(wanted, Create) else Absent()
        except WatchkitError as error:
            return Failed(error)

    async def _ask(self, wanted: Wanted, patience: float) -> Answer:
        own = f"{self._path}/{self.name}"
        match wanted:
            case Read():
                return Found(await self._send("GET", own, None, patience))
            case Create(record):
                body = record.manifest(self.name, self.namespace)
                return Written(await self._send("POST", self._path, body, patience))
            case Replace(record):
                body = record.manifest(self.name, self.namespace)
                return Written(await self._send("PUT", own, body, patience))
            case _:
                assert_never(wanted)

    async def _send(
        self, method: str, path: str, body: dict[str, Any] | None, patience: float
    ) -> Record:
        request = Request(
            doing=f"{method} lease {self.namespace}/{self.name}",
            path=path,
            query={},
            accept=_JSON,
            encoding="identity",
            idle_timeout=patience,
            lane=self._lane,
            method=method,
            body=body,
        )
        return Record.of(Object(await exchange(self._client, request)))

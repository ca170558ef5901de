"""ListWatch: one resource of a real API server, listed and watched through a caller's ApiClient."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self, cast

from aiohttp.connector import Connection
from kubernetes_asyncio.client import ApiClient
from kubernetes_asyncio.dynamic.resource import Resource

from watchkit.api.body import read_page
from watchkit.api.edge import Answer, Request, send
from watchkit.api.exchange import call
from watchkit.api.recorder import is_resource, record, resource_client, resource_target
from watchkit.api.sockets import keep_alive
from watchkit.api.stream import HttpWatch
from watchkit.api.target import Target
from watchkit.api.transport import new_lane
from watchkit.core.errors import TransportError
from watchkit.core.framing import MAX_FRAME
from watchkit.core.rhythm import LONGEST

_JSON: Final = "application/json"
_METADATA: Final = "application/json;as={kind};g=meta.k8s.io;v=v1,application/json"


@dataclass(frozen=True, slots=True)
class _Named:
    client: ApiClient
    target: Target


class ListWatch:
    """Lists and watches one resource of an API server, in raw bytes: a `ListerWatcher`.

    Made from a bound list method of kubernetes_asyncio with its path arguments, by position or
    by name, and nothing else: `ListWatch(v1.list_namespaced_pod, "default")`. A dynamic client's
    Resource serves too: `ListWatch(resource, namespace="default")`. Making one sends nothing.

    It uses the client given, with its credentials, headers, TLS and proxy; it never opens or
    closes one. Every watch has a connection of its own, beside those that the client's pool may
    have (`Configuration.connection_pool_maxsize`): no watch keeps a list or a call waiting.
    A retry policy put over the client's transport is gone round: watchers have their own.

    `metadata_only` asks for PartialObjectMetadata: what is not metadata never enters this
    process. `max_frame` bounds one watch event, in bytes. `coalesce` is for how many seconds (at
    most 0.1) a watch whose events come fast may leave its connection unread, so that they come
    together and cost less; a lone event is never delayed. 0.0 reads each as it comes. Initial
    events (`sendInitialEvents`), of which nobody is told before all are there, come together in
    any case, where they come less than two milliseconds apart.

    Raises:
        TypeError: not such a method or Resource, or an argument that is no path argument.
        ValueError: a path argument that can be no part of a path.

    """

    def __init__(
        self,
        source: Callable[..., object] | Resource | _Named,
        /,
        *path_arguments: str,
        metadata_only: bool = False,
        max_frame: int = MAX_FRAME,
        coalesce: float = 0.0,
        **path_keywords: str,
    ) -> None:
        if max_frame < 1:
            raise ValueError(f"max_frame must be at least 1 byte, not {max_frame}")
        if not 0 <= coalesce <= LONGEST:
            raise ValueError(f"coalesce must be 0 to {LONGEST} seconds, not {coalesce}")
        if isinstance(source, _Named):
            self._client, self._target = source.client, source.target
        elif is_resource(source):
            self._client = resource_client(source)
            self._target = resource_target(source, path_arguments, path_keywords)
        else:
            self._client, self._target = record(source, path_arguments, path_keywords)
        self._metadata_only = metadata_only
        self._max_frame = max_frame
        self._coalesce = coalesce
        self._lane: str | None = None

    @classmethod
    def for_resource(
        cls,
        api_client: ApiClient,
        api_version: str,
        plural: str,
        *,
        namespace: str | None = None,
        metadata_only: bool = False,
        max_frame: int = MAX_FRAME,
        coalesce: float = 0.0,
    ) -> Self:
        """One from names: `for_resource(api, "apps/v1", "deployments", namespace="shop")`.

        Without a namespace: all of them, or a resource that has none.

        Raises:
            TypeError: no ApiClient of kubernetes_asyncio's.
            ValueError: a name that can be no part of a path.

        """
        if not isinstance(cast("object", api_client), ApiClient):
            raise TypeError(f"for_resource needs an ApiClient, not {type(api_client).__name__}")
        named = _Named(api_client, Target.named(api_version, plural, namespace))
        return cls(named, metadata_only=metadata_only, max_frame=max_frame, coalesce=coalesce)

    @property
    def client(self) -> object:
        """The client that it speaks through."""
        return self._client

    @property
    def identity(self) -> tuple[object, ...]:
        """What makes two of them the same: client, path, and what is asked for."""
        asked = (self._metadata_only, self._max_frame, self._coalesce)
        return (self._client, self._target.path, *asked)

    @property
    def resource(self) -> str:
        """The resource as kubectl writes it: "pods", "deployments.apps"."""
        return self._target.resource

    @property
    def namespace(self) -> str | None:
        """The namespace, None for all of them and for cluster-scoped resources."""
        return self._target.namespace

    def metadata_only(self) -> ListWatch:
        """The same collection through the same client, asked for PartialObjectMetadata."""
        named = _Named(self._client, self._target)
        return ListWatch(
            named, metadata_only=True, max_frame=self._max_frame, coalesce=self._coalesce
        )

    def __repr__(self) -> str:
        metadata = ", metadata only" if self._metadata_only else ""
        return f"<ListWatch {self._target}{metadata}>"

    async def list(self, query: Mapping[str, str], *, idle_timeout: float) -> bytes:
        """Get one page: the whole JSON body, asked for in gzip and inflated within 64 MiB.

        Raises:
            ApiError: the server answered with anything but 200.
            IdleTimeout: no byte of head or body came for `idle_timeout` seconds.
            TransportError: the connection failed or broke.
            PageTooLarge: the body passed the page cap.

        """
        doing = f"list {self._target}"
        request = Request(
            doing=doing,
            path=self._target.path,
            query=query,
            accept=self._accept("PartialObjectMetadataList"),
            encoding="gzip",
            idle_timeout=idle_timeout,
            lane=self._lane,
        )
        try:
            answer = await send(self._client, request)
            try:
                return await read_page(
                    answer.incoming, raw=answer.raw, idle_timeout=idle_timeout, doing=doing
                )
            finally:
                answer.incoming.close()
        except TransportError:
            self._suspect()
            raise

    async def watch(self, query: Mapping[str, str], *, idle_timeout: float) -> HttpWatch:
        """Open a watch on a new connection of its own; returns once the head of a 200 is there.

        Raises:
            ApiError: the server answered with anything but 200.
            IdleTimeout: no head came for `idle_timeout` seconds.
            TransportError: the connection failed, or the answer came encoded.

        """
        request = Request(
            doing=f"watch {self._target}",
            path=self._target.path,
            query={**query, "watch": "true"},
            accept=self._accept("PartialObjectMetadata"),
            # Most versions of aiohttp lose all but the first member of a gzip'd watch.
            encoding="identity",
            idle_timeout=idle_timeout,
            lane=new_lane(),
            once=True,
        )
        try:
            answer = await send(self._client, request)
            _check_identity(answer, request.doing)
        except TransportError:
            self._suspect()
            raise
        _settle(answer.response.connection)
        return HttpWatch(
            answer.incoming,
            self._max_frame,
            self._suspect,
            self._coalesce,
            initial=query.get("sendInitialEvents") == "true",
        )

    async def patch(
        self, name: str, change: dict[str, Any], *, namespace: str | None = None
    ) -> bytes:
        """Change one object of it by a JSON merge patch, and give it as it is then.

        Sent as the client sends any call, with the limits and retries of its transport. A
        resourceVersion in the change guards it. `namespace`: the object's, where the source
        has all of them.

        Raises:
            Conflict: the object has another version by now.
            ApiError: the server refused.
            TransportError: no answer; it may have been done, or not.

        """
        target = self._target.one(name, namespace)
        request = Request(
            doing=f"patch {self._target}",
            path=target,
            query={},
            accept=_JSON,
            encoding="identity",
            idle_timeout=math.inf,
            method="PATCH",
            body=change,
            content_type="application/merge-patch+json",
        )
        return await call(self._client, request)

    def _accept(self, kind: str) -> str:
        return _METADATA.format(kind=kind) if self._metadata_only else _JSON

    def _suspect(self) -> None:
        """From here on, use no connection made before: what killed one may have killed all."""
        self._lane = new_lane()


def _settle(connection: Connection | None) -> None:
    """Give a watch's connection its socket options, and see that it is never pooled."""
    if connection is None:
        return  # the body came with the head and has ended
    if connection.transport is not None:
        keep_alive(connection.transport)
    if connection.protocol is not None:
        connection.protocol.force_close()


def _check_identity(answer: Answer, doing: str) -> None:
    encoding = answer.incoming.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in {"", "identity"}:
        answer.incoming.close()
        raise TransportError(f"{doing}: the answer came encoded, unasked")

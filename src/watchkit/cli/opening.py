"""From names to a source: the cluster, the resource that a word means, and the namespace."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
from kubernetes_asyncio.client import ApiClient

from watchkit.api.client import ClientConfig, connect
from watchkit.api.discovery import ApiResource, Discovery, discover
from watchkit.api.listwatch import ListWatch
from watchkit.cli.context import own_namespace
from watchkit.cli.names import UnknownResource, resolve
from watchkit.cli.starting import CannotStart, Starting
from watchkit.core.errors import TransportError, Unauthorized, WatchkitError


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to look: `namespace` None is the context's own, `kubeconfig` None kubectl's."""

    namespace: str | None = None
    all_namespaces: bool = False
    kubeconfig: str | None = None
    context: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A resource of a cluster, as its source."""

    resource: ApiResource
    source: Starting

    def __str__(self) -> str:
        namespace = self.source.namespace
        return f"{self.source.resource} in {namespace}" if namespace else self.source.resource


@asynccontextmanager
async def opened(place: Place, wanted: str) -> AsyncGenerator[Opened]:
    """Open what a name as kubectl takes it means, there.

    Raises:
        CannotStart: no cluster, no such resource, no right; the text is one line for a person.
        WatchkitError: what was raised in the block after the first answer of the source.

    """
    source: Starting | None = None
    try:
        async with connect(ClientConfig(kubeconfig=place.kubeconfig, context=place.context)) as api:
            resource = resolve(wanted, await _discovered(api))
            namespace = await namespace_of(place, resource)
            source = Starting(
                ListWatch.for_resource(
                    api, resource.api_version, resource.plural, namespace=namespace
                )
            )
            yield Opened(resource, source)
    except UnknownResource as error:
        raise CannotStart(str(error)) from None
    except WatchkitError as error:
        if source is not None and source.has_begun:
            raise
        lost = "the cluster does not answer: " if isinstance(error, TransportError) else ""
        raise CannotStart(f"{lost}{error}") from None


async def namespace_of(place: Place, resource: ApiResource) -> str | None:
    """Give the namespace to look into, None for all of them and where there are none."""
    if place.all_namespaces or not resource.namespaced:
        return None
    if place.namespace is not None:
        return place.namespace
    return await anyio.to_thread.run_sync(own_namespace, place.kubeconfig, place.context)


async def _discovered(api: ApiClient) -> Discovery:
    try:
        return await discover(api)
    except Unauthorized:
        return await discover(api)  # with fresh credentials, where there are such

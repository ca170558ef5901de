"""What a server says that it serves: its resources, in the order in which it prefers them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec
from anyio import CapacityLimiter, create_task_group
from kubernetes_asyncio.client import ApiClient

from watchkit.api.body import read_page
from watchkit.api.edge import Request, send
from watchkit.core.errors import ApiError, NotFound, ProtocolError, WatchkitError

T = TypeVar("T")

_AGGREGATED: Final = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
_ACCEPT: Final = ",".join([*map(_AGGREGATED.format, ("v2", "v2beta1")), "application/json"])
_AT_ONCE: Final = 10
"""Requests under way together, where a server must be asked for each group version."""


@dataclass(frozen=True, slots=True)
class ApiResource:
    """One resource in one version of its group; `group` is "" for the core one."""

    group: str
    version: str
    plural: str
    singular: str
    kind: str
    namespaced: bool
    verbs: frozenset[str]
    short_names: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """As manifests write it: "v1", "apps/v1"."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def name(self) -> str:
        """As kubectl writes it: "pods", "deployments.apps"."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def watchable(self) -> bool:
        """Whether it can be both listed and watched."""
        return {"list", "watch"} <= self.verbs


@dataclass(frozen=True, slots=True)
class Discovery:
    """All resources without their subresources: the core group first, then in the server's order.

    Within a group the preferred version comes first. `silent` names the group versions of which
    the server could not say what they serve ("metrics.k8s.io/v1beta1").
    """

    resources: tuple[ApiResource, ...]
    silent: tuple[str, ...] = ()


async def discover(client: ApiClient, *, idle_timeout: float = 30.0) -> Discovery:
    """Ask what the server serves: two requests; from one before 1.26, one per group version.

    Raises:
        ApiError: the server answered with anything but 200.
        IdleTimeout: nothing came for `idle_timeout` seconds.
        TransportError: the connection failed or broke.
        ProtocolError: the answer is no discovery.

    """
    asking = _Asking(client, idle_timeout)
    core = _core_versions(await asking.get("/api"))
    groups = _group_versions(await asking.get("/apis"))
    parts = core if isinstance(core, Discovery) else await asking.each(core)
    rest = groups if isinstance(groups, Discovery) else await asking.each(groups)
    return Discovery(parts.resources + rest.resources, parts.silent + rest.silent)


class _Asking:
    """Sends the requests of one discovery, as lists are sent."""

    def __init__(self, client: ApiClient, idle_timeout: float) -> None:
        self._client = client
        self._idle_timeout = idle_timeout

    async def get(self, path: str) -> bytes:
        doing = f"discover {path}"
        request = Request(
            doing=doing,
            path=path,
            query={},
            accept=_ACCEPT,
            encoding="gzip",
            idle_timeout=self._idle_timeout,
        )
        answer = await send(self._client, request)
        try:
            return await read_page(
                answer.incoming, raw=answer.raw, idle_timeout=self._idle_timeout, doing=doing
            )
        finally:
            answer.incoming.close()

    async def each(self, versions: Sequence[str]) -> Discovery:
        """Ask for each group version; one that is out of order does not hide the others."""
        answers: dict[str, bytes | WatchkitError] = {}
        limiter = CapacityLimiter(_AT_ONCE)

        async def ask(version: str) -> None:
            async with limiter:
                try:
                    base = "apis" if "/" in version else "api"
                    answers[version] = await self.get(f"/{base}/{version}")
                except WatchkitError as error:
                    answers[version] = error

        async with create_task_group() as group:
            for version in versions:
                group.start_soon(ask, version)
        return _joined([(version, answers[version]) for version in versions])


def _joined(answers: Iterable[tuple[str, bytes | WatchkitError]]) -> Discovery:
    resources: list[ApiResource] = []
    silent: list[str] = []
    for version, answer in answers:
        match answer:
            case bytes():
                resources += _resources(version, answer)
            case NotFound():
                pass  # taken away since it was named
            case ApiError():
                silent.append(version)
            case _:
                raise answer
    return Discovery(tuple(resources), tuple(silent))


# The two forms of an answer; what they leave out may be missing or null.


class _Struct(msgspec.Struct, rename="camel"):
    pass


class _Kind(_Struct):
    kind: str = ""


class _GatheredResource(_Struct):
    resource: str
    response_kind: _Kind | None = None
    scope: str = ""
    singular_resource: str = ""
    verbs: list[str] | None = None
    short_names: list[str] | None = None


class _GatheredVersion(_Struct):
    version: str
    freshness: str = ""
    resources: list[_GatheredResource] | None = None


class _Name(_Struct):
    name: str = ""


class _GatheredGroup(_Struct):
    metadata: _Name | None = None
    versions: list[_GatheredVersion] | None = None


class _Gathered(_Struct):
    items: list[_GatheredGroup] | None = None


class _Version(_Struct):
    group_version: str = ""


class _Group(_Struct):
    versions: list[_Version] | None = None
    preferred_version: _Version | None = None


class _GroupList(_Struct):
    groups: list[_Group] | None = None


class _CoreVersions(_Struct):
    versions: list[str] | None = None


class _Resource(_Struct):
    name: str
    singular_name: str = ""
    namespaced: bool = False
    kind: str = ""
    verbs: list[str] | None = None
    short_names: list[str] | None = None


class _ResourceList(_Struct):
    resources: list[_Resource] | None = None


def _core_versions(body: bytes) -> Discovery | list[str]:
    """Read the answer of /api: all of the core group, or just its versions."""
    if _parsed(body, _Kind).kind == "APIGroupDiscoveryList":
        return _gathered(body)
    return _parsed(body, _CoreVersions).versions or []


def _group_versions(body: bytes) -> Discovery | list[str]:
    """Read the answer of /apis: all groups with what they serve, or just their versions."""
    if _parsed(body, _Kind).kind == "APIGroupDiscoveryList":
        return _gathered(body)
    versions: dict[str, None] = {}  # a set that keeps its order
    for group in _parsed(body, _GroupList).groups or []:
        preferred = [group.preferred_version] if group.preferred_version else []
        named = [*preferred, *(group.versions or [])]
        versions.update((each.group_version, None) for each in named if each.group_version)
    return list(versions)


def _gathered(body: bytes) -> Discovery:
    resources: list[ApiResource] = []
    silent: list[str] = []
    for group in _parsed(body, _Gathered).items or []:
        name = group.metadata.name if group.metadata else ""
        for version in group.versions or []:
            if version.freshness == "Stale":
                silent.append(f"{name}/{version.version}")
                continue
            resources += [_from_gathered(name, version.version, each) for each in _kinds(version)]
    return Discovery(tuple(resources), tuple(silent))


def _kinds(version: _GatheredVersion) -> list[_GatheredResource]:
    """All but those that only have subresources: they have no kind."""
    return [each for each in version.resources or [] if each.response_kind is not None]


def _from_gathered(group: str, version: str, said: _GatheredResource) -> ApiResource:
    kind = said.response_kind.kind if said.response_kind else ""
    return ApiResource(
        group,
        version,
        said.resource,
        said.singular_resource or kind.lower(),
        kind,
        said.scope == "Namespaced",
        frozenset(said.verbs or ()),
        tuple(said.short_names or ()),
    )


def _resources(group_version: str, body: bytes) -> list[ApiResource]:
    group, _, version = group_version.rpartition("/")
    return [
        ApiResource(
            group,
            version,
            said.name,
            said.singular_name or said.kind.lower(),
            said.kind,
            said.namespaced,
            frozenset(said.verbs or ()),
            tuple(said.short_names or ()),
        )
        for said in _parsed(body, _ResourceList).resources or []
        if "/" not in said.name  # a subresource: pods/log
    ]


def _parsed(body: bytes, form: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        kind = type(error).__name__
    raise ProtocolError(f"an answer that is no discovery ({kind})")

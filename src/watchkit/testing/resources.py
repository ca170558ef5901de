"""What a resource of a fake cluster is: its names, and the traits by which its writes differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Final

_COMMON_FIELDS: Final = ("metadata.name", "metadata.namespace")


@dataclass(frozen=True, slots=True)
class Scale:
    """Where the scale subresource finds its numbers, as dotted paths that begin with a dot."""

    spec: str
    status: str


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource: `api_version` "v1" or "group/version", `plural` as in the URL.

    `fields` are the dotted paths that a field selector may name besides name and namespace.
    A `custom` one (of a CRD) is written with sorted keys, and with kind and apiVersion on every
    list item; a built-in one without these on items. `status`: only its subresource writes the
    status. `counts`: changes of the spec count as generations. `guarded`: a PUT has to name a
    version. `upsert`: a PUT creates what is not there. `shows_deleted`: DELETE answers with the
    object that is gone instead of a Status. A `review` is answered at once, never stored.
    `finalize`: it has that subresource, which writes the finalizers in its spec.
    """

    api_version: str
    plural: str
    kind: str
    _: KW_ONLY
    namespaced: bool = True
    fields: tuple[str, ...] = ()
    custom: bool = False
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    status: bool = False
    scale: Scale | None = None
    counts: bool = False
    guarded: bool = False
    upsert: bool = False
    shows_deleted: bool = False
    review: bool = False
    finalize: bool = False

    def __hash__(self) -> int:
        """By name: a server has but one resource of each, and asks for it all the time."""
        return hash((self.api_version, self.plural))

    @property
    def group(self) -> str:
        """The API group, "" for the core one."""
        return self.api_version.rpartition("/")[0]

    @property
    def name(self) -> str:
        """As kubectl writes it: "pods", "deployments.apps"."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def singular(self) -> str:
        """The kind in small letters."""
        return self.kind.lower()

    @property
    def graceful(self) -> bool:
        """Whether deletion takes two steps, the second a kubelet's: pods, and nothing else."""
        return self.name == "pods"

    @property
    def subresources(self) -> tuple[str, ...]:
        """The names of its subresources."""
        named = {
            "finalize": self.finalize,
            "scale": self.scale is not None,
            "status": self.status,
        }
        names = [name for name, there in named.items() if there]
        return tuple(reversed(names)) if self.custom else tuple(names)

    @property
    def selectable(self) -> tuple[str, ...]:
        """Every dotted path that a field selector may name."""
        both = self.namespaced or not (self.custom or self.fields)
        return (*(_COMMON_FIELDS if both else _COMMON_FIELDS[:1]), *self.fields)

    def key(self, namespace: str | None, name: str) -> str:
        """The key of an object: "ns/name", or "name" where there are no namespaces."""
        return f"{namespace}/{name}" if self.namespaced else name


def path_of(resource: Resource, namespace: str | None) -> str:
    """The path of a collection in the URL."""
    base = f"/apis/{resource.api_version}" if resource.group else f"/api/{resource.api_version}"
    scope = f"/namespaces/{namespace}" if namespace else ""
    return f"{base}{scope}/{resource.plural}"


class Catalogue:
    """The resources served, found by plural or by kind."""

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        self._by_plural: dict[tuple[str, str], Resource] = {}
        self._by_kind: dict[tuple[str, str], Resource] = {}
        for resource in resources:
            self.add(resource)

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._by_plural.values())

    def add(self, resource: Resource) -> None:
        """Serve one more resource, or another under the same names."""
        self._by_plural[resource.api_version, resource.plural] = resource
        self._by_kind[resource.api_version, resource.kind] = resource

    def remove(self, resource: Resource) -> None:
        """Serve it no longer."""
        del self._by_plural[resource.api_version, resource.plural]
        del self._by_kind[resource.api_version, resource.kind]

    def named(self, api_version: str, plural: str) -> Resource | None:
        """The resource of that plural, None where it is not served."""
        return self._by_plural.get((api_version, plural))

    def of_kind(self, api_version: str, kind: str) -> Resource | None:
        """The resource whose objects have that kind, None where it is not served."""
        return self._by_kind.get((api_version, kind))

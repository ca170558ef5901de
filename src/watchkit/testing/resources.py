"""Which resources a fake cluster serves, and how each is written on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Final

_SHOW_DELETED: Final = frozenset(
    {"persistentvolumeclaims", "persistentvolumes", "pods", "serviceaccounts", "services"}
)
_COMMON_FIELDS: Final = ("metadata.name", "metadata.namespace")


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource: `api_version` "v1" or "group/version", `plural` as in the URL.

    `fields` are the dotted paths that a field selector may name besides name and namespace.
    A `custom` one (of a CRD) is written with sorted keys, and with kind and apiVersion on every
    list item; a built-in one without these on items.
    """

    api_version: str
    plural: str
    kind: str
    _: KW_ONLY
    namespaced: bool = True
    fields: tuple[str, ...] = ()
    custom: bool = False
    short_names: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """The API group, "" for the core one."""
        return self.api_version.rpartition("/")[0]

    @property
    def name(self) -> str:
        """As kubectl writes it: "pods", "deployments.apps"."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def shows_deleted(self) -> bool:
        """Whether DELETE answers with the object that is gone instead of a Status."""
        return not self.group and self.plural in _SHOW_DELETED

    @property
    def selectable(self) -> tuple[str, ...]:
        """Every dotted path that a field selector may name."""
        return (*(_COMMON_FIELDS if self.namespaced else _COMMON_FIELDS[:1]), *self.fields)

    def key(self, namespace: str | None, name: str) -> str:
        """The key of an object: "ns/name", or "name" where there are no namespaces."""
        return f"{namespace}/{name}" if self.namespaced else name


def _fields(names: str) -> tuple[str, ...]:
    return tuple(names.split())


_POD_FIELDS: Final = _fields(
    "spec.nodeName spec.restartPolicy spec.schedulerName spec.serviceAccountName"
    " spec.hostNetwork status.phase status.podIP status.nominatedNodeName"
)
_EVENT_FIELDS: Final = _fields(
    "involvedObject.kind involvedObject.namespace involvedObject.name involvedObject.uid"
    " involvedObject.apiVersion involvedObject.resourceVersion involvedObject.fieldPath"
    " reason reportingComponent source type"
)
BUILT_IN: Final = (
    Resource("v1", "configmaps", "ConfigMap", short_names=("cm",)),
    Resource("v1", "endpoints", "Endpoints", short_names=("ep",)),
    Resource("v1", "events", "Event", fields=_EVENT_FIELDS, short_names=("ev",)),
    Resource(
        "v1",
        "namespaces",
        "Namespace",
        namespaced=False,
        fields=("status.phase",),
        short_names=("ns",),
    ),
    Resource(
        "v1", "nodes", "Node", namespaced=False, fields=("spec.unschedulable",), short_names=("no",)
    ),
    Resource("v1", "persistentvolumeclaims", "PersistentVolumeClaim", short_names=("pvc",)),
    Resource("v1", "persistentvolumes", "PersistentVolume", namespaced=False, short_names=("pv",)),
    Resource("v1", "pods", "Pod", fields=_POD_FIELDS, short_names=("po",)),
    Resource("v1", "secrets", "Secret", fields=("type",)),
    Resource("v1", "serviceaccounts", "ServiceAccount", short_names=("sa",)),
    Resource(
        "v1", "services", "Service", fields=("spec.clusterIP", "spec.type"), short_names=("svc",)
    ),
    Resource("apps/v1", "daemonsets", "DaemonSet", short_names=("ds",)),
    Resource("apps/v1", "deployments", "Deployment", short_names=("deploy",)),
    Resource(
        "apps/v1", "replicasets", "ReplicaSet", fields=("status.replicas",), short_names=("rs",)
    ),
    Resource("apps/v1", "statefulsets", "StatefulSet", short_names=("sts",)),
    Resource("batch/v1", "cronjobs", "CronJob", short_names=("cj",)),
    Resource("batch/v1", "jobs", "Job", fields=("status.successful",)),
    Resource("coordination.k8s.io/v1", "leases", "Lease"),
    Resource("discovery.k8s.io/v1", "endpointslices", "EndpointSlice"),
    Resource("networking.k8s.io/v1", "ingresses", "Ingress", short_names=("ing",)),
    Resource(
        "apiextensions.k8s.io/v1",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        namespaced=False,
        short_names=("crd", "crds"),
    ),
)


class Catalogue:
    """The resources served, found by plural or by kind."""

    def __init__(self) -> None:
        self._by_plural: dict[tuple[str, str], Resource] = {}
        self._by_kind: dict[tuple[str, str], Resource] = {}
        for resource in BUILT_IN:
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

"""A script: operations on an API server, as values, in an order.

In paths, queries and bodies `{ns}` is a namespace that the script has for itself, and
`<name.metadata.uid>` what the answer saved under that name holds there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

GROUP: Final = "fidelity.x.io"
MAPS: Final = "/api/v1/namespaces/{ns}/configmaps"
SHOPS: Final = f"/apis/{GROUP}/v1/namespaces/{{ns}}/shops"
JSON: Final = "application/json"

Json: TypeAlias = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | bool | None
Manifest: TypeAlias = dict[str, Json]


@dataclass(frozen=True)
class Ask:
    """One request and its answer. A text as `body` is sent as it is."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Json = None
    media: str = JSON
    accept: str = JSON
    save: str = ""
    token: str | None = None  # None: the administrator's; "": none

    def __str__(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in self.query.items())
        return f"{self.method} {self.path}" + (f"?{query}" if query else "")


@dataclass(frozen=True)
class Follow:
    """A watch: open from here on, its events are all those until it ends.

    It lives a few seconds unless its query says how long. `until` ends it sooner: with the event
    of the object of that name.
    """

    path: str
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    accept: str = JSON
    until: str = ""

    def __str__(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in self.query.items())
        return f"WATCH {self.path}?{query}"


@dataclass(frozen=True)
class Forget:
    """History is forgotten: what is asked for at an earlier version is expired."""

    def __str__(self) -> str:
        return "FORGET"


Step: TypeAlias = Ask | Follow | Forget


@dataclass(frozen=True)
class Script:
    """Steps in order. Compared are, of objects, `owners`: who owns which field, too; `whole`: all.

    Else it is kind and metadata only, of kinds that a real server fills with defaults.
    """

    name: str
    steps: Sequence[Step]
    owners: bool = False
    whole: bool = True

    def __str__(self) -> str:
        return self.name


def get(path: str, save: str = "", *, accept: str = JSON, **query: str) -> Ask:
    """Read an object or list some."""
    return Ask("GET", path, query, accept=accept, save=save)


def post(path: str, body: Json, save: str = "", **query: str) -> Ask:
    """Create an object."""
    return Ask("POST", path, query, body, save=save)


def put(path: str, body: Json, save: str = "", **query: str) -> Ask:
    """Replace an object."""
    return Ask("PUT", path, query, body, save=save)


def delete(path: str, body: Json = None, **query: str) -> Ask:
    """Delete an object or many."""
    return Ask("DELETE", path, query, body)


def patch(path: str, body: Json, media: str = "merge-patch+json", **query: str) -> Ask:
    """Change an object."""
    return Ask("PATCH", path, query, body, f"application/{media}")


def apply(path: str, body: Json, by: str, **query: str) -> Ask:
    """Apply a configuration, server-side."""
    return patch(path, body, "apply-patch+yaml", fieldManager=by, **query)


def config_map(name: str, value: str = "1", version: str = "", **metadata: Json) -> Manifest:
    """Give a ConfigMap."""
    known: dict[str, Json] = {"name": name} if name else {}
    if version:
        known["resourceVersion"] = version
    said: dict[str, Json] = {"apiVersion": "v1", "kind": "ConfigMap"}
    return {**said, "metadata": {**known, **metadata}, "data": {"k": value}}


def shop(name: str, size: int = 1, version: str = "", **metadata: Json) -> Manifest:
    """Give an object of a custom resource."""
    known: dict[str, Json] = {"name": name} if name else {}
    if version:
        known["resourceVersion"] = version
    said: dict[str, Json] = {"apiVersion": f"{GROUP}/v1", "kind": "Shop"}
    return {**said, "metadata": {**known, **metadata}, "spec": {"size": size}}


def definition() -> Manifest:
    """Give the definition of that custom resource."""
    anything: Json = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version: Json = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": anything},
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.size",
                "statusReplicasPath": ".status.size",
            },
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"shops.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "plural": "shops",
                "singular": "shop",
                "kind": "Shop",
                "listKind": "ShopList",
            },
            "versions": [version],
        },
    }

"""Sets of fields: which of an object's fields a configuration names, and what stands there. Pure.

A field is the path to it, element by element as managedFields writes them: `f:name` a field,
`k:{...}` the item of a list with these keys, `v:...` the item of a set. A list of a built-in
resource has keys where Kubernetes' own schema gives it some; every other list is one field.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from watchkit.testing.log import Manifest
from watchkit.testing.values import is_list, is_map, section

Path: TypeAlias = tuple[str, ...]
Paths: TypeAlias = frozenset[Path]

ABSENT: Final = object()

_BY_NAME: Final = (
    "containers initContainers ephemeralContainers env volumes imagePullSecrets secrets webhooks"
    " resourceClaims"
)
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(_BY_NAME.split(), ("name",)),
    "addresses": ("type",),
    "conditions": ("type",),
    "hostAliases": ("ip",),
    "ownerReferences": ("uid",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
}
"""The keys of lists that merge item by item; those of `ports` depend on where it stands."""

_SETS: Final = frozenset({"finalizers"})
_MAPS: Final = frozenset(
    {
        *("labels", "annotations", "data", "binaryData", "stringData", "matchLabels"),
        *("limits", "requests", "capacity", "allocatable", "hard", "used", "parameters"),
    }
)
"""Fields whose names are the user's, not the schema's: each of them is owned by itself."""

_REQUIRED: Final = frozenset({"f:containers"})
"""Lists that are always there, so that nobody adds them."""

_DEFAULTS: Final = {"protocol": "TCP"}
_IDENTITY: Final = frozenset(
    {
        *("name", "namespace", "uid", "resourceVersion", "generation", "selfLink"),
        *("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields"),
    }
)
"""Metadata that nobody owns."""


def paths_of(manifest: Manifest, *, custom: bool, holders: bool = False) -> Paths:
    """Every field that a manifest sets, but for what names the object.

    `holders`: the maps and lists too whose items are fields. Who adds one by an update owns it,
    who applies one owns its items only.
    """
    metadata = section(manifest, "metadata")
    owned = {name: value for name, value in metadata.items() if name not in _IDENTITY}
    rest = {
        name: value
        for name, value in manifest.items()
        if name not in {"apiVersion", "kind", "metadata"}
    }
    of_metadata, of_rest = _Way(schemaless=False, holders=holders), _Way(custom, holders)
    found = set(_of_map({"metadata": owned}, (), of_metadata)) if owned else set[Path]()
    found |= set(_of_map(rest, (), of_rest))
    return frozenset(found)


class _Way(NamedTuple):
    """How fields are named."""

    schemaless: bool
    holders: bool


def _of_map(value: Manifest, path: Path, way: _Way) -> Iterator[Path]:
    named_by_user = way.schemaless or (bool(path) and path[-1].removeprefix("f:") in _MAPS)
    for name, inner in value.items():
        here = (*path, f"f:{name}")
        yield from _of(inner, here, way)
        if named_by_user or inner is None or inner == {} or (way.holders and _holds(inner, name)):
            yield here


def _holds(value: object, name: str) -> bool:
    """Whether this is a map or list that is owned besides its items: one that may be left out."""
    return is_map(value) and name in _MAPS


def _of(value: object, path: Path, way: _Way) -> Iterator[Path]:
    if is_map(value):
        yield from _of_map(value, path, way)
        return
    elements = None
    if is_list(value):
        elements = elements_of(value, path, schemaless=way.schemaless)
    if elements is None or (way.holders and path[-1] not in _REQUIRED):
        yield path
    for element, item in elements or ():
        yield (*path, element)
        if is_map(item):
            yield from _of(item, (*path, element), way)


def elements_of(
    items: list[Any], path: Path, *, schemaless: bool
) -> list[tuple[str, object]] | None:
    """The items of a list under their names, None where it is one field."""
    name = path[-1].removeprefix("f:")
    if name in _SETS and path[0] == "f:metadata":
        return [(f"v:{_json(item)}", item) for item in items]
    keys = None if schemaless and path[0] != "f:metadata" else _keys(name, path)
    maps: list[Manifest] = [item for item in items if is_map(item)]
    if keys is None or len(maps) < len(items):
        return None
    return [(_element(item, keys), item) for item in maps]


def _keys(name: str, path: Path) -> tuple[str, ...] | None:
    if name == "ports":
        return ("containerPort", "protocol") if len(path) > 2 else ("port", "protocol")  # noqa: PLR2004 - spec.ports is a Service's
    return _KEYS.get(name)


def _element(item: Manifest, keys: Iterable[str]) -> str:
    named = {key: item.get(key, _DEFAULTS.get(key)) for key in keys}
    return f"k:{_json({key: value for key, value in named.items() if value is not None})}"


def at(manifest: object, path: Path, *, schemaless: bool) -> Any:  # noqa: ANN401 - any JSON value
    """What stands in a field, ABSENT where nothing does."""
    value = manifest
    for index, element in enumerate(path):
        if is_map(value) and element.startswith("f:"):
            value = value.get(element[2:], ABSENT)
        elif is_list(value):
            items = elements_of(value, path[:index], schemaless=schemaless)
            value = dict(items or ()).get(element, ABSENT)
        else:
            return ABSENT
    return value


def encoded(paths: Iterable[Path]) -> Manifest:
    """The paths as FieldsV1 writes them."""
    root: Manifest = {}
    wanted = sorted(paths)
    holders = {path[:length] for path in wanted for length in range(len(path))}
    for path in wanted:
        node = root
        for element in path:
            node = node.setdefault(element, {})
        if path in holders:
            node["."] = {}
    return root


def decoded(fields: Manifest, path: Path = ()) -> Iterator[Path]:
    """The paths that FieldsV1 stands for."""
    if not fields and path:
        yield path
    for element, inner in fields.items():
        if element == ".":
            yield path
        else:
            yield from decoded(inner, (*path, element))


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()

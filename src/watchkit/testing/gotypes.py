"""What Go's JSON decoder says of values of another type than a field has. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from watchkit.testing import bodies
from watchkit.testing.bodies import Refusal
from watchkit.testing.log import Manifest
from watchkit.testing.resources import Resource
from watchkit.testing.values import is_list, is_map

Json: TypeAlias = Literal["null", "bool", "number", "string", "array", "object"]
"""The kinds of JSON values, in Go's words."""


@dataclass(frozen=True, slots=True)
class GoType:
    """A type by its name in Go; `takes` is what it is read from, `empty` what null makes of it.

    `fields` are those of a struct, `inner` is what a slice or a map holds.
    """

    name: str
    takes: Json
    empty: object = None
    fields: Mapping[str, GoType] = field(default_factory=dict[str, "GoType"])
    inner: GoType | None = None


def _struct(name: str, /, **fields: GoType) -> GoType:
    return GoType(name, "object", {}, fields)


def _slice(name: str, inner: GoType) -> GoType:
    return GoType(f"[]{name}", "array", [], inner=inner)


STRING: Final = GoType("string", "string", "")
UID: Final = GoType("types.UID", "string", "")
TIME: Final = GoType("string", "string")
INT32: Final = GoType("int32", "number", 0)
INT64: Final = GoType("int64", "number", 0)
BOOL: Final = GoType("bool", "bool", False)  # noqa: FBT003 - a value, not a switch
_TEXTS: Final = GoType("map[string]string", "object", {}, inner=STRING)
_OWNER: Final = _struct(
    "v1.OwnerReference",
    apiVersion=STRING,
    kind=STRING,
    name=STRING,
    uid=UID,
    controller=BOOL,
    blockOwnerDeletion=BOOL,
)
_MANAGED: Final = _struct("v1.ManagedFieldsEntry", manager=STRING, operation=STRING)
OBJECT_META: Final = _struct(
    "v1.ObjectMeta",
    name=STRING,
    generateName=STRING,
    namespace=STRING,
    selfLink=STRING,
    uid=UID,
    resourceVersion=STRING,
    generation=INT64,
    creationTimestamp=TIME,
    deletionTimestamp=TIME,
    deletionGracePeriodSeconds=INT64,
    labels=_TEXTS,
    annotations=_TEXTS,
    ownerReferences=_slice("v1.OwnerReference", _OWNER),
    finalizers=_slice("string", STRING),
    managedFields=_slice("v1.ManagedFieldsEntry", _MANAGED),
)
_BYTES: Final = GoType("map[string][]uint8", "object", {}, inner=GoType("[]uint8", "string", ""))
_DATA: Final[Mapping[str, Mapping[str, GoType]]] = {
    "configmaps": {"data": _TEXTS, "binaryData": _BYTES},
    "secrets": {"data": _BYTES, "stringData": _TEXTS},
}
"""What is no spec, of the kinds that have none."""

SCALE: Final = _struct("Scale", metadata=OBJECT_META, spec=_struct("v1.ScaleSpec", replicas=INT32))
DELETE_OPTIONS: Final = _struct(
    "DeleteOptions",
    gracePeriodSeconds=INT64,
    preconditions=_struct("v1.Preconditions", uid=UID, resourceVersion=STRING),
    orphanDependents=BOOL,
    propagationPolicy=GoType("v1.DeletionPropagation", "string"),
    dryRun=_slice("string", STRING),
)

_TYPED: Final = (
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string'
    ' "json:\\"kind,omitempty\\"" }'
)
_ENVELOPE: Final = GoType(_TYPED, "object", {}, {"apiVersion": STRING, "kind": STRING})
_RFC3339: Final = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[-+]\d\d:\d\d)$")
_Time: TypeAlias = Annotated[str, msgspec.Meta(pattern=_RFC3339.pattern)]


class _Owner(msgspec.Struct, gc=False):
    apiVersion: str = ""  # noqa: N815 - the API's name, as those below
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None
    blockOwnerDeletion: bool | None = None  # noqa: N815


class _Entry(msgspec.Struct, gc=False):
    manager: str | None = None
    operation: str | None = None


class _Metadata(msgspec.Struct, gc=False):
    """ObjectMeta as most have it: read in C, to see at once that nothing is wrong with it."""

    name: str | None = None
    generateName: str | None = None  # noqa: N815
    namespace: str | None = None
    selfLink: str | None = None  # noqa: N815
    uid: str | None = None
    resourceVersion: str | None = None  # noqa: N815
    generation: int | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    finalizers: list[str] | None = None
    ownerReferences: list[_Owner] | None = None  # noqa: N815
    managedFields: list[_Entry] | None = None  # noqa: N815
    creationTimestamp: _Time | None = None  # noqa: N815
    deletionTimestamp: _Time | None = None  # noqa: N815
    deletionGracePeriodSeconds: int | None = None  # noqa: N815


def unfit(value: object, wanted: GoType, holder: str = "", path: str = "") -> str:
    """What the decoder says of a value that is to become a `wanted`; "" where it fits.

    `holder` is the struct whose field it is, `path` where that is.
    """
    found = kind_of(value)
    if found == "null":
        return ""
    if found != wanted.takes or (isinstance(value, float) and not value.is_integer()):
        shown = f"number {value}" if found == wanted.takes else found
        where = f"Go struct field {holder}.{path}" if holder else "Go value"
        return f"json: cannot unmarshal {shown} into {where} of type {wanted.name}"
    if wanted is TIME and not _RFC3339.fullmatch(str(value)):
        layout = "2006-01-02T15:04:05Z07:00"
        return f'parsing time "{value}" as "{layout}": cannot parse "{value}" as "2006"'
    for inside, inner, name in _inner(value, wanted):
        at = f"{path}.{name}".strip(".") if name else path
        here = wanted.name.rpartition(".")[2] if name else holder
        said = unfit(inside, inner, here, at)
        if said:
            return said
    return ""


def metadata_of(resource: Resource, manifest: Manifest) -> tuple[Manifest, str]:
    """The metadata of an object, nulls in it filled in, and what the decoder says against it."""
    given: object = manifest.get("metadata")
    if is_map(given):
        try:
            msgspec.convert(given, _Metadata)
        except msgspec.ValidationError:
            pass
        else:
            return given, ""
    if resource.custom:
        said = unfit(given, OBJECT_META)
    else:
        said = unfit(given, OBJECT_META, resource.kind, "metadata")
    if said or not is_map(given):
        return {}, said
    known = OBJECT_META.fields
    return {name: _filled(value, known.get(name)) for name, value in given.items()}, ""


def check(resource: Resource, manifest: Manifest) -> None:
    """Refuse an object whose metadata, or data, cannot be read.

    Raises:
        Refusal: 400.

    """
    _, said = metadata_of(resource, manifest)
    if not resource.custom and resource.plural in _DATA:
        for name, wanted in _DATA[resource.plural].items():
            said = said or unfit(manifest.get(name), wanted, resource.kind, name)
    if said:
        raise Refusal(bodies.undecodable(resource.kind, resource.api_version, said))


def unread_type(value: object) -> str:
    """What is said of a body whose kind and version cannot be read; "" where they can."""
    said = unfit(value, _ENVELOPE)
    if not said:
        return ""
    if is_map(value):
        said = said.replace(f"{_TYPED}.", ".")
    return f"couldn't get version/kind; json parse error: {said}"


def _inner(value: object, wanted: GoType) -> list[tuple[object, GoType, str]]:
    """What is inside of a value, of which type it is to be, and its name where it has one."""
    if is_map(value):
        if wanted.inner is not None:
            return [(each, wanted.inner, "") for each in value.values()]
        known = wanted.fields
        return [(each, known[name], name) for name, each in value.items() if name in known]
    if is_list(value) and wanted.inner is not None:
        return [(each, wanted.inner, "") for each in value]
    return []


def _filled(value: Any, wanted: GoType | None) -> Any:  # noqa: ANN401 - any JSON value
    """The same with the empty value in place of a null inside of a list or a map."""
    if wanted is None or wanted.inner is None:
        return value
    empty = wanted.inner.empty
    if is_map(value):
        return {name: empty if inner is None else inner for name, inner in value.items()}
    if is_list(value):
        return [empty if inner is None else inner for inner in value]
    return value


def kind_of(value: object) -> Json:
    """What the decoder calls a JSON value."""
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"

"""How the server reads the JSON that a patch made: metadata by its types, null as nothing. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from watchkit.testing import bodies
from watchkit.testing.bodies import Refusal
from watchkit.testing.log import Manifest
from watchkit.testing.resources import Resource
from watchkit.testing.values import is_list, is_map

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def read(resource: Resource, said: object) -> Manifest:
    """The object that some JSON is, texts that are null as empty ones.

    Raises:
        Refusal: 422, something in its metadata is of another type.

    """
    manifest: Manifest = said if is_map(said) else {}
    metadata: object = manifest.get("metadata")
    if metadata is None:
        return manifest
    if not is_map(metadata):
        raise Refusal(_mistyped(manifest, "metadata", metadata))
    for name, value in metadata.items():
        if value is not None and name in _TYPES and not _TYPES[name](value):
            raise Refusal(_mistyped(manifest, f"metadata.{name}", value))
    filled = {name: _filled(name, value) for name, value in metadata.items()}
    data: object = manifest.get("data")
    if is_map(data) and not resource.custom:
        manifest = {**manifest, "data": _filled("data", data)}
    return {**manifest, "metadata": filled}


def named(value: object) -> str:
    """What the server calls the type of a JSON value that is not null."""
    match value:
        case bool():
            return "bool"
        case str():
            return "string"
        case int() | float():
            return "number"
        case list():
            return "array"
        case _:
            return "object"


def _filled(name: str, value: object) -> object:
    if name in {"labels", "annotations", "data"} and is_map(value):
        return {key: "" if inner is None else inner for key, inner in value.items()}
    if name == "finalizers" and is_list(value):
        return ["" if inner is None else inner for inner in value]
    return value


def _mistyped(manifest: Manifest, where: str, value: object) -> bodies.Reply:
    text = msgspec.json.encode(manifest, order="sorted").decode()
    fault = f"json: cannot unmarshal {named(value)} into Go struct field {where}"
    said = f"Invalid value: {msgspec.json.encode(text).decode()}: {fault}"
    return bodies.invalid("", "", ("FieldValueInvalid", "patch", said))


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_time(value: object) -> bool:
    return isinstance(value, str) and bool(_TIME.fullmatch(value))


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_texts(value: object) -> bool:
    return is_map(value) and all(map(_is_text, value.values()))


def _is_list_of_texts(value: object) -> bool:
    return is_list(value) and all(map(_is_text, value))


def _is_list_of_maps(value: object) -> bool:
    return is_list(value) and all(inner is None or is_map(inner) for inner in value)


_TYPES: Final[Mapping[str, Callable[[object], bool]]] = {
    **dict.fromkeys(("name", "generateName", "namespace", "uid", "resourceVersion"), _is_text),
    **dict.fromkeys(("creationTimestamp", "deletionTimestamp"), _is_time),
    **dict.fromkeys(("generation", "deletionGracePeriodSeconds"), _is_number),
    **dict.fromkeys(("labels", "annotations"), _are_texts),
    "finalizers": _is_list_of_texts,
    "ownerReferences": _is_list_of_maps,
    "managedFields": _is_list_of_maps,
}

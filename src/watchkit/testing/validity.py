"""What a server's validation finds wrong with the metadata of an object. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

from watchkit.testing.log import Manifest
from watchkit.testing.resources import Resource

Cause: TypeAlias = tuple[str, str, str]
"""A reason, the field, and what is said of it."""

_BOTH_ENDS: Final = "and must start and end with an alphanumeric character"
_SUBDOMAIN: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_SUBDOMAIN_RULE: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or"
    f" '.', {_BOTH_ENDS} (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
_DNS_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DNS_LABEL_RULE: Final = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-',"
    f" {_BOTH_ENDS} (e.g. 'my-name',  or '123-abc', regex used for validation is '{_DNS_LABEL}')"
)
_QUALIFIED: Final = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_QUALIFIED_RULE: Final = (
    f"must consist of alphanumeric characters, '-', '_' or '.', {_BOTH_ENDS} (e.g. 'MyName',  or"
    f" 'my.name',  or '123-abc', regex used for validation is '{_QUALIFIED}')"
)
_LABEL: Final = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
_LABEL_RULE: Final = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or"
    f" '.', {_BOTH_ENDS} (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation"
    f" is '{_LABEL}')"
)
_PATTERNS: Final = {rule: re.compile(rule) for rule in (_SUBDOMAIN, _DNS_LABEL, _QUALIFIED, _LABEL)}

_LONGEST_NAME: Final = 253
_LONG: Final = f"must be no more than {_LONGEST_NAME} characters"
_LONGEST_LABEL: Final = 63
_LONGEST_CRON_JOB: Final = 52
"""Letters, so that those that are added for the name of a job find room."""
_LARGEST_ANNOTATIONS: Final = 256 * 1024
"""Bytes, of all keys and values together."""

_ONE_LABEL: Final = frozenset({"namespaces", "services", "statefulsets"})
"""Resources whose names become labels of a DNS name, and so hold no dot."""

_ANY_SEGMENT: Final = frozenset(
    {"rbac.authorization.k8s.io/v1", "policy/v1", "certificates.k8s.io/v1"}
)
"""API versions whose objects may have any name that is one segment of a path."""

_STANDARD: Final = frozenset({"foregroundDeletion", "orphan", "kubernetes"})
"""Finalizers that have no domain."""

_EITHER: Final = frozenset({"foregroundDeletion", "orphan"})
_OWNER_FIELDS: Final = ("apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion")
_NEEDED: Final = ("kind", "name", "uid")
_EMPTY: Final = "Required value: must not be empty"


def name_faults(resource: Resource, metadata: Manifest) -> Iterator[Cause]:
    """What is wrong with the name of a new object, and with what it was made from."""
    yield from prefix_faults(resource, metadata)
    name = metadata.get("name")
    if not name:
        said = "Required value: name or generateName is required"
        yield "FieldValueRequired", "metadata.name", said
        return
    for said in _name_faults(resource, name):
        yield _invalid("metadata.name", name, said)
    if len(name) > _LONGEST_CRON_JOB and resource.name == "cronjobs.batch":
        said = f"must be no more than {_LONGEST_CRON_JOB} characters"
        yield _invalid("metadata.name", name, said)


def prefix_faults(resource: Resource, metadata: Manifest) -> Iterator[Cause]:
    """What is wrong with what names are generated from."""
    base = metadata.get("generateName")
    if base:
        masked = f"{base[:-1]}a" if len(base) > 1 and base.endswith("-") else base
        for said in _name_faults(resource, masked):
            yield _invalid("metadata.generateName", base, said)


def faults(resource: Resource, metadata: Manifest) -> Iterator[Cause]:
    """What is wrong with the rest of the metadata, as each write has it checked."""
    if metadata.get("labels"):
        for key, value in metadata["labels"].items():
            for said in _key_faults(key):
                yield _invalid("metadata.labels", key, said)
            for said in _label_faults(value):
                yield _invalid("metadata.labels", value, said)
    if metadata.get("annotations"):
        yield from _annotation_faults(metadata["annotations"])
    if metadata.get("ownerReferences"):
        yield from _owner_faults(metadata["ownerReferences"])
    if metadata.get("finalizers"):
        yield from _finalizer_faults(resource, metadata["finalizers"])


def _invalid(where: str, value: str, said: str) -> Cause:
    return "FieldValueInvalid", where, f'Invalid value: "{value}": {said}'


def _name_faults(resource: Resource, name: str) -> list[str]:
    if resource.custom:
        return _subdomain_faults(name, _LONG)
    if resource.plural in _ONE_LABEL:
        return _dns_label_faults(name)
    if resource.api_version in _ANY_SEGMENT:
        if name in {".", ".."}:
            return [f"may not be '{name}'"]
        return [f"may not contain '{sign}'" for sign in "/%" if sign in name]
    return _subdomain_faults(name, _LONG)


def _subdomain_faults(name: str, too_long: str) -> list[str]:
    found = [too_long] if len(name) > _LONGEST_NAME else []
    return found if _PATTERNS[_SUBDOMAIN].fullmatch(name) else [*found, _SUBDOMAIN_RULE]


def _dns_label_faults(name: str) -> list[str]:
    long = len(name) > _LONGEST_LABEL
    found = [f"must be no more than {_LONGEST_LABEL} characters"] if long else []
    if _PATTERNS[_DNS_LABEL].fullmatch(name):
        return found
    dotted = _PATTERNS[_SUBDOMAIN].fullmatch(name)
    return [*found, "must not contain dots" if dotted else _DNS_LABEL_RULE]


@lru_cache(maxsize=4096)
def _key_faults(key: str) -> tuple[str, ...]:
    """Why this is no qualified name: "name", or "example.com/name"."""
    prefix, slash, name = key.rpartition("/")
    if "/" in prefix:
        said = f"a valid label key {_QUALIFIED_RULE} with an optional DNS subdomain prefix and '/'"
        return (f"{said} (e.g. 'example.com/MyName')",)
    found: list[str] = []
    if slash and not prefix:
        found.append("prefix part must be non-empty")
    elif slash:
        too_long = f"must be no more than {_LONGEST_NAME} bytes"
        found += (f"prefix part {each}" for each in _subdomain_faults(prefix, too_long))
    if not name:
        found.append("name part must be non-empty")
    elif len(name) > _LONGEST_LABEL:
        found.append(f"name part must be no more than {_LONGEST_LABEL} bytes")
    if not _PATTERNS[_QUALIFIED].fullmatch(name):
        found.append(f"name part {_QUALIFIED_RULE}")
    return tuple(found)


@lru_cache(maxsize=4096)
def _label_faults(value: str) -> tuple[str, ...]:
    long = len(value) > _LONGEST_LABEL
    found = [f"must be no more than {_LONGEST_LABEL} bytes"] if long else []
    if not _PATTERNS[_LABEL].fullmatch(value):
        found.append(_LABEL_RULE)
    return tuple(found)


def _annotation_faults(annotations: dict[str, str]) -> Iterator[Cause]:
    size = 0
    for key, value in annotations.items():
        size += len(key.encode()) + len(value.encode())
        for said in _key_faults(key.lower()):
            yield _invalid("metadata.annotations", key, said)
    if size > _LARGEST_ANNOTATIONS:
        said = f"Too long: may not be more than {_LARGEST_ANNOTATIONS} bytes"
        yield "FieldValueTooLong", "metadata.annotations", said


def _owner_faults(owners: list[Manifest]) -> Iterator[Cause]:
    controller = ""
    for index, owner in enumerate(owners):
        where = f"metadata.ownerReferences[{index}]"
        version, kind = owner.get("apiVersion") or "", owner.get("kind") or ""
        if not version.rpartition("/")[2]:
            yield "FieldValueRequired", f"{where}.apiVersion", _EMPTY
        elif version.count("/") > 1:
            said = "must be <group>/<version> or <version>"
            yield _invalid(f"{where}.apiVersion", version, said)
        for name in _NEEDED:
            if not owner.get(name):
                yield "FieldValueRequired", f"{where}.{name}", _EMPTY
        if (version, kind) == ("v1", "Event"):
            said = (
                f"Invalid value: {_shown(owner)}: /v1, Kind=Event is disallowed from being an owner"
            )
            yield "FieldValueInvalid", where, said
        if not owner.get("controller"):
            continue
        if controller:
            shown = ",".join(map(_shown, owners))
            said = (
                f"Invalid value: [{shown}]: Only one reference can have Controller set to"
                f' true. Found "true" in references for {controller} and {kind}/{owner.get("name")}'
            )
            yield "FieldValueInvalid", "metadata.ownerReferences", said
        controller = f"{kind}/{owner.get('name')}"


def _finalizer_faults(resource: Resource, finalizers: list[str]) -> Iterator[Cause]:
    """A finalizer has a domain, but for Kubernetes' own; of a custom resource it need not."""
    for name in finalizers:
        for said in _key_faults(name):
            yield _invalid("metadata.finalizers", name, said)
    if _EITHER.issubset(finalizers):
        shown = msgspec.json.encode(finalizers).decode()
        said = f"Invalid value: {shown}: finalizer orphan and foregroundDeletion cannot be both set"
        yield "FieldValueInvalid", "metadata.finalizers", said
    for index, name in enumerate(() if resource.custom else finalizers):
        if "/" not in name and name not in _STANDARD:
            said = "name is neither a standard finalizer name nor is it fully qualified"
            yield _invalid(f"metadata.finalizers[{index}]", name, said)


def _shown(owner: Manifest) -> str:
    """As Go prints an owner: its fields in their order."""
    fields = {name: owner[name] for name in _OWNER_FIELDS if name in owner}
    return msgspec.json.encode(fields).decode()

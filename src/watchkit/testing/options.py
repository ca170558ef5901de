"""Options of requests, in their queries: what is checked before anything is done. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from watchkit.testing import bodies, patches
from watchkit.testing.bodies import Refusal
from watchkit.testing.log import SHOWN, View
from watchkit.testing.requests import ApiRequest

LONGEST_MANAGER: Final = 128
"""Bytes of a fieldManager (FieldManagerMaxLength in apimachinery)."""

_LARGEST: Final = 2**63
_KINDS: Final = {"create": "CreateOptions", "update": "UpdateOptions", "patch": "PatchOptions"}
_VALIDATIONS: Final = ("", "Ignore", "Strict", "Warn")
_COLLECTIVE: Final = ("list", "watch", "deletecollection")

TABLES: Final[Mapping[str, View]] = {
    "": "table",
    "Metadata": "table",
    "Object": "table of objects",
    "None": "table of cells",
}
"""What includeObject makes of a Table."""

Cause: TypeAlias = tuple[str, str, str]


def check_read(request: ApiRequest) -> None:
    """Check the numbers of what is asked of a collection, before its selectors are read.

    Raises:
        Refusal: 400, one is none.

    """
    if request.verb not in _COLLECTIVE:
        return
    for name in ("timeoutSeconds", "limit"):
        said = request.query.get(name, "0")
        digits = said.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal()):
            raise Refusal(bodies.bad_number(said))
        if not -_LARGEST <= int(said) < _LARGEST:
            raise Refusal(bodies.bad_number(said, "value out of range"))


def check_table(request: ApiRequest) -> None:
    """Check what is said of a Table, which the server does once it has one to write.

    Raises:
        Refusal: 400, it is not known.

    """
    said = request.query.get("includeObject", "")
    if request.view in SHOWN and said not in TABLES:
        known = "must be 'Metadata', 'Object', 'None', or empty"
        why = f"includeObject: Invalid value: {bodies.quoted(said)}: {known}"
        raise Refusal(bodies.bad_request(f"Unable to convert to Table as requested: {why}"))


def check_write(request: ApiRequest) -> None:
    """Check what is said beside an object, all of it in one answer, before the object is read.

    Raises:
        Refusal: 422, a value that is not known.

    """
    kind = _KINDS.get(request.verb)
    if kind is None:
        return
    manager, dry_run = request.query.get("fieldManager", ""), request.query.get("dryRun", "All")
    validation = request.query.get("fieldValidation", "")
    causes = [*_of_patch(request, manager), *_of_manager(manager)]
    if dry_run != "All":
        causes.append(_unsupported("dryRun", f'["{dry_run}"]', ("All",)))
    if validation not in _VALIDATIONS:
        causes.append(_unsupported("fieldValidation", f'"{validation}"', _VALIDATIONS))
    if causes:
        raise Refusal(bodies.invalid(kind, "", *causes, group="meta.k8s.io"))


def _of_patch(request: ApiRequest, manager: str) -> list[Cause]:
    if request.verb != "patch":
        return []
    if request.media == patches.APPLY:
        said = "Required value: is required for apply patch"
        return [] if manager else [("FieldValueRequired", "fieldManager", said)]
    said = "Forbidden: may not be specified for non-apply patch"
    return [] if request.flag("force") is None else [("FieldValueForbidden", "force", said)]


def _of_manager(manager: str) -> list[Cause]:
    causes: list[Cause] = []
    if len(manager.encode()) > LONGEST_MANAGER:
        said = f"Too long: may not be more than {LONGEST_MANAGER} bytes"
        causes.append(("FieldValueTooLong", "fieldManager", said))
    shown = bodies.quoted(manager)
    for index, letter in enumerate(manager):
        if not letter.isprintable():
            at = len(manager[:index].encode())
            said = f"invalid character U+{ord(letter):04X} (at position {at})"
            causes.append(("FieldValueInvalid", "fieldManager", f"Invalid value: {shown}: {said}"))
    return causes


def _unsupported(field: str, shown: str, known: tuple[str, ...]) -> Cause:
    listed = ", ".join(f'"{each}"' for each in known)
    said = f"Unsupported value: {shown}: supported values: {listed}"
    return "FieldValueNotSupported", field, said

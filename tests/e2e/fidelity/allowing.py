"""The differences that are allowed, each with the name under which docs/fidelity.md explains it.

None of them is one of status, reason, order, expiry, paging, bookmark or conflict.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from .comparing import Plain
from .script import Script

_IDENTITY: Final = ("kind", "apiVersion", "metadata")


def _defaults(script: Script, answer: Plain) -> Any:  # noqa: ANN401 - any JSON value
    return answer.said if script.whole else _identity_only(answer.said)


def _identity_only(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, list):
        return [_identity_only(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("metadata"), dict) and value.get("kind") != "Status":
        kept = {name: value[name] for name in _IDENTITY if name in value}
        return kept | ({"items": _identity_only(value["items"])} if "items" in value else {})
    return {name: _identity_only(inner) for name, inner in value.items()}


def _owners(script: Script, answer: Plain) -> Any:  # noqa: ANN401
    return answer.said if script.owners else _without("managedFields", answer.said)


def _without(name: str, value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, list):
        return [_without(name, inner) for inner in value]
    if isinstance(value, dict):
        return {key: _without(name, inner) for key, inner in value.items() if key != name}
    return value


def _columns(_: Script, answer: Plain) -> Any:  # noqa: ANN401
    if isinstance(answer.said, list):
        return [
            {**event, "object": _rows_only(event["object"])} if isinstance(event, dict) else event
            for event in answer.said
        ]
    return _rows_only(answer.said)


def _rows_only(said: Any) -> Any:  # noqa: ANN401
    if not isinstance(said, dict) or said.get("kind") != "Table":
        return said
    names = [column["name"] for column in said.get("columnDefinitions") or ()]
    rows = [
        {**row, "cells": [cell for cell in row["cells"] if not _is_age(cell)]}
        for row in said["rows"]
    ]
    return {**said, "columnDefinitions": names, "rows": rows}


def _is_age(cell: object) -> bool:
    return cell == "TIME" or bool(re.fullmatch(r"\d+s|<unknown>", str(cell)))


def _hashes(_: Script, answer: Plain) -> Any:  # noqa: ANN401
    return _without("storageVersionHash", answer.said)


def _worded(pattern: str) -> Callable[[Script, Plain], Any]:
    def blank(_: Script, answer: Plain) -> Any:  # noqa: ANN401
        said = answer.said
        if not isinstance(said, dict) or said.get("kind") != "Status":
            return said
        if not re.search(pattern, said.get("message", "")):
            return said
        return {name: said[name] for name in ("status", "reason", "code")}

    return blank


ALLOWED: Final[Mapping[str, Callable[[Script, Plain], Any]]] = {
    "defaults": _defaults,
    "owners": _owners,
    "columns": _columns,
    "hashes": _hashes,
    "words of selectors": _worded(r"^unable to parse requirement: found '', expected: "),
    "words of methods": _worded("^(delete is not supported|the server does not allow this method)"),
    "words of patches": _worded(r'^ "" is invalid: patch: Invalid value: '),
    "words of generated names": _worded(r"\"Gen_\w+\" is invalid"),
}
"""By name, what takes the difference out of an answer."""


def allowed(script: Script, answer: Plain, *, without: str = "") -> Plain:
    """Give what is left of an answer, with all differences taken out but one."""
    for name, blank in ALLOWED.items():
        if name != without:
            said = blank(script, answer)
            step, status = answer.step, answer.status
            answer = Plain(step, status, answer.media, answer.retry_after, said)
    return answer

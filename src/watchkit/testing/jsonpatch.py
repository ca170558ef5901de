"""JSON patches (RFC 6902), with pointers (RFC 6901), as the API server takes them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

from watchkit.testing.values import is_list, is_map

_ABSENT: Final = object()


class PatchError(ValueError):
    """A patch that is none, or that cannot be applied to this document."""


def patched(document: Any, patch: Sequence[object]) -> Any:  # noqa: ANN401 - any JSON value
    """Apply every operation in order to a copy; all or nothing.

    A `test` for null holds where there is nothing, a `replace` there adds, and a value that is
    missing is null: the server's library has it so.

    Raises:
        PatchError: an operation is none, names what is not there, or tests in vain.

    """
    result = deepcopy(document)
    for operation in patch:
        if not is_map(operation):
            raise PatchError("an operation is no object")
        result = _apply(result, operation)
    return result


def _apply(document: Any, operation: Mapping[str, object]) -> Any:  # noqa: ANN401
    path = _pointer(operation, "path")
    match operation.get("op"):
        case "add":
            return _added(document, path, operation.get("value"))
        case "remove":
            return _removed(document, path)
        case "replace":
            return _put(document, path, operation.get("value"))
        case "move":
            origin = _pointer(operation, "from")
            moved = _found(document, origin)
            return _added(_removed(document, origin), path, moved)
        case "copy":
            return _added(document, path, deepcopy(_found(document, _pointer(operation, "from"))))
        case "test":
            if _at(document, path, None) != operation.get("value"):
                raise PatchError(f"testing {operation['path']} failed")
            return document
        case other:
            raise PatchError(f"unexpected kind: {other}")


def _pointer(operation: Mapping[str, object], name: str) -> list[str]:
    said = operation.get(name)
    if not isinstance(said, str) or (said and not said.startswith("/")):
        raise PatchError(f"{name} is no JSON pointer")
    return [part.replace("~1", "/").replace("~0", "~") for part in said.split("/")[1:]]


def _at(document: Any, path: Sequence[str], default: object) -> Any:  # noqa: ANN401
    at = document
    for part in path:
        if is_map(at) and part in at:
            at = at[part]
        elif is_list(at) and part.isdecimal() and int(part) < len(at):
            at = at[int(part)]
        else:
            return default
    return at


def _found(document: Any, path: Sequence[str]) -> Any:  # noqa: ANN401
    found = _at(document, path, _ABSENT)
    if found is _ABSENT:
        raise PatchError(f"there is nothing at /{'/'.join(path)}")
    return found


def _added(document: Any, path: Sequence[str], value: object) -> Any:  # noqa: ANN401
    if not path:
        return value
    holder, last = _found(document, path[:-1]), path[-1]
    if not is_list(holder):
        return _put(document, path, value)
    if last != "-" and not (last.isdecimal() and int(last) <= len(holder)):
        raise PatchError(f"there is no index {last}")
    holder.insert(len(holder) if last == "-" else int(last), value)
    return document


def _put(document: Any, path: Sequence[str], value: object) -> Any:  # noqa: ANN401
    if not path:
        return value
    holder, last = _found(document, path[:-1]), path[-1]
    if is_list(holder):
        _found(holder, [last])
        holder[int(last)] = value
    elif is_map(holder):
        holder[last] = value
    else:
        raise PatchError(f"/{'/'.join(path[:-1])} holds nothing")
    return document


def _removed(document: Any, path: Sequence[str]) -> Any:  # noqa: ANN401
    _found(document, path)
    if not path:
        return None
    holder, last = _found(document, path[:-1]), path[-1]
    if is_list(holder):
        del holder[int(last)]
    else:
        del holder[last]
    return document

"""JSON values: what kind one is, and the mappings within a manifest."""

from __future__ import annotations

from typing import Any, cast

from typing_extensions import TypeIs


def is_map(value: object) -> TypeIs[dict[str, Any]]:
    """Whether it is a JSON object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeIs[list[Any]]:
    """Whether it is a JSON array."""
    return isinstance(value, list)


def section(value: object, *path: str) -> dict[str, Any]:
    """The mapping at a path, an empty one where there is none."""
    for name in path:
        value = cast("object", value.get(name)) if is_map(value) else None
    return value if is_map(value) else {}

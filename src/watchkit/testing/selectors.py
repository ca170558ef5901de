"""Selectors as the server takes them: read by the core, refused in the server's words."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from watchkit.core.fields import FieldSelector
from watchkit.core.fields import parse_fields as read_fields
from watchkit.core.selectors import LabelSelector, SelectorError
from watchkit.core.selectors import parse_labels as read_labels
from watchkit.testing.bodies import Refusal, bad_request
from watchkit.testing.resources import Resource

_read_labels: Final = lru_cache(maxsize=1024)(read_labels)
_read_fields: Final = lru_cache(maxsize=1024)(read_fields)
"""A client sends the same selectors all the time."""


def parse_labels(selector: str) -> LabelSelector:
    """Read a label selector.

    Raises:
        Refusal: 400, as the server words it where that was recorded.

    """
    try:
        return _read_labels(selector)
    except SelectorError as error:
        raise Refusal(bad_request(_worded(error.problem))) from None


def parse_fields(selector: str, resource: Resource) -> FieldSelector:
    """Read a field selector.

    Raises:
        Refusal: 400 for what cannot be read, and for a path that the resource does not offer.

    """
    try:
        found = _read_fields(selector)
    except SelectorError as error:
        raise Refusal(bad_request(f"invalid selector: '{selector}'; {error.problem}")) from None
    for each in found.requirements:
        if each.path not in resource.selectable:
            raise Refusal(bad_request(_unknown_field(each.path, resource)))
    return found


def _worded(problem: str) -> str:
    """As the server has it: what stands between requirements is no requirement."""
    between = problem.endswith("'end of string'")
    return problem if between else f"unable to parse requirement: {problem}"


def _unknown_field(path: str, resource: Resource) -> str:
    if resource.fields or resource.custom:
        return f"field label not supported: {path}"
    known = ", ".join(f'"{each}"' for each in resource.selectable)
    return f'"{path}" is not a known field selector: only {known}'

"""Label and field selectors: the API's grammar, and what it says of what it cannot read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

from watchkit.testing.bodies import Refusal, bad_request
from watchkit.testing.resources import FIELD_DEFAULTS, Resource

Operator: TypeAlias = Literal["=", "!=", "in", "notin", "exists", "!"]

_TOKEN: Final = re.compile(r"\s*(?:(==|!=|=|!|\(|\)|,|[<>])|([^\s=!(),<>]+))")
_UNPARSED: Final = "unable to parse requirement: "


@dataclass(frozen=True, slots=True)
class Requirement:
    """One comma-separated part of a label selector."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels fulfil it; != and notin hold where the label is absent."""
        match self.operator:
            case "=" | "in":
                return self.key in labels and labels[self.key] in self.values
            case "!=" | "notin":
                return labels.get(self.key) not in self.values
            case "exists":
                return self.key in labels
            case "!":
                return self.key not in labels


@dataclass(frozen=True, slots=True)
class FieldRequirement:
    """One comma-separated part of a field selector."""

    path: str
    value: str
    equal: bool

    def matches(self, manifest: Mapping[str, object]) -> bool:
        """Whether the object fulfils it; a field that is absent counts as empty."""
        return (field_value(manifest, self.path) == self.value) is self.equal


def parse_labels(selector: str) -> tuple[Requirement, ...]:
    """Read a label selector: `=`, `==`, `!=`, `in (..)`, `notin (..)`, `key`, `!key`.

    Raises:
        Refusal: 400, as the server words it where that was recorded.

    """
    tokens = _Tokens(selector)
    requirements: list[Requirement] = []
    while tokens.peek():
        requirements.append(_requirement(tokens))
        if tokens.peek() and tokens.take() != ",":
            raise _unparsed(tokens.last, "',' or 'end of string'")
    return tuple(requirements)


def parse_fields(selector: str, resource: Resource) -> tuple[FieldRequirement, ...]:
    r"""Read a field selector: `path=value`, `==`, `!=`; `\`, `,` and `=` escaped by `\`.

    Raises:
        Refusal: 400 for what cannot be read, and for a path that the resource does not offer.

    """
    parts = [part for part in re.split(r"(?<!\\),", selector) if part]
    return tuple(_field_requirement(part, resource) for part in parts)


def field_value(manifest: Mapping[str, object], path: str) -> str:
    """The value at a dotted path as a field selector sees it: text, absent ones empty."""
    value: object = manifest
    for name in path.split("."):
        value = cast("Mapping[str, object]", value).get(name) if isinstance(value, dict) else None
    if value is None:
        return FIELD_DEFAULTS.get(path, "")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class _Tokens:
    """The tokens of a label selector, one ahead."""

    def __init__(self, selector: str) -> None:
        self._rest: Iterator[str] = (
            found.group(1) or found.group(2) for found in _TOKEN.finditer(selector.rstrip())
        )
        self._next = next(self._rest, "")
        self.last = ""

    def peek(self) -> str:
        return self._next

    def take(self) -> str:
        self.last, self._next = self._next, next(self._rest, "")
        return self.last


def _unparsed(found: str, expected: str) -> Refusal:
    return Refusal(bad_request(f"{_UNPARSED}found '{found}', expected: {expected}"))


def _identifier(tokens: _Tokens) -> str:
    word = tokens.take()
    if not word or not re.match(r"[A-Za-z0-9]", word):
        raise _unparsed(word, "identifier")
    return word


def _requirement(tokens: _Tokens) -> Requirement:
    if tokens.peek() == "!":
        tokens.take()
        return Requirement(_identifier(tokens), "!")
    key = _identifier(tokens)
    match tokens.peek():
        case "" | ",":
            return Requirement(key, "exists")
        case "=" | "==" | "!=" as sign:
            tokens.take()
            value = frozenset({_equal_value(tokens)})
            return Requirement(key, "!=" if sign == "!=" else "=", value)
        case "in" | "notin" as word:
            tokens.take()
            return Requirement(key, cast("Operator", word), _values(tokens))
        case other:
            raise _unparsed(other, "in, notin, =, ==, !=, gt, lt")


def _equal_value(tokens: _Tokens) -> str:
    return "" if tokens.peek() in {"", ","} else _identifier(tokens)


def _values(tokens: _Tokens) -> frozenset[str]:
    if tokens.take() != "(":
        raise _unparsed(tokens.last, "'('")
    values: set[str] = set()
    while True:
        values.add("" if tokens.peek() in {",", ")"} else _identifier(tokens))
        match tokens.take():
            case ")":
                return frozenset(values)
            case ",":
                continue
            case other:
                raise _unparsed(other, "',' or ')'")


def _field_requirement(part: str, resource: Resource) -> FieldRequirement:
    found = re.match(r"((?:[^=!\\]|\\.)+?)(==|!=|=)(.*)$", part, re.DOTALL)
    if found is None:
        said = f"invalid selector: '{part}'; can't understand '{part}'"
        raise Refusal(bad_request(said))
    path, sign, value = found.groups()
    if path not in resource.selectable:
        raise Refusal(bad_request(_unknown_field(path, resource)))
    unescape: Callable[[str], str] = lambda text: re.sub(r"\\(.)", r"\1", text)  # noqa: E731
    return FieldRequirement(path, unescape(value), sign != "!=")


def _unknown_field(path: str, resource: Resource) -> str:
    if resource.fields or resource.custom or not resource.namespaced:
        return f"field label not supported: {path}"
    known = ", ".join(f'"{each}"' for each in resource.selectable)
    return f'"{path}" is not a known field selector: only {known}'

"""Field selectors: equalities over dotted paths, as the API reads and compares them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, cast

from watchkit.core.selectors import SelectorError

_SIGNS: Final = ("!=", "==", "=")
_DEFAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "spec.hostNetwork": "false",
        "spec.unschedulable": "false",
        "status.replicas": "0",
        "status.successful": "0",
    }
)
"""What the API compares with where an object leaves the field out; "" for the rest."""


@dataclass(frozen=True, slots=True)
class FieldRequirement:
    """One comma-separated part of a field selector."""

    path: str
    value: str
    equal: bool

    def matches(self, value: object) -> bool:
        """Whether what an object has at the path fulfils it; None where it has nothing there.

        Raises:
            ValueError: the value is an object or a list, which no field selector compares.

        """
        return (field_text(self.path, value) == self.value) is self.equal


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Requirements on fields, of which all must be fulfilled."""

    requirements: tuple[FieldRequirement, ...] = ()

    def matches(self, read: Callable[[str], object]) -> bool:
        """Whether an object fulfils every requirement; `read(path)` gives what it has there.

        Raises:
            ValueError: a path that leads to an object or a list.

        """
        return all(each.matches(read(each.path)) for each in self.requirements)


def parse_fields(selector: str | Mapping[str, str]) -> FieldSelector:
    r"""Read a field selector: `path=value`, `==`, `!=`; `\`, `,` and `=` of a value escaped by `\`.

    A mapping is a set of equalities, nothing of it escaped. The grammar is that of
    fields.ParseSelector in apimachinery.

    Raises:
        SelectorError: it cannot be read.

    """
    if isinstance(selector, str):
        terms = _terms(selector)
        return FieldSelector(tuple(_requirement(selector, term, at) for term, at in terms))
    pairs = selector.items()
    for path in selector:
        _check_path(str(dict(selector)), path, 0)
    return FieldSelector(tuple(FieldRequirement(path, value, equal=True) for path, value in pairs))


def field_at(manifest: object, path: str) -> object:
    """Follow a dotted path through plain JSON values; None where it leads nowhere."""
    value = manifest
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = cast("Mapping[str, object]", value).get(name)
    return value


def field_text(path: str, value: object) -> str:
    """Give a field as a selector sees it: text as Go prints it, an absent one empty.

    Raises:
        ValueError: the value is an object or a list, which no field selector compares.

    """
    match value:
        case None:
            return _DEFAULTS.get(path, "")
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case _:
            what = "an object" if isinstance(value, Mapping) else "a list"
            raise ValueError(
                f"field selector: {path} is {what}; only text, numbers and booleans compare"
            )


def _terms(selector: str) -> Iterator[tuple[str, int]]:
    """Part a selector at its commas, the escaped ones aside; each part with its place."""
    start = 0
    is_escaped = False
    for at, char in enumerate(f"{selector},"):
        if is_escaped:
            is_escaped = False
        elif char == "\\":
            is_escaped = True
        elif char == ",":
            if at > start:
                yield selector[start:at], start
            start = at + 1
    if start <= len(selector):  # a lone backslash took the comma added above
        yield selector[start:], start


def _requirement(selector: str, term: str, at: int) -> FieldRequirement:
    for place in range(len(term)):
        for sign in _SIGNS:
            if term.startswith(sign, place):
                path, start = term[:place], place + len(sign)
                _check_path(selector, path, at)
                value = _unescaped(selector, term[start:], at + start)
                return FieldRequirement(path, value, sign != "!=")
    raise SelectorError(selector, f"can't understand '{term}'", at)


def _check_path(selector: str, path: str, at: int) -> None:
    if not all(path.split(".")):
        raise SelectorError(selector, f"'{path}' is no dotted path", at)


def _unescaped(selector: str, value: str, at: int) -> str:
    r"""Take the escapes out: `\\`, `\,` and `\=` are the only ones, and `=` needs one."""
    text = ""
    chars = iter(enumerate(value, at))
    for place, char in chars:
        if char == "=":
            raise SelectorError(selector, "an unescaped '=' in a value", place)
        if char != "\\":
            text += char
            continue
        _, escaped = next(chars, (place, ""))
        if not escaped or escaped not in "\\,=":
            raise SelectorError(selector, f"invalid escape sequence '\\{escaped}'", place)
        text += escaped
    return text

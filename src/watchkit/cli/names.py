"""Which resource a name means: `po`, `Pod`, `deploy`, `deployments.apps`, `deployments.v1.apps`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import product
from typing import TypeAlias

from watchkit.api.discovery import ApiResource, Discovery

_Test: TypeAlias = Callable[[ApiResource], bool]


class UnknownResource(LookupError):
    """No such resource, or none that can be watched; the text is one line for a person."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One reading of a name; None leaves open what it does not say."""

    word: str
    group: str | None = None
    version: str | None = None


def resolve(name: str, discovery: Discovery) -> ApiResource:
    """Find the resource that a name means, by the rules of kubectl, in any case of letters.

    A plural goes before a short name, a short name before a singular or a kind; the core group
    goes before the others, and those go in the server's order. A group may be cut short
    ("ingresses.networking"), a version stands before it ("deployments.v1.apps").

    Raises:
        UnknownResource: the server has none of that name, or it cannot be watched.

    """
    found = [each for wanted in _readings(name) for each in _matches(wanted, discovery.resources)]
    for resource in found:
        if resource.watchable:
            return resource
    if found:
        raise UnknownResource(f'"{found[0].name}" can\'t be watched: the server does not offer it')
    raise UnknownResource(_unknown(name, discovery))


def _readings(name: str) -> list[_Wanted]:
    """Give every way to read a name: "a.b.c" may have version b and group c, or group b.c."""
    word, dot, group = name.lower().partition(".")
    readings = [_Wanted(word, group if dot else None)]
    version, dot, rest = group.partition(".")
    if dot:
        readings.insert(0, _Wanted(word, rest, version))
    return readings


def _matches(wanted: _Wanted, resources: Sequence[ApiResource]) -> list[ApiResource]:
    """Give all that fit equally well, best first."""
    for in_group, is_called in product(_groups(wanted), _callings(wanted.word)):
        found = [each for each in resources if in_group(each) and is_called(each)]
        if found:
            return found
    return []


def _groups(wanted: _Wanted) -> list[_Test]:
    group, version = wanted.group, wanted.version
    if group is None:
        return [lambda _: True]
    if version is not None:
        return [lambda each: each.group == group and each.version == version]
    return [lambda each: each.group == group, lambda each: each.group.startswith(group)]


def _callings(word: str) -> list[_Test]:
    return [
        lambda each: each.plural == word,
        lambda each: word in each.short_names,
        lambda each: word in {each.singular, each.kind.lower()},
    ]


def _unknown(name: str, discovery: Discovery) -> str:
    said = f'the server has no resource "{name}"'
    if near := _near(name, discovery.resources):
        said += f"; near it: {', '.join(near)}"
    if discovery.silent:
        said += f" (it could not say what is in {', '.join(discovery.silent)})"
    return said


def _near(name: str, resources: Sequence[ApiResource]) -> list[str]:
    """Give up to three names that may have been meant, likeliest first."""
    word = name.lower().partition(".")[0]
    called: dict[str, dict[str, None]] = {}
    for each in resources:
        if each.watchable:
            for calling in (each.plural, each.singular, each.kind.lower(), *each.short_names):
                called.setdefault(calling, {})[each.name] = None
    likely = get_close_matches(word, called, n=5, cutoff=0.7)
    return list(dict.fromkeys(each for calling in likely for each in called[calling]))[:3]

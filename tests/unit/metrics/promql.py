"""Reads a query of PromQL as far as tests ask: which metrics, labels and functions it names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
_GROUPED = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"\{([^}]*)\}")
_MATCHER = re.compile(r'\s*(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"\s*(?:,|$)')
_RANGE = re.compile(r"\[[^\]]*\]")
_WORD = re.compile(r"(?<![\w$.:])([A-Za-z_]\w*)(\s*\()?")
_OPERATORS = {"and", "or", "unless", "bool", "offset"}


@dataclass(frozen=True)
class Matcher:
    """What a query asks of a label of a metric."""

    metric: str
    label: str
    value: str


@dataclass(frozen=True)
class Query:
    """What a query names."""

    metrics: frozenset[str]
    matchers: frozenset[Matcher]
    grouped: frozenset[str]
    functions: frozenset[str]


def query_of(text: str) -> Query:
    """Read a query.

    Raises:
        ValueError: a selector that cannot be read, or brackets that do not match.

    """
    bare = _TEXT.sub("", text)
    for opening, closing in ("()", "{}", "[]"):
        if bare.count(opening) != bare.count(closing):
            raise ValueError(f"{text}: {opening} without {closing}")
    matchers = frozenset(_matchers(text))
    grouped = {label.strip() for each in _GROUPED.findall(bare) for label in each.split(",")}
    bare = _RANGE.sub("", _SELECTOR.sub("", _GROUPED.sub("", bare)))
    words = _WORD.findall(bare)
    functions = {word for word, call in words if call and word not in _OPERATORS}
    metrics = {word for word, call in words if not call and word not in _OPERATORS}
    return Query(frozenset(metrics), matchers, frozenset(grouped - {""}), frozenset(functions))


def _matchers(text: str) -> Iterator[Matcher]:
    for metric, inside in re.findall(r"(\w*)\s*\{([^}]*)\}", text):
        if _MATCHER.sub("", inside).strip():
            raise ValueError(f"{inside}: not a list of matchers")
        for label, _, value in _MATCHER.findall(inside):
            yield Matcher(metric, label, value)

"""Label selectors: the API's grammar, read once, then asked of any number of objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Operator: TypeAlias = Literal["=", "!=", "in", "notin", "exists", "!", ">", "<"]

_TOKEN: Final = re.compile(r"[ \t\r\n]*(?:(==|!=|[=!(),<>])|([^ \t\r\n=!(),<>]+))")
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
_LABEL: Final = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,19}")
_LONGEST_NAME: Final = 63
_LONGEST_PREFIX: Final = 253


class SelectorError(ValueError):
    """A selector that cannot be read: what was found in its place, and at which character."""

    def __init__(self, selector: str, problem: str, at: int) -> None:
        super().__init__(f"selector {selector!r}, at character {at + 1}: {problem}")
        self.problem = problem


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
            case ">" | "<":
                return self._compares(labels.get(self.key, ""))

    def _compares(self, value: str) -> bool:
        if not _INTEGER.fullmatch(value):
            return False
        (bound,) = self.values
        return int(value) > int(bound) if self.operator == ">" else int(value) < int(bound)


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """Requirements on labels, of which all must be fulfilled."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels fulfil every requirement."""
        return all(each.matches(labels) for each in self.requirements)


def parse_labels(selector: str | Mapping[str, str]) -> LabelSelector:
    """Read a label selector: `=`, `==`, `!=`, `in (..)`, `notin (..)`, `key`, `!key`, `>`, `<`.

    A mapping is a set of equalities. The grammar is that of labels.Parse in apimachinery.

    Raises:
        SelectorError: it cannot be read, or a key or value is none that a label may have.

    """
    if isinstance(selector, str):
        return LabelSelector(tuple(_Parser(selector).requirements()))
    for key, value in selector.items():
        if why := _bad_key(key) or _bad_value(value):
            raise SelectorError(str(dict(selector)), why, 0)
    pairs = selector.items()
    return LabelSelector(tuple(Requirement(key, "=", frozenset({value})) for key, value in pairs))


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    at: int
    is_word: bool


class _Parser:
    """Reads a label selector, one token ahead."""

    def __init__(self, selector: str) -> None:
        self._selector = selector
        found = _TOKEN.finditer(selector)
        self._tokens = [
            _Token(each[1] or each[2], each.start(each.lastindex or 0), each[2] is not None)
            for each in found
        ]
        self._end = _Token("", len(selector), is_word=False)
        self._tokens.reverse()

    def requirements(self) -> list[Requirement]:
        found: list[Requirement] = []
        while True:
            token = self._peek()
            if token is self._end and not found:
                return found
            if not token.is_word and token.text != "!":
                expected = "!, identifier, or 'end of string'"
                raise self._unexpected(token, "identifier after ','" if found else expected)
            found.append(self._requirement())
            token = self._take()
            if token is self._end:
                return found
            if token.text != ",":
                raise self._unexpected(token, "',' or 'end of string'")

    def _requirement(self) -> Requirement:
        is_absent = self._peek().text == "!"
        if is_absent:
            self._take()
        key = self._word()
        self._check(_bad_key(key.text), key)
        if is_absent:
            return Requirement(key.text, "!")
        if self._peek() is self._end or self._peek().text == ",":
            return Requirement(key.text, "exists")
        sign = self._take()
        match sign.text:
            case "in" | "notin":
                return Requirement(key.text, sign.text, self._values())
            case "=" | "==":
                return Requirement(key.text, "=", self._value())
            case "!=":
                return Requirement(key.text, "!=", self._value())
            case ">" | "<":
                return Requirement(key.text, sign.text, self._number())
            case _:
                raise self._unexpected(sign, "in, notin, =, ==, !=, gt, lt")

    def _value(self) -> frozenset[str]:
        if self._peek() is self._end or self._peek().text == ",":
            return frozenset({""})
        word = self._word()
        self._check(_bad_value(word.text), word)
        return frozenset({word.text})

    def _number(self) -> frozenset[str]:
        word = self._word()
        if not _INTEGER.fullmatch(word.text):
            raise self._unexpected(word, "an integer")
        return frozenset({word.text})

    def _values(self) -> frozenset[str]:
        opening = self._take()
        if opening.text != "(":
            raise self._unexpected(opening, "'('")
        values: set[str] = set()
        while True:
            if self._peek().text in {",", ")"}:
                values.add("")
            else:
                word = self._word()
                self._check(_bad_value(word.text), word)
                values.add(word.text)
            token = self._take()
            if token.text == ")":
                return frozenset(values)
            if token.text != ",":
                raise self._unexpected(token, "',' or ')'")

    def _word(self) -> _Token:
        token = self._take()
        if not token.is_word:
            raise self._unexpected(token, "identifier")
        return token

    def _peek(self) -> _Token:
        return self._tokens[-1] if self._tokens else self._end

    def _take(self) -> _Token:
        return self._tokens.pop() if self._tokens else self._end

    def _check(self, why: str, token: _Token) -> None:
        if why:
            raise SelectorError(self._selector, why, token.at)

    def _unexpected(self, token: _Token, expected: str) -> SelectorError:
        problem = f"found '{token.text}', expected: {expected}"
        return SelectorError(self._selector, problem, token.at)


def _bad_key(key: str) -> str:
    """Say why this is no label key (IsQualifiedName in apimachinery); "" where it is one."""
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > _LONGEST_PREFIX or not _SUBDOMAIN.fullmatch(prefix)):
        return f"found '{key}', whose prefix is no DNS subdomain of at most {_LONGEST_PREFIX}"
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        return f"found '{key}', expected: a label key of at most {_LONGEST_NAME} characters"
    return ""


def _bad_value(value: str) -> str:
    """Say why this is no label value (IsValidLabelValue in apimachinery); "" where it is one."""
    if value and (len(value) > _LONGEST_NAME or not _NAME.fullmatch(value)):
        return f"found '{value}', expected: a label value of at most {_LONGEST_NAME} characters"
    return ""

"""When a fault strikes: predicates for the `when` of `inject`."""

from __future__ import annotations

import random
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import TypeAlias

from watchkit.testing.requests import ApiRequest

When: TypeAlias = Callable[[ApiRequest], bool]


def matching(pattern: str) -> When:
    """Strike requests whose path matches: `*` any characters, slashes too, `?` one."""
    return lambda request: fnmatchcase(request.path, pattern)


class Nth:
    """One request out of many; where another fault takes it, it is the next one."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._seen = 0

    def __call__(self, _request: ApiRequest) -> bool:
        """Whether this is the one."""
        self._seen += 1
        return self._seen == self._number

    def put_off(self) -> None:
        """Wait for one more."""
        self._number += 1


def nth(number: int) -> When:
    """Strike the `number`-th request, counted from 1, of those that the fault fits.

    All that it would strike count, those too that another fault takes. Where that is so of the
    one which it waits for, it strikes the next.

    Raises:
        ValueError: `number` is less than one.

    """
    if number < 1:
        raise ValueError(f"nth({number}) would never strike: requests count from 1")
    return Nth(number)


def at_random(chance: float, seed: int) -> When:
    """Strike each request with this chance; the same seed strikes the same ones."""
    luck = random.Random(seed)  # noqa: S311 - a schedule, no secret
    return lambda _request: luck.random() < chance

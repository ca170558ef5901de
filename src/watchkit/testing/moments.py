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


def nth(number: int) -> When:
    """Strike the `number`-th request, counted from 1, of those that the fault fits."""
    seen = 0

    def is_it(_request: ApiRequest) -> bool:
        nonlocal seen
        seen += 1
        return seen == number

    return is_it


def at_random(chance: float, seed: int) -> When:
    """Strike each request with this chance; the same seed strikes the same ones."""
    luck = random.Random(seed)  # noqa: S311 - a schedule, no secret
    return lambda _request: luck.random() < chance

"""Tracebacks in logs, in the one form that each version of structlog takes."""

from __future__ import annotations

from types import TracebackType
from typing import TypeAlias

Raised: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]


def raised(error: BaseException, shown: BaseException | None = None) -> Raised:
    """Give an error as `exc_info`, told as `shown` in its place, but from where it was raised.

    The ConsoleRenderer of structlog before 23 takes an exception alone for "the one that is
    handled right now", and itself raises where there is none.
    """
    told = error if shown is None else shown
    return type(told), told, error.__traceback__

"""Which fake cluster is behind which URL, for those who hold a client and ask."""

from __future__ import annotations

import itertools
from typing import Final
from weakref import WeakValueDictionary

from watchkit.testing.front import Front

_FRONTS: Final[WeakValueDictionary[str, Front]] = WeakValueDictionary()
_NUMBERS: Final = itertools.count(1)


def new_host() -> str:
    """Give the URL of a cluster in memory, never the same twice."""
    return f"http://cluster-{next(_NUMBERS)}.fake"


def name_host(url: str, front: Front) -> None:
    """Remember who answers at a URL, as long as they live."""
    _FRONTS[url.rstrip("/")] = front


def front_at(url: str) -> Front | None:
    """Give who answers there, None where it is no fake."""
    return _FRONTS.get(url.rstrip("/"))

"""What a reconcile is asked, and what it answers: two small values."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """Make what is called `name` in `namespace` (None: cluster-scoped) be as it should be.

    It says which, not what happened: look the object up, `store.get(request)`; it may be gone.
    """

    namespace: str | None
    name: str

    @property
    def key(self) -> str:
        """The namespace and the name as "ns/name", or "name" where there is no namespace."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True)
class Result:
    """All is well for now; look again in `requeue_after` seconds (None: when something changes).

    Raises:
        ValueError: a time that is below 0, or not finite.

    """

    requeue_after: float | None = None

    def __post_init__(self) -> None:
        after = self.requeue_after
        if after is not None and not 0 <= after < math.inf:
            raise ValueError(f"requeue_after is in seconds >= 0, not {after!r}")

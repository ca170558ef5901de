"""FencingToken: which term of a lease work belongs to, and whether that term still lasts."""

from __future__ import annotations

import math
from contextvars import ContextVar
from typing import Final

import anyio

from watchkit.core.errors import LeadershipLost


class Term:
    """One term of one holder: its deadline moves with each renewal, and ends with it."""

    def __init__(self, deadline: float) -> None:
        self.deadline: float = deadline
        self.scope: anyio.CancelScope = anyio.CancelScope(deadline=deadline)

    def extend(self, deadline: float) -> None:
        """Let the work go on until then; its own timer ends it, whoever is late."""
        if self.deadline == -math.inf:
            return  # an answer that was under way when it ended
        self.deadline = deadline
        self.scope.deadline = deadline

    def end(self) -> None:
        """Let nothing begin any more, and cancel what is at work."""
        self.deadline = -math.inf
        self.scope.cancel()


class FencingToken:
    """Which term of a lease this work belongs to.

    `transitions` counts how often the lease went from one holder to another; `version` is the
    Lease's resourceVersion when the term began, and rises from term to term also where the
    Lease was deleted in between. A system beside Kubernetes can refuse work that comes with an
    older one than it has seen. `identity` is the holder's, `lease` is "namespace/name".
    """

    def __init__(
        self, lease: str, identity: str, *, transitions: int, version: str, term: Term
    ) -> None:
        self.lease = lease
        self.identity = identity
        self.transitions = transitions
        self.version = version
        self._term = term

    @property
    def is_valid(self) -> bool:
        """Whether the term lasts, judged when read by this process' own monotonic clock."""
        return anyio.current_time() < self._term.deadline

    def check(self) -> None:
        """Do nothing while the term lasts: call it before what must not be done twice.

        Raises:
            LeadershipLost: it is over.

        """
        if not self.is_valid:
            raise LeadershipLost(f"lease {self.lease}: the term of {self.identity} is over")

    def __repr__(self) -> str:
        return f"<FencingToken {self.lease} transitions={self.transitions} at={self.version}>"


current: Final[ContextVar[FencingToken | None]] = ContextVar("watchkit_fencing_token", default=None)


def fencing_token() -> FencingToken | None:
    """Give the token of the term that the calling task works in, None where there is none.

    `LeaderElector.run` sets it for `main()`, and all tasks that are started in there inherit it.
    """
    return current.get()

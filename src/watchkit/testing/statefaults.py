"""What can go wrong with the store behind a server: it goes back, forgets, lags behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from watchkit.testing.fault import Case, Fault, On, Place, Store, untouched
from watchkit.testing.replica import Reading, Replica
from watchkit.testing.requests import ApiRequest
from watchkit.testing.wire import Bend


@dataclass(frozen=True, slots=True)
class Restore(Fault):
    """The store goes back to `version`, counter and all, as after the return of a backup.

    Open watches are cut, and the request that it strikes is answered from what there was then.
    A negative number is so many versions back; what is out of reach becomes the nearest that is
    not.
    """

    version: int
    on: ClassVar[On] = "any"

    def befall(self, store: Store) -> None:
        """Go back."""
        wanted = self.version if self.version >= 0 else store.version + self.version
        store.restore(min(max(wanted, store.compacted), store.version))

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Leave the conversation as it is."""
        return untouched


@dataclass(frozen=True, slots=True)
class Compact(Fault):
    """History is forgotten, all but the last `keep` versions, before the request is answered.

    Raises:
        ValueError: `keep` is negative.

    """

    keep: int = 0

    def __post_init__(self) -> None:
        """Check it."""
        if self.keep < 0:
            raise ValueError(f"{self!r} would forget what has not happened yet")

    def befall(self, store: Store) -> None:
        """Forget."""
        store.compact(max(store.compacted, store.version - self.keep))

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Leave the conversation as it is."""
        return untouched


@dataclass(frozen=True, slots=True)
class LagReplica(Fault):
    """The request meets a server that is `n` versions late, watches as long as they live.

    Lists that ask for no version are consistent and see everything, as is the promise of the
    API; those of "any" version (resourceVersion=0) and watches see the past.

    Raises:
        ValueError: `n` is negative.

    """

    n: int

    def __post_init__(self) -> None:
        """Check it."""
        if self.n < 0:
            raise ValueError(f"{self!r} would know what has not happened yet")

    def places(self) -> frozenset[Place]:
        """Reads; a watch that is open has its server already."""
        return frozenset({"watch", "list", "get"})

    def strikes(self, request: ApiRequest) -> bool:
        """Reads that may be stale."""
        if request.verb == "watch":
            return True
        return bool(request.query.get("resourceVersion") or request.query.get("continue"))

    def reads(self, state: Reading) -> Reading:
        """Read what has come through."""
        return Replica(state, self.n)

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Leave the conversation as it is."""
        return untouched

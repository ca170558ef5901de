"""What a Lease says of its holder, and for how long one may hold it: values."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from watchkit.core.errors import ProtocolError
from watchkit.core.objects import Object

JITTER: Final = 1.2
"""client-go's: a renewal deadline that is not longer than a jittered retry leaves no second try."""

API_VERSION: Final = "coordination.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms one stands for a lease, in seconds; who `identity` is, nobody else may be.

    A holder that could not renew for `renew_deadline` has lost it; others wait until they have
    seen it unchanged for `lease_duration`. Clocks may differ in rate by the ratio of the two.

    Raises:
        ValueError: no identity, or durations in which that does not work (client-go's rules).

    """

    identity: str
    lease_duration: float = 15
    renew_deadline: float = 10
    retry_period: float = 2

    def __post_init__(self) -> None:
        if not self.identity:
            raise ValueError("identity is a name that no other candidate has, not empty")
        for name in ("lease_duration", "renew_deadline", "retry_period"):
            seconds: float = getattr(self, name)
            if not 0 < seconds < math.inf:
                raise ValueError(f"{name} is in seconds, above 0, not {seconds!r}")
        if self.lease_duration != int(self.lease_duration):
            raise ValueError(
                f"lease_duration is in whole seconds, as in a Lease, not {self.lease_duration!r}"
            )
        if not self.lease_duration > self.renew_deadline:
            raise ValueError(
                f"lease_duration ({self.lease_duration:g} s) must be longer than renew_deadline"
                f" ({self.renew_deadline:g} s): a holder must stop before others begin"
            )
        if not self.renew_deadline > JITTER * self.retry_period:
            raise ValueError(
                f"renew_deadline ({self.renew_deadline:g} s) must be longer than {JITTER:g} times"
                f" retry_period ({self.retry_period:g} s): a renewal needs a second try"
            )

    @property
    def patience(self) -> float:
        """Seconds for one request: client-go's half of the deadline, so that two fit in."""
        return self.renew_deadline / 2


class _Spec(msgspec.Struct, rename="camel"):
    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None


class _Lease(msgspec.Struct):
    spec: _Spec | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What a Lease says: `holder` ("" is nobody), for how long, since when, and how often it moved.

    The times are kept as written: they tell one claim from the next, and nobody's clock is ever
    compared with them. `lease` is the object as it was read, with what is not ours in it.
    """

    holder: str = ""
    duration: int | None = None
    acquired: str | None = None
    renewed: str | None = None
    transitions: int = 0
    version: str = ""
    lease: Object | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, lease: Object) -> Record:
        """Read a Lease; what it leaves out is nobody, no time, and none so far.

        Raises:
            ProtocolError: it is no Lease.

        """
        try:
            spec = msgspec.json.decode(lease.raw, type=_Lease).spec or _Spec()
        except msgspec.MsgspecError as error:
            kind = type(error).__name__
        else:
            return cls(
                holder=spec.holder_identity or "",
                duration=spec.lease_duration_seconds,
                acquired=spec.acquire_time,
                renewed=spec.renew_time,
                transitions=spec.lease_transitions or 0,
                version=lease.resource_version,
                lease=lease,
            )
        raise ProtocolError(f"an answer that is no Lease ({kind})")

    @property
    def claim(self) -> tuple[object, ...]:
        """What a holder changes with each renewal; labels and the like are no sign of life."""
        return (self.holder, self.duration, self.acquired, self.renewed, self.transitions)

    def manifest(self, name: str, namespace: str) -> dict[str, Any]:
        """Give the Lease to be written: this, and all that was read beside it."""
        body: dict[str, Any] = {} if self.lease is None else self.lease.to_dict()
        body |= {"apiVersion": API_VERSION, "kind": "Lease"}
        metadata = body.setdefault("metadata", {})
        metadata |= {"name": name, "namespace": namespace}
        if self.version:
            metadata["resourceVersion"] = self.version
        body["spec"] = (body.get("spec") or {}) | {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": self.duration,
            "acquireTime": self.acquired,
            "renewTime": self.renewed,
            "leaseTransitions": self.transitions,
        }
        return body

    def claimed(self, terms: Terms, stamp: str) -> Record:
        """Give it as `terms.identity` would have it: taken, or renewed where it has it already."""
        is_own = self.holder == terms.identity
        return replace(
            self,
            holder=terms.identity,
            duration=int(terms.lease_duration),
            acquired=self.acquired if is_own and self.acquired else stamp,
            renewed=stamp,
            transitions=self.transitions + (not is_own),
        )

    def released(self, stamp: str) -> Record:
        """Give it free for anybody at once: client-go's way, nobody's for a second."""
        return replace(self, holder="", duration=1, acquired=stamp, renewed=stamp)


def fresh(terms: Terms, stamp: str) -> Record:
    """Give the first record of a lease that was not there."""
    return Record(terms.identity, int(terms.lease_duration), stamp, stamp)


def stamped(moment: datetime) -> str:
    """Write a time as metav1.MicroTime is written."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

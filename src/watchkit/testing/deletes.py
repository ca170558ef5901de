"""What a deletion asks for, and what it makes of an object before it is gone. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from watchkit.testing import bodies, gotypes, writes
from watchkit.testing.bodies import Refusal
from watchkit.testing.log import Kept, Manifest
from watchkit.testing.requests import truth
from watchkit.testing.validity import Cause
from watchkit.testing.values import is_map, section

_POLICIES: Final = {
    "Foreground": "foregroundDeletion",
    "Orphan": "orphan",
    "Background": None,
}
"""Which finalizer waits for the garbage collector, of which there is none here."""

_POD_GRACE: Final = 30
"""Seconds, where a pod's spec does not say (terminationGracePeriodSeconds' default)."""

_KIND: Final = "DeleteOptions"
_ENDED: Final = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class Deletion:
    """What a DELETE may say: `grace` in seconds, `uid` and `version` as preconditions.

    `at_once` is the hand of a test: no grace, no kubelet, only finalizers hold.
    """

    grace: int | None = None
    uid: str | None = None
    version: str | None = None
    policy: str | None = None
    dry: bool = False
    at_once: bool = False

    @classmethod
    def of(cls, body: object, query: Mapping[str, str]) -> Deletion:
        """Read the DeleteOptions of a body, or, where there is none, of the query.

        Raises:
            Refusal: 400, they cannot be read; 422, a policy that is none, or two of them, or a
                dry run of a part only.

        """
        if body is not None:
            return cls._of_body(_options(body))
        grace = query.get("gracePeriodSeconds")
        if grace is not None and not grace.removeprefix("-").isdecimal():
            raise Refusal(bodies.bad_number(grace))
        policy, orphans = query.get("propagationPolicy"), query.get("orphanDependents")
        _check(_policy_faults(policy, has_orphans=orphans is not None))
        return cls(
            grace=None if grace is None else int(grace),
            uid=query.get("uid"),
            version=query.get("resourceVersion"),
            policy=policy or _orphans(None if orphans is None else truth(orphans)),
            dry=bool(query.get("dryRun")),
        )

    @classmethod
    def _of_body(cls, said: Manifest) -> Deletion:
        conditions = section(said, "preconditions")
        policy, orphans = said.get("propagationPolicy"), said.get("orphanDependents")
        dry: list[str] = said.get("dryRun") or []
        _check([*_policy_faults(policy, has_orphans=orphans is not None), *_dry_run_faults(dry)])
        return cls(
            grace=said.get("gracePeriodSeconds"),
            uid=conditions.get("uid"),
            version=conditions.get("resourceVersion"),
            policy=policy or _orphans(orphans),
            dry=bool(said.get("dryRun")),
        )

    def check(self, before: Kept) -> None:
        """Compare the preconditions.

        Raises:
            Refusal: 409, it is another object or another version.

        """
        version = str(before.manifest["metadata"]["resourceVersion"])
        if self.uid is not None and self.uid != before.uid:
            said = f"UID in the precondition ({self.uid}) does not match the UID in record"
            end = "deleted and then recreated"
            raise Refusal(bodies.unmet(before.resource, before.name, said, before.uid, end))
        if self.version is not None and self.version != version:
            said = (
                f"ResourceVersion in the precondition ({self.version}) does not match the"
                " ResourceVersion in record"
            )
            raise Refusal(bodies.unmet(before.resource, before.name, said, version, "modified"))

    def mark(self, before: Kept, now: datetime) -> Manifest | None:
        """The object as it waits for its end; None: nothing has to be marked before it goes.

        What is marked already comes back as it is, unless less grace is given now.
        """
        metadata = before.manifest["metadata"]
        finalizers = self._finalizers(metadata.get("finalizers") or [])
        if before.resource.graceful and not self.at_once:
            return self._mark_pod(before, now, finalizers)
        if metadata.get("deletionTimestamp"):
            return writes.held(before, finalizers)
        if not finalizers:
            return None
        return writes.marked(before, time=now, grace=0, finalizers=finalizers)

    def _mark_pod(self, before: Kept, now: datetime, finalizers: list[str]) -> Manifest:
        metadata = before.manifest["metadata"]
        grace = self._grace(before.manifest)
        if not metadata.get("deletionTimestamp"):
            end = now + timedelta(seconds=grace)
            return writes.marked(before, time=end, grace=grace, finalizers=finalizers)
        given = metadata.get("deletionGracePeriodSeconds") or 0
        if not given:
            return writes.held(before, finalizers)
        if self.grace is None or grace >= given:
            return before.manifest
        then = datetime.fromisoformat(str(metadata["deletionTimestamp"]))
        end = then - timedelta(seconds=given - grace)
        return writes.marked(before, time=end, grace=grace, finalizers=finalizers)

    def _grace(self, pod: Manifest) -> int:
        """Seconds for its kubelet; none where there is none yet, or no process any more."""
        spec, status = section(pod, "spec"), section(pod, "status")
        if not spec.get("nodeName") or status.get("phase") in _ENDED:
            return 0
        asked = spec.get("terminationGracePeriodSeconds") if self.grace is None else self.grace
        seconds = _POD_GRACE if asked is None else int(asked)
        return 1 if seconds < 0 else seconds

    def _finalizers(self, had: list[str]) -> list[str]:
        if self.policy is None:
            return had
        added = _POLICIES[self.policy]
        kept = [name for name in had if name not in _POLICIES.values()]
        return kept if added is None else [*kept, added]


def _options(body: object) -> Manifest:
    """A body as DeleteOptions, of whatever version."""
    said = gotypes.unread_type(body)
    options = body if is_map(body) else {}
    kind = options.get("kind") or _KIND
    if not said and kind != _KIND:
        version = options.get("apiVersion") or "meta.k8s.io/v1"
        said = bodies.no_kind(kind, version)
    said = said or gotypes.unfit(options, gotypes.DELETE_OPTIONS)
    if said:
        raise Refusal(bodies.bad_request(said))
    return options


def _orphans(said: bool | None) -> str | None:  # noqa: FBT001 - it is what the parameter says
    """The policy that the old parameter `orphanDependents` means."""
    if said is None:
        return None
    return "Orphan" if said else "Background"


def _dry_run_faults(said: list[str]) -> list[Cause]:
    if all(each == "All" for each in said):
        return []
    shown = msgspec.json.encode(said).decode()
    text = f'Unsupported value: {shown}: supported values: "All"'
    return [("FieldValueNotSupported", "dryRun", text)]


def _check(causes: list[Cause]) -> None:
    if causes:
        raise Refusal(bodies.invalid(_KIND, "", *causes, group="meta.k8s.io"))


def _policy_faults(policy: str | None, *, has_orphans: bool) -> list[Cause]:
    if policy is not None and policy not in _POLICIES:
        why = "FieldValueNotSupported"
        said = (
            f'Unsupported value: "{policy}": supported values: "Foreground", "Background",'
            ' "Orphan", "nil"'
        )
    elif policy is not None and has_orphans:
        why = "FieldValueInvalid"
        said = (
            f'Invalid value: "{policy}": orphanDependents and deletionPropagation cannot be both'
            " set"
        )
    else:
        return []
    return [(why, "propagationPolicy", said)]

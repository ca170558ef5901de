"""What really happened on the server: every state of it, also those that a restore undid."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from watchkit.testing.log import Manifest


class Held(msgspec.Struct, frozen=True, gc=False):
    """One object as a view holds it: who it is, at which version, with what in it."""

    key: str
    uid: str
    version: str
    app: str
    content: str

    @classmethod
    def of(cls, manifest: Manifest) -> Held:
        """Read it off a manifest."""
        metadata = manifest["metadata"]
        return cls(
            f"{metadata['namespace']}/{metadata['name']}",
            metadata["uid"],
            metadata["resourceVersion"],
            metadata["labels"]["app"],
            metadata["annotations"]["n"],
        )


View: TypeAlias = Mapping[str, Held]
Wanted: TypeAlias = Callable[[Held], bool]


class Step(msgspec.Struct, frozen=True, gc=False):
    """One write: the object before and after it, None where there was or is none."""

    version: int
    before: Held | None
    after: Held | None

    def seen_by(self, wanted: Wanted) -> str | None:
        """The type of the event that whoever wants only some objects is sent, None for none."""
        was = self.before is not None and wanted(self.before)
        now = self.after is not None and wanted(self.after)
        return {(False, True): "ADDED", (True, True): "MODIFIED", (True, False): "DELETED"}.get(
            (was, now)
        )


class Branch:
    """One history of the server, from its beginning to now or to a restore."""

    def __init__(self, versions: list[int], steps: list[Step], states: list[View]) -> None:
        self.versions = versions
        self.steps = steps
        self.states = states

    def at(self, version: int) -> View:
        """The objects at a version."""
        return self.states[bisect_right(self.versions, version)]

    def between(self, after: int, upto: int) -> list[Step]:
        """The writes after one version, up to and with another."""
        return self.steps[bisect_right(self.versions, after) : bisect_right(self.versions, upto)]


class History:
    """All branches; the last one is the present."""

    def __init__(self) -> None:
        self.branches: list[Branch] = [Branch([], [], [{}])]

    def wrote(self, version: int, before: Held | None, after: Held | None) -> None:
        """Keep a write."""
        now = self.branches[-1]
        state = dict(now.states[-1])
        if after is not None:
            state[after.key] = after
        elif before is not None:
            del state[before.key]
        now.versions.append(version)
        now.steps.append(Step(version, before, after))
        now.states.append(state)

    def restored(self, version: int) -> None:
        """Begin another branch at an earlier version."""
        now = self.branches[-1]
        kept = bisect_right(now.versions, version)
        branch = Branch(now.versions[:kept], now.steps[:kept], now.states[: kept + 1])
        self.branches.append(branch)

    @property
    def now(self) -> View:
        """The objects of this moment."""
        return self.branches[-1].states[-1]

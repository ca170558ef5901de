"""Takes the decisions of one list+watch, one after another, and says each."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from watchkit.core.naming import named
from watchkit.core.position import Failed, List, Policy, Position, Signal, Watch
from watchkit.core.session import begin, step
from watchkit.core.tally import reason_of

if TYPE_CHECKING:
    from watchkit.core.errors import WatchkitError
    from watchkit.core.options import ListOptions
    from watchkit.core.source import ListerWatcher
    from watchkit.core.statistics import ListReason
    from watchkit.observe.log import Observer


class Course:
    """Where a list+watch stands, decision after decision; it does nothing of what is decided.

    `reason` is why the list is made that is made next, or was last; `raising` the error of a
    decision, which waits here until the events before it are out.
    """

    def __init__(
        self,
        source: ListerWatcher,
        options: ListOptions,
        policy: Policy,
        observer: Observer,
        *,
        stream: bool,
    ) -> None:
        self.policy: Policy = policy
        self.reason: ListReason = "start"
        self.raising: WatchkitError | None = None
        self._source = source
        self._options = options
        self._observer = observer
        self._stream = stream
        self._position: Position | None = None

    @property
    def at(self) -> Position:
        """The position; the first one is taken when it is first asked for."""
        if self._position is None:
            version = self._options.resource_version
            now = anyio.current_time()
            self._position = begin(self.policy, now, version=version, stream=self._stream)
        return self._position

    @property
    def version(self) -> str | None:
        """The last version taken; None before anything is known, and once it has expired."""
        position = self._position
        following = None if position is None else position.next
        return following.version if isinstance(following, Watch) else None

    @property
    def attempt(self) -> int:
        """Failures since progress."""
        return self._position.attempt if self._position is not None else 0

    def decide(self, signal: Signal) -> str | None:
        """Take one decision and say it; a version to probe for, where that was decided too."""
        if isinstance(signal, Failed):
            signal = replace(signal, error=named(signal.error, self._doing(), self._options))
        luck = random.random()  # noqa: S311 - jitter, no secret
        before, version = self.at, self.version
        decision = step(before, signal, self.policy, anyio.current_time(), luck)
        self._position = decision.position
        following = decision.position.next
        if isinstance(following, List) and not isinstance(before.next, List):
            self.reason = reason_of(signal, gap=following.gap)
        if decision.said is not None:
            self._observer.decided(decision.said, self.version or version)
        if decision.error is not None:
            self.raising = decision.error
        return decision.probe

    def _doing(self) -> str:
        verb = "list" if isinstance(self.at.next, List) else "watch"
        where = f" in {self._source.namespace}" if self._source.namespace else ""
        return f"{verb} {self._source.resource}{where}"

"""What an informer was asked to do, checked, and the feeds that do it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from watchkit.core.backoff import Backoff
from watchkit.core.events import Change
from watchkit.core.ledger import Memory
from watchkit.core.options import ListOptions
from watchkit.core.position import Policy
from watchkit.core.source import ListerWatcher
from watchkit.core.tally import Tally
from watchkit.informer.records import T
from watchkit.watching.additions import refused_by
from watchkit.watching.feed import Feed

InitialList: TypeAlias = Literal["auto", "stream", "list"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How an informer lists and watches.

    Raises:
        ValueError: a value that makes no sense; the text says why.

    """

    options: ListOptions
    initial_list: InitialList
    stream_deadline: float
    backoff: Backoff
    idle_timeout: float
    resync_period: float | None
    audit_period: float | None

    def __post_init__(self) -> None:
        options = self.options
        if options.resource_version is not None:
            raise ValueError("an informer begins with all there is: resource_version must be unset")
        if options.send_initial_events is False:
            raise ValueError("send_initial_events=False: say initial_list='list' instead")
        if self.initial_list not in {"auto", "stream", "list"}:
            given = self.initial_list
            raise ValueError(f"initial_list is 'auto', 'stream' or 'list', not {given!r}")
        if self._is_stream_wanted and options.allow_watch_bookmarks is False:
            raise ValueError("the initial events end with a bookmark: allow_watch_bookmarks=False")
        for name in ("stream_deadline", "idle_timeout", "resync_period", "audit_period"):
            seconds = getattr(self, name)
            if seconds is not None and not seconds > 0:
                raise ValueError(f"{name} must be more than 0 seconds, not {seconds}")

    @property
    def _is_stream_wanted(self) -> bool:
        return self.initial_list == "stream" or bool(self.options.send_initial_events)

    def feed(
        self, source: ListerWatcher, memory: Memory[Change[T]], tally: Tally
    ) -> Feed[Change[T]]:
        """Make the feed of one source; `tally` counts what happens."""
        options, refused = self.options, refused_by(source)
        can_stream = (
            "sendInitialEvents" not in refused and options.allow_watch_bookmarks is not False
        )
        if self._is_stream_wanted:  # what was asked for is not given up, and its refusal raised
            options = replace(
                options, send_initial_events=True, resource_version_match="NotOlderThan"
            )
        return Feed(
            source,
            options,
            Policy(self.backoff, "relist", self.idle_timeout),
            memory,
            tally,
            replay=True,
            stream=self.initial_list == "auto" and can_stream,
            stream_deadline=self.stream_deadline,
            refused=refused,
        )

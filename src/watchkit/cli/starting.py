"""A source that gives up where it never worked: what a person got wrong is not waited for."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import TypeVar

from watchkit.core.errors import Forbidden, NotFound, TransportError, WatchkitError
from watchkit.core.source import ListerWatcher, WatchStream

T = TypeVar("T")


class CannotStart(Exception):
    """There is nothing to watch yet, and waiting will not help; the text is one line.

    No `WatchkitError`: those are retried.
    """


class Starting:
    """A `ListerWatcher` whose first answer decides: no connection or no right ends it at once.

    From the first answer on everything is passed on as it is, to be retried for ever.
    """

    def __init__(self, source: ListerWatcher) -> None:
        self._source = source
        self.has_begun: bool = False

    @property
    def resource(self) -> str:
        """That of the source."""
        return self._source.resource

    @property
    def namespace(self) -> str | None:
        """That of the source."""
        return self._source.namespace

    async def list(self, query: Mapping[str, str], *, idle_timeout: float) -> bytes:
        """Get one page from the source.

        Raises:
            CannotStart: no connection or no right, and nothing came before.
            WatchkitError: as the source raised it.

        """
        return await self._first(self._source.list(query, idle_timeout=idle_timeout))

    async def watch(self, query: Mapping[str, str], *, idle_timeout: float) -> WatchStream:
        """Open a watch of the source.

        Raises:
            CannotStart: no connection or no right, and nothing came before.
            WatchkitError: as the source raised it.

        """
        return await self._first(self._source.watch(query, idle_timeout=idle_timeout))

    async def _first(self, answer: Awaitable[T]) -> T:
        try:
            answered = await answer
        except WatchkitError as error:
            is_final = isinstance(error, TransportError | Forbidden | NotFound)
            if self.has_begun or not is_final:
                raise
            reason = str(error)
        else:
            self.has_begun = True
            return answered
        raise CannotStart(reason)

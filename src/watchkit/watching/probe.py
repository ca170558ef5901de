"""The question beside a new watch: is the store still the one whose versions are known?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
import anyio.lowlevel

from watchkit.core import errors
from watchkit.core.versions import is_before

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from watchkit.observe.log import Observer
    from watchkit.watching.lists import Lists

_TURNS: Final = 3
"""Turns of the event loop in which events that are there already come first: they would only
cut the question off."""


class Probe:
    """Asks for the store's version, once; a failure is no answer.

    `version` is the one that the answer is measured by (None: there is nothing to ask), `found`
    the answer where it was older.
    """

    def __init__(self, lists: Lists, observer: Observer) -> None:
        self.version: str | None = None
        self.found: str | None = None
        self._lists = lists
        self._observer = observer

    async def ask_beside(
        self,
        read: Callable[[], Awaitable[bool]],
        not_before: float,
        cut_off: Callable[[], None],
    ) -> None:
        """Ask, and meanwhile `read()` as long as that says to go on; neither delays the other.

        `cut_off()` is called where the question was out when the reading ended, or was cancelled.
        """

        async def reading() -> None:
            while await read() and self.version is not None:
                pass
            both.cancel_scope.cancel()

        async def asking() -> None:
            for _ in range(_TURNS):
                await anyio.lowlevel.checkpoint()
            await anyio.sleep_until(not_before)
            try:
                await self._ask()
            except anyio.get_cancelled_exc_class():
                cut_off()
                raise
            if self.found is not None:
                both.cancel_scope.cancel()

        async with anyio.create_task_group() as both:
            both.start_soon(reading)
            both.start_soon(asking)

    async def _ask(self) -> None:
        try:
            found = await self._lists.version()
        except errors.WatchkitError as error:
            self._observer.probe_failed(error)
        else:
            is_older = self.version is not None and is_before(found, self.version)
            self.found = found if is_older else None
        self.version = None

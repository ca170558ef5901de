"""Lists, page by page: as many objects each as the page cap takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchkit.core import errors
from watchkit.core.decoding import Page, decode_page
from watchkit.core.listing import Listing
from watchkit.core.options import PAGE_SIZE, list_query

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchkit.core.events import Change, ObjectEvent
    from watchkit.core.ledger import Memory
    from watchkit.core.objects import Object
    from watchkit.core.options import ListOptions
    from watchkit.core.source import ListerWatcher

    _Any = ObjectEvent[object] | Change[object]


class Lists:
    """Takes one list after another; what has come of one is kept until it is whole, or failed.

    Once a page was too large, all later ones are smaller.
    """

    def __init__(self, source: ListerWatcher, options: ListOptions, idle_timeout: float) -> None:
        self._source = source
        self._options = options
        self._idle_timeout = idle_timeout
        self._limit = options.limit or PAGE_SIZE
        self._is_shrunk = False
        self._listing: Listing | None = None

    async def go_on(
        self, memory: Memory[_Any] | None, *, paged: bool, began: Callable[[str], None]
    ) -> Listing | None:
        """Take the next page: give the list once it is whole, None before.

        Objects that `memory` holds already are not kept twice; where it is None, none are kept.
        `began` is told the version of the list before its first object is looked at. Cancelled,
        it asks for the same page again.

        Raises:
            ApiError, TransportError, ProtocolError: this list is thrown away.

        """
        if self._listing is None:
            self._listing = Listing(_keep_none if memory is None else memory.keep)
        listing = self._listing
        try:
            page = await self._page(listing.token, paged=paged)
            if page is None:
                return None
            if listing.version is None:
                began(page.version)
            if not listing.add(page):
                return None
        except errors.WatchkitError:
            self._listing = None
            raise
        self._listing = None
        return listing

    def give_up(self) -> None:
        """Throw away what has come of a list: the next one begins anew."""
        self._listing = None

    async def version(self) -> str:
        """Get the store's version alone, by a list of one object.

        Raises:
            ApiError, TransportError, ProtocolError: it could not be learnt.

        """
        return (await self._get(1, "")).version

    async def _page(self, token: str, *, paged: bool) -> Page | None:
        """Get the page at `token` ("": the first); None: too large, ask again for half of it."""
        limit = self._limit if paged or self._is_shrunk else None
        try:
            return await self._get(limit, token)
        except errors.PageTooLarge:
            if self._limit == 1:
                raise
            self._limit, self._is_shrunk = self._limit // 2, True
            return None

    async def _get(self, limit: int | None, token: str) -> Page:
        query = list_query(self._options, limit=limit, token=token)
        return decode_page(await self._source.list(query, idle_timeout=self._idle_timeout))


def _keep_none(_: Object) -> None:
    return None

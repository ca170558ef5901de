"""The pages of a list: as many objects each as the page cap takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchkit.core import errors
from watchkit.core.decoding import Page, decode_page
from watchkit.core.options import PAGE_SIZE, list_query

if TYPE_CHECKING:
    from watchkit.core.options import ListOptions
    from watchkit.core.source import ListerWatcher


class Pages:
    """Gets one page at a time; once a page was too large, all later ones are smaller."""

    def __init__(self, source: ListerWatcher, options: ListOptions, idle_timeout: float) -> None:
        self._source = source
        self._options = options
        self._idle_timeout = idle_timeout
        self._limit = options.limit or PAGE_SIZE
        self._is_shrunk = False

    async def get(self, token: str, *, paged: bool) -> Page | None:
        """Get the page at `token` ("": the first); None: too large, ask again for half of it.

        Raises:
            PageTooLarge: a page of one object.
            ApiError, TransportError, ProtocolError: there is no such page.

        """
        limit = self._limit if paged or self._is_shrunk else None
        try:
            return await self._get(limit, token)
        except errors.PageTooLarge:
            if self._limit == 1:
                raise
            self._limit, self._is_shrunk = self._limit // 2, True
            return None

    async def version(self) -> str:
        """Get the store's version alone, by a list of one object.

        Raises:
            ApiError, TransportError, ProtocolError: it could not be learnt.

        """
        return (await self._get(1, "")).version

    async def _get(self, limit: int | None, token: str) -> Page:
        query = list_query(self._options, limit=limit, token=token)
        return decode_page(await self._source.list(query, idle_timeout=self._idle_timeout))

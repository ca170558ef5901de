"""A list in the making: pages are checked, and what is held already is not kept twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from watchkit.core.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchkit.core.decoding import Page
    from watchkit.core.objects import Object


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One listed object: `kept` is None where an equal one is held, or none is wanted."""

    uid: str
    version: str
    kept: object


class Listing:
    """The objects of one consistent list, by key, in the server's order.

    `keep(object)` gives what is to be kept of an object until the list is whole: the object, or
    what a memory has made of it by then. Of one that the memory holds in the same version that
    is None, so that a list costs only what differs (C7).
    """

    def __init__(self, keep: Callable[[Object], object]) -> None:
        self.entries: dict[str, Entry] = {}
        self.version: str | None = None
        self.token: str = ""
        self._keep = keep
        self._tokens: set[str] = set()

    def add(self, page: Page) -> bool:
        """Take the next page; True once it was the last.

        Raises:
            ProtocolError: pages of different versions, a key twice, or a token that repeats:
                no consistent list, to be thrown away.

        """
        if self.version is not None and page.version != self.version:
            msg = f"list pages of different versions: {self.version}, then {page.version}"
            raise ProtocolError(msg)
        if page.token and page.token in self._tokens:
            msg = "a list page whose continue token came before"
            raise ProtocolError(msg)
        self._tokens.add(page.token)
        self.version, self.token = page.version, page.token
        for each in page.objects:
            key = each.meta.key
            if key in self.entries:
                msg = f"a list that has {key} twice"
                raise ProtocolError(msg)
            self._enter(key, each)
        return not page.token

    def put(self, subject: Object) -> None:
        """Take one object, in the place of an earlier state of it."""
        self._enter(subject.meta.key, subject)

    def drop(self, key: str) -> None:
        """Forget one object: it was deleted while its list was still streaming in."""
        self.entries.pop(key, None)

    def _enter(self, key: str, subject: Object) -> None:
        meta = subject.meta
        self.entries[key] = Entry(meta.uid, meta.resource_version, self._keep(subject))

"""Audit: compares a cache with a fresh list of metadata, for servers that lose events."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final, Generic, Protocol, runtime_checkable

import anyio

from watchkit.core.errors import WatchkitError
from watchkit.core.listing import Listing
from watchkit.core.metadata import ObjectMeta
from watchkit.core.source import ListerWatcher
from watchkit.core.versions import is_before
from watchkit.informer.records import T
from watchkit.informer.reflector import Reflector
from watchkit.informer.settings import Settings
from watchkit.informer.store import Store
from watchkit.observe.log import Observer
from watchkit.watching.lists import Lists

_GRACE: Final = 5.0
"""Seconds for events that were under way while the list was made."""
_LOOKS: Final = 10

Identity = tuple[str, str]
"""An object's uid and version."""


@runtime_checkable
class HasMetadata(Protocol):
    """A source that can also be asked for metadata alone."""

    def metadata_only(self) -> ListerWatcher:
        """The same resource as PartialObjectMetadata."""
        ...


class Auditor(Generic[T]):
    """Compares one source's part of a cache with what the server lists, again and again."""

    def __init__(
        self, reflector: Reflector[T], store: Store[T], settings: Settings, observer: Observer
    ) -> None:
        source = reflector.source
        listed = source.metadata_only() if isinstance(source, HasMetadata) else source
        self._reflector = reflector
        self._store = store
        self._lists = Lists(listed, settings.options, settings.idle_timeout)
        self._observer = observer
        self._left_out: dict[str, Identity] = {}

    async def run(self, period: float) -> None:
        """Audit every `period` seconds until cancelled, or until the source is removed."""
        while self._reflector.is_attached:
            await anyio.sleep(period)
            if self._reflector.is_synced:
                await self._audit()

    async def _audit(self) -> None:
        lists = self._reflector.lists
        with self._reflector.noting() as touched:
            try:
                listing = await self._list()
            except WatchkitError as error:
                self._observer.audit_failed(error)
                return
            version = listing.version or ""
            differing = await self._differing(listing, touched)
        if self._reflector.lists > lists:  # that list was compared with all there was
            differing = []
        count = len(differing)
        self._observer.audited(version, objects=len(listing.entries), differences=count)
        if differing and self._reflector.is_attached:
            entries = listing.entries
            self._left_out = {
                key: (entries[key].uid, entries[key].version) for key in differing if key in entries
            }
            self._reflector.relist(f"an audit found {count} differences")

    async def _list(self) -> Listing:
        while True:
            listing = await self._lists.go_on(None, paged=True, began=self._began)
            if listing is not None:
                return listing

    def _began(self, _version: str) -> None:
        self._reflector.tally.listed("audit")

    async def _differing(self, listing: Listing, touched: Collection[str]) -> list[str]:
        """Give the keys that differ, and still do when the watch has had time to say so."""
        differing: list[str] = []
        for _ in range(_LOOKS):
            differing = self._compare(listing, touched)
            position = self._reflector.version
            is_past = position is not None and is_before(listing.version or "", position)
            if not differing or is_past:
                break
            await anyio.sleep(_GRACE / _LOOKS)
        return differing

    def _compare(self, listing: Listing, touched: Collection[str]) -> list[str]:
        listed = {key: (each.uid, each.version) for key, each in listing.entries.items()}
        held = {key: _identity(self._store.meta(key)) for key in self._of_source(self._store)}
        undecodable = self._store.undecodable
        held |= {key: _identity(undecodable[key].meta) for key in self._of_source(undecodable)}
        return differences(listed, {**self._left_out, **held}, held, touched)

    def _of_source(self, keys: Iterable[str]) -> list[str]:
        namespace = self._reflector.source.namespace
        prefix = "" if namespace is None else f"{namespace}/"
        return [key for key in keys if key.startswith(prefix)]


def differences(
    listed: Mapping[str, Identity],
    known: Mapping[str, Identity],
    held: Mapping[str, Identity],
    touched: Collection[str],
) -> list[str]:
    """Give the keys that are listed otherwise than known, or held but not listed.

    Keys that were `touched` meanwhile are none: the watch tells of them.
    """
    wrong = [key for key, identity in listed.items() if known.get(key) != identity]
    ghosts = [key for key in held if key not in listed]
    return [key for key in [*wrong, *ghosts] if key not in touched]


def _identity(meta: ObjectMeta | None) -> Identity:
    return ("", "") if meta is None else (meta.uid, meta.resource_version)

"""Events (the server's) and changes (the cache's): frozen values, and the markers between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, Literal, TypeAlias

import msgspec
from typing_extensions import TypeVar

from watchkit.core.metadata import ObjectMeta
from watchkit.core.objects import Object

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T", default=Object, covariant=True)  # noqa: PLC0105 - T in every signature
M = TypeVar("M")


class _Identity:
    """Who an event or change is about: its metadata's word, whatever the model."""

    __slots__ = ()

    meta: ObjectMeta
    initial: bool
    inferred: bool
    replayed: bool

    def __repr__(self) -> str:
        """Who and when, never what: a model of a Secret would show its data."""
        flags = ("initial", "inferred", "replayed")
        said = "".join(f" {flag}" for flag in flags if getattr(self, flag))
        return f"<{type(self).__name__} {self.key} uid={self.uid} at={self.resource_version}{said}>"

    @property
    def key(self) -> str:
        """The namespace and the name as "ns/name", or "name" where there is no namespace."""
        return self.meta.key

    @property
    def name(self) -> str:
        """The object's name."""
        return self.meta.name

    @property
    def namespace(self) -> str | None:
        """The object's namespace, None for cluster-scoped objects."""
        return self.meta.namespace

    @property
    def uid(self) -> str:
        """The object's uid: one life of one name."""
        return self.meta.uid

    @property
    def resource_version(self) -> str:
        """The object's own version; to resume, store `resume_version`."""
        return self.meta.resource_version


class _About(_Identity, msgspec.Struct, Generic[T], frozen=True, gc=False):
    """What an event or change about one object carries, whatever the model."""

    object: T
    """The object: as it is now, or as it was last (Deleted)."""
    meta: ObjectMeta
    """Who it is, its labels, annotations, owners, finalizers and times; never the model's."""
    initial: bool = False
    """It was there before the watching began."""
    inferred: bool = False
    """The net effect of a gap: no server said so, a list shows it."""
    replayed: bool = False
    """Nothing changed: the informer's `resync_period` sends it again."""
    resume_version: str | None = None
    """What to store once this and all before it is done; None inside a gap or a replay."""


class Added(_About[T], frozen=True, gc=False):
    """An object came to be, or came into the watched set."""

    __match_args__ = ("object",)  # pyright: ignore[reportAssignmentType] - the rest by name
    type: ClassVar[Literal["ADDED"]] = "ADDED"


class Modified(_About[T], frozen=True, gc=False):
    """An object of the watched set has changed."""

    __match_args__ = ("object",)  # pyright: ignore[reportAssignmentType] - the rest by name
    type: ClassVar[Literal["MODIFIED"]] = "MODIFIED"


class Updated(_Identity, msgspec.Struct, Generic[T], frozen=True, gc=False):
    """A cached object has changed: it was `old`, and is `new` (`object` is that, too).

    To a handler, `old` is what it was last shown. With `replayed`, both are the same.
    """

    type: ClassVar[Literal["UPDATED"]] = "UPDATED"

    old: T
    new: T
    meta: ObjectMeta
    """The metadata of `new`."""
    initial: bool = False
    inferred: bool = False
    replayed: bool = False
    resume_version: str | None = None
    old_meta: ObjectMeta | None = None
    """The metadata of `old`; None where nobody said."""

    @property
    def object(self) -> T:
        """The object as it is now."""
        return self.new


class Deleted(_About[T], frozen=True, gc=False):
    """An object left the watched set: deleted, or selected no longer; `object` is its last state.

    Inferred by a bare RetryWatcher, `object` is an `Object` that holds just the name, the
    namespace, the uid and the last version seen.
    """

    __match_args__ = ("object",)  # pyright: ignore[reportAssignmentType] - the rest by name
    type: ClassVar[Literal["DELETED"]] = "DELETED"


class Relisted(msgspec.Struct, frozen=True):
    """A gap begins: the server no longer had the version, what follows is the net effect."""

    resource_version: str


class Synced(msgspec.Struct, frozen=True):
    """An initial replay or a gap is complete: all that was there at this version has been said."""

    resource_version: str


class Bookmark(msgspec.Struct, frozen=True):
    """Nothing up to this version is missing, though nothing was said of it."""

    resource_version: str


class Began(msgspec.Struct, frozen=True):
    """The first list of a watch that replays nothing is done: events after this version follow.

    It stays inside: it moves a watcher's position, and no consumer sees it.
    """

    resource_version: str


ObjectEvent: TypeAlias = Added[T] | Modified[T] | Deleted[T | Object]
Change: TypeAlias = Added[T] | Updated[T] | Deleted[T]
Event: TypeAlias = ObjectEvent[T] | Relisted | Synced | Bookmark


def with_object(event: ObjectEvent, convert: Callable[[Object], M]) -> ObjectEvent[M]:
    """The same event about the same object in another form."""
    kind: type[Added[M] | Modified[M] | Deleted[M]] = type(event)  # type: ignore[assignment]
    return kind(
        object=convert(event.object),
        meta=event.meta,
        initial=event.initial,
        inferred=event.inferred,
        replayed=event.replayed,
        resume_version=event.resume_version,
    )

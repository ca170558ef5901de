"""Object: the JSON of one Kubernetes object, read only, parsed only as far as you look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar, cast

import msgspec
from msgspec import Raw

from watchkit.core import models
from watchkit.core.errors import ProtocolError
from watchkit.core.metadata import ObjectMeta, OwnerReference
from watchkit.core.reading import BROKEN, malformed, parsed, value

T = TypeVar("T")

_NOTHING: Final = Raw(b"")


class Wire(msgspec.Struct, gc=False):
    """What one pass over an object's JSON types; sections stay views into the bytes."""

    metadata: ObjectMeta
    kind: str = ""
    apiVersion: str = ""  # noqa: N815 - the name on the wire
    spec: Raw = _NOTHING
    status: Raw = _NOTHING


_whole = msgspec.json.Decoder(Wire)
_sections = msgspec.json.Decoder(dict[str, Raw])
_UNREAD: Final[Any] = None
"""In the place of what has not been parsed yet; nobody ever sees it."""

if TYPE_CHECKING:
    _Lean = Mapping[str, Any]
else:

    class _Lean(msgspec.Struct, gc=False, eq=False, frozen=True):
        """A mapping that the garbage collector does not walk, however many of them are cached.

        None can be part of a cycle. The collector would walk them all again for every fourth
        part that comes to them, and that in one go: no list would leave the event loop its turn.
        """

        __contains__ = Mapping.__contains__
        get = Mapping.get
        items = Mapping.items
        keys = Mapping.keys
        values = Mapping.values

        def __ne__(self, other: object) -> bool:
            """Say the opposite of `==`: a Struct's own is whether they are two."""
            equal = self.__eq__(other)
            return equal if equal is NotImplemented else not equal


class Object(_Lean):
    """A read-only mapping over the JSON of one object, as the server sent it.

    `obj["spec"]["nodeName"]` parses the section spec, and only when asked. A section read is a
    plain value of your own: two reads are two copies, so bind it to a name. Objects are
    hashable, and equal by uid and version, else by content.

    `Object(source)` takes the JSON bytes of an object, or a mapping to be encoded.

    Raises:
        ProtocolError: the bytes are not the JSON of an object (also later, when a section is
            read that turns out to be malformed or nested deeper than 512).

    """

    _raw: bytes
    _wire: Wire = _UNREAD
    meta: ObjectMeta = _UNREAD

    __match_args__: ClassVar[tuple[str, ...]] = ()

    if TYPE_CHECKING:

        def __init__(self, source: bytes | Mapping[str, Any], /) -> None: ...

    def __post_init__(self) -> None:
        """Read what was given, unless that is done."""
        if self._wire is not _UNREAD:
            return
        source = cast("bytes | Mapping[str, Any]", self._raw)
        raw = source if isinstance(source, bytes) else _encoded(source)
        wire = parsed(_whole, raw)
        for name, known in (("_raw", raw), ("_wire", wire), ("meta", wire.metadata)):
            _set(self, name, known)

    @classmethod
    def of(cls, raw: bytes, wire: Wire) -> Object:
        """The object of JSON that was parsed already, and is all UTF-8."""
        return _made(raw, wire, wire.metadata)

    @property
    def raw(self) -> bytes:
        """The JSON bytes, as kept."""
        return self._raw

    @property
    def api_version(self) -> str:
        """The group and version, such as "apps/v1"."""
        return self._wire.apiVersion

    @property
    def kind(self) -> str:
        """The kind, such as "Deployment"."""
        return self._wire.kind

    @property
    def name(self) -> str:
        """metadata.name."""
        return self.meta.name

    @property
    def namespace(self) -> str | None:
        """metadata.namespace, None for cluster-scoped objects."""
        return self.meta.namespace

    @property
    def uid(self) -> str:
        """metadata.uid: one life of one name."""
        return self.meta.uid

    @property
    def resource_version(self) -> str:
        """metadata.resourceVersion; "" where the object has none."""
        return self.meta.resource_version

    @property
    def key(self) -> str:
        """The namespace and the name as "ns/name", or "name" where there is no namespace."""
        return self.meta.key

    @property
    def labels(self) -> dict[str, str]:
        """metadata.labels; empty where there are none."""
        return self.meta.labels

    @property
    def annotations(self) -> dict[str, str]:
        """metadata.annotations; empty where there are none."""
        return self.meta.annotations

    @property
    def generation(self) -> int | None:
        """metadata.generation: counts changes of the spec."""
        return self.meta.generation

    @property
    def creation_timestamp(self) -> datetime | None:
        """metadata.creationTimestamp."""
        return self.meta.creation_timestamp

    @property
    def deletion_timestamp(self) -> datetime | None:
        """metadata.deletionTimestamp."""
        return self.meta.deletion_timestamp

    @property
    def finalizers(self) -> list[str]:
        """metadata.finalizers; empty where there are none."""
        return self.meta.finalizers

    @property
    def owner_references(self) -> list[OwnerReference]:
        """metadata.ownerReferences; empty where there are none."""
        return self.meta.owner_references

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, yours to change."""
        return cast("dict[str, Any]", value(self._raw))

    def to(self, model: type[T]) -> T:
        """Decode into a msgspec Struct (undeclared fields are skipped) or a kubernetes model.

        Raises:
            ProtocolError: the object does not fit the model.

        """
        return models.decode(model, self._raw)

    def without(self, *paths: str) -> Object:
        """A new object that lacks some parts: `obj.without("metadata.managedFields", "status")`.

        A path is names joined by dots; one that leads nowhere changes nothing.
        """
        raw = self._raw
        for path in paths:
            raw = _removed(raw, path.split("."))
        return Object(raw)

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - JSON has no narrower type
        wire = self._wire
        if key == "spec" and wire.spec:
            return value(wire.spec)
        if key == "status" and wire.status:
            return value(wire.status)
        return value(self._parts()[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts())

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._parts())

    def __len__(self) -> int:
        return len(self._parts())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Object):
            mine, its = self._identity(), other._identity()
            if mine and its:
                return mine == its
            return self._raw == other.raw or self.to_dict() == other.to_dict()
        if isinstance(other, Mapping):
            return self.to_dict() == other
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity() or (self.meta.namespace, self.meta.name))

    def __repr__(self) -> str:
        what = " ".join(filter(None, [self.api_version, self.kind]))
        return f"<Object {what} {self.key} uid={self.uid} at={self.resource_version}>"

    def __rich_repr__(self) -> Iterator[tuple[str, str]]:
        """Who it is, as in its repr: rich would show all the JSON of a Struct."""
        yield from (("key", self.key), ("uid", self.uid), ("at", self.resource_version))

    def _parts(self) -> dict[str, Raw]:
        return parsed(_sections, self._raw)

    def _identity(self) -> tuple[str, str] | None:
        meta = self.meta
        return (meta.uid, meta.resource_version) if meta.uid and meta.resource_version else None


_set = cast("Callable[[object, str, object], None]", msgspec.structs.force_setattr)
_made = cast("Callable[[bytes, Wire, ObjectMeta], Object]", Object)
if not TYPE_CHECKING:
    Mapping.register(Object)


def _removed(raw: bytes | Raw, path: list[str]) -> bytes:
    try:
        sections = msgspec.json.decode(raw, type=dict[str, Raw])
    except msgspec.ValidationError:  # a list or a plain value on the way: the path leads nowhere
        return bytes(raw)
    except BROKEN as error:
        raise malformed(error) from None
    name, rest = path[0], path[1:]
    if name not in sections:
        return bytes(raw)
    if rest:
        sections[name] = Raw(_removed(sections[name], rest))
    else:
        del sections[name]
    return msgspec.json.encode(sections)


def _encoded(source: Mapping[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(dict(source))
    except (TypeError, UnicodeEncodeError, RecursionError, msgspec.MsgspecError) as error:
        msg = f"not the JSON of an object ({type(error).__name__})"
        raise ProtocolError(msg) from None

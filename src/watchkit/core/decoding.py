"""From frames and pages to objects: one pass over the bytes, metadata typed, the rest kept raw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import Raw

from watchkit.core import classify
from watchkit.core.errors import ApiError, ProtocolError
from watchkit.core.objects import Object, Wire
from watchkit.core.reading import BROKEN
from watchkit.core.versions import is_usable

INITIAL_EVENTS_END: Final = "k8s.io/initial-events-end"
"""The annotation of the bookmark that ends the initial events (KEP-3157)."""

Verb: TypeAlias = Literal["ADDED", "MODIFIED", "DELETED"]

_VERBS: Final[dict[str, Verb]] = {"ADDED": "ADDED", "MODIFIED": "MODIFIED", "DELETED": "DELETED"}
_USUAL: Final = tuple(
    (verb, head, len(head))
    for verb in ("MODIFIED", "ADDED", "DELETED", "BOOKMARK")
    for head in (f'{{"type":"{verb}","object":'.encode(),)
)
_BOOKMARK: Final = b'{"type":"BOOKMARK",'
_ITEMS: Final = b'"items":['
_METADATA: Final = b'"metadata":{'
_TYPED: Final = (b'{"apiVersion":', b'{"kind":')
_LEAD: Final = 512
"""Bytes within which an item comes to its metadata: a kind and an apiVersion are shorter."""

_NOTHING: Final = Raw(b"")


# Structs: a dataclass that is frozen costs a microsecond an event more.


class Told(msgspec.Struct, frozen=True):
    """A frame about one object."""

    verb: Verb
    object: Object


class Marked(msgspec.Struct, frozen=True):
    """A bookmark frame; `ends_initial` where it closes the initial events."""

    version: str
    ends_initial: bool


class Page(msgspec.Struct, frozen=True):
    """One list page: its version, the token of the next one ("" on the last), its objects."""

    version: str
    token: str
    objects: tuple[Object, ...]


class _Loose(msgspec.Struct, gc=False):
    """Any JSON object: what a frame says when it is no ordinary event."""

    type: str = ""
    object: Raw = _NOTHING
    kind: str = ""


class _ListMeta(msgspec.Struct, gc=False):
    resourceVersion: str = ""  # noqa: N815 - the name on the wire
    token: str = msgspec.field(name="continue", default="")


class _List(msgspec.Struct, gc=False):
    metadata: _ListMeta
    items: list[Raw] | None = None
    kind: str = ""
    apiVersion: str = ""  # noqa: N815 - the name on the wire


_loose = msgspec.json.Decoder(_Loose)
_wire = msgspec.json.Decoder(Wire).decode
_list = msgspec.json.Decoder(_List)


def decode_frame(frame: bytes) -> Told | Marked | ApiError:
    """Read one watch event. An ERROR event, and a bare Status in its place, is an ApiError.

    Raises:
        ProtocolError: no JSON, invalid UTF-8, an unknown type, an object without uid or
            version, a bookmark without version.

    """
    # The API server writes {"type":"ADDED","object":{...}}, byte for byte: what is between is
    # decoded alone, so that one pass shows both what the object says and where it ends.
    for verb, head, length in _USUAL:
        if frame.startswith(head) and frame.endswith(b"}"):
            raw = frame[length:-1]
            try:
                wire = _wire(raw)
                if not raw.isascii():
                    raw.decode()  # msgspec skips over strings without a look at their UTF-8
            except BROKEN:
                break
            return _said(verb, Object.of(raw, wire))
    return _unusual(frame)


def is_bookmark(frame: bytes) -> bool:
    """Whether this is a bookmark as the API server writes it."""
    return frame.startswith(_BOOKMARK)


def is_status(frame: bytes) -> bool:
    """Whether this is a whole Status by itself, as a server answers in an event's place."""
    if b'"Status"' not in frame:
        return False
    try:
        loose = _loose.decode(frame)
    except BROKEN:
        return False
    return not loose.type and loose.kind == "Status"


def decode_page(body: bytes) -> Page:
    """Read one list page; a copy of each object's bytes is kept, never the page.

    Items of built-in lists come without kind and apiVersion: they get the list's.

    Raises:
        ApiError: the body is a Status.
        ProtocolError: it is no list, has no version, or an item has no name, uid or version.

    """
    if (usual := _usual_page(body)) is not None:
        return usual
    try:
        page = _list.decode(body)
    except BROKEN as error:
        raise _not_a_list(body, type(error).__name__) from None
    if not _is_list(page):
        raise _not_a_list(body, f"kind {page.kind[:64]!r}")
    prefix = _type_meta(page)
    try:
        objects = tuple(_item(_typed(bytes(item), prefix)) for item in page.items or ())
    except BROKEN as error:
        msg = f"a list item that cannot be read ({type(error).__name__})"
        raise ProtocolError(msg) from None
    return Page(page.metadata.resourceVersion, page.metadata.token, objects)


def _usual_page(body: bytes) -> Page | None:
    """Read a page whose items all begin alike, as the API server writes them; None for others.

    Where one item ends and the next begins is guessed from that beginning, which saves a pass
    over all of it. The guess is proved: the page without its items and each item by itself are
    read as JSON, and there is but one way to read what they make up together.
    """
    begin = body.find(_ITEMS) + len(_ITEMS)
    end = body.rfind(b"]")
    names = body.find(_METADATA, begin, begin + _LEAD)
    if begin < len(_ITEMS) or names < 0 or not body.startswith(b"{", begin):
        return None
    try:
        page = _list.decode(body[:begin] + body[end:])
        if not _is_list(page):
            return None
        raws = _cut(body, begin, end, body[begin : names + len(_METADATA)], _type_meta(page))
        objects = tuple(map(_item, raws))
    except (*BROKEN, ProtocolError):
        return None
    return Page(page.metadata.resourceVersion, page.metadata.token, objects)


def _cut(body: bytes, begin: int, end: int, lead: bytes, prefix: bytes) -> Iterator[bytes]:
    """Give each item of a page, whose items begin with `lead`: copied once, its type in front."""
    is_typed = lead.startswith(_TYPED) or not prefix
    view, between = memoryview(body), b"}," + lead
    while begin < end:
        at = body.find(between, begin + len(lead), end)
        stop = at + 1 if at >= 0 else end
        if is_typed:
            yield body[begin:stop]
        else:
            yield b"".join((prefix, view[begin + 1 : stop]))
        begin = stop + 1


def _said(verb: str, subject: Object) -> Told | Marked:
    meta = subject.meta
    version = meta.resource_version
    if (about := _VERBS.get(verb)) is not None:
        if meta.uid and meta.name and version and version != "0":  # is_usable, without a call
            return Told(about, subject)
        msg = f"a {verb} event without uid, name or version"
        raise ProtocolError(msg)
    if verb == "BOOKMARK":
        if is_usable(version):
            ends = meta.annotations_json and meta.annotations.get(INITIAL_EVENTS_END) == "true"
            return Marked(version, bool(ends))
        msg = "a bookmark without version"
        raise ProtocolError(msg)
    msg = f"a watch event of unknown type {verb[:64]!r}"
    raise ProtocolError(msg)


def _subject(raw: bytes) -> Object:
    wire = _wire(raw)
    if not raw.isascii():
        raw.decode()
    return Object.of(raw, wire)


def _unusual(frame: bytes) -> Told | Marked | ApiError:
    """Read what is no ordinary event: errors, a bare Status, events with unknown fields."""
    try:
        frame.decode()
        loose = _loose.decode(frame)
    except BROKEN as error:
        msg = f"a watch event that cannot be read ({type(error).__name__})"
        raise ProtocolError(msg) from None
    if loose.type == "ERROR":
        return classify.object_error(bytes(loose.object))
    if not loose.type and loose.kind == "Status":
        return classify.object_error(frame)
    return _said(loose.type, Object(bytes(loose.object)))


def _typed(raw: bytes, prefix: bytes) -> bytes:
    return raw if raw.startswith(_TYPED) or not prefix else prefix + raw[1:]


def _item(raw: bytes) -> Object:
    subject = _subject(raw)
    meta = subject.meta
    if not meta.name or not meta.uid or not is_usable(meta.resource_version):
        msg = "a list item without name, uid or version"
        raise ProtocolError(msg)
    return subject


def _is_list(page: _List) -> bool:
    return page.kind.endswith("List") and is_usable(page.metadata.resourceVersion)


def _type_meta(page: _List) -> bytes:
    """What an item lacks that does not say its type, its brace included."""
    kind = page.kind.removesuffix("List")
    if not kind or not page.apiVersion:
        return b""
    return msgspec.json.encode({"kind": kind, "apiVersion": page.apiVersion})[:-1] + b","


def _not_a_list(body: bytes, what: str) -> ApiError | ProtocolError:
    try:
        loose = _loose.decode(body)
    except BROKEN:
        return ProtocolError(f"an answer that is no list ({what})")
    if loose.kind == "Status":
        return classify.object_error(body)
    return ProtocolError(f"an answer that is no list ({what})")

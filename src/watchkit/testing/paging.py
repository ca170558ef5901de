"""Lists: which version, which page, and the continue token that names the rest. Pure."""

from __future__ import annotations

import base64
import binascii
import posixpath
from bisect import bisect_left
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from watchkit.testing import bodies
from watchkit.testing.bodies import Refusal
from watchkit.testing.log import SHOWN, Kept, Ordered, View
from watchkit.testing.replica import Reading
from watchkit.testing.requests import ApiRequest
from watchkit.testing.resources import Resource
from watchkit.testing.selection import Selection
from watchkit.testing.tables import table
from watchkit.testing.values import is_map

_API_VERSION: Final = "meta.k8s.io/v1"
_UNREADABLE: Final = "invalid continue token: continue key is not valid: "
_MATCHES: Final = ("Exact", "NotOlderThan", "")
_KINDS: Final[Mapping[str, type | tuple[type, ...]]] = {
    "bool": bool,
    "string": str,
    "number": (int, float),
    "array": list,
    "object": dict,
    "null": object,
}
"""What Go calls the kinds of JSON values; a bool of Python is an int, too, so that it is first."""

_INCONSISTENT: Final = -1
"""The version in a token that goes on with whatever is there by then, as any below 0 does."""


class Page(msgspec.Struct, frozen=True):
    """One page of a list: its objects, the version of the whole, where the rest begins."""

    version: int
    items: list[Kept]
    token: str
    remaining: int | None
    now: datetime

    def body(self, resource: Resource, view: View) -> bytes:
        """The JSON of the page."""
        metadata: dict[str, object] = {"resourceVersion": str(self.version)}
        if self.token or (resource.custom and view == "full"):
            metadata["continue"] = self.token
        if self.remaining is not None:
            metadata["remainingItemCount"] = self.remaining
        if view in SHOWN:
            manifests = [item.manifest for item in self.items]
            said = table(resource, manifests, metadata, self.now, shown=SHOWN[view])
            return msgspec.json.encode(said) + b"\n"
        kind, version = f"{resource.kind}List", resource.api_version
        if view == "metadata":
            kind, version = "PartialObjectMetadataList", "meta.k8s.io/v1"
        raws = [item.partial if view == "metadata" else item.item for item in self.items]
        items = [msgspec.Raw(raw) for raw in raws]
        if resource.custom and view == "full":
            said = {"apiVersion": version, "items": items, "kind": kind, "metadata": metadata}
        else:
            said = {"kind": kind, "apiVersion": version, "metadata": metadata, "items": items}
        return msgspec.json.encode(said) + b"\n"


def list_page(state: Reading, request: ApiRequest, resource: Resource) -> Page:
    """Answer a list request.

    Raises:
        Refusal: 400 what cannot be read, 410 what is no longer kept, 504 what is not there yet.

    """
    selection = Selection.of(request, resource)
    version, start = _where(state, request, resource)
    ordered = state.log(resource).ordered(version)
    prefix = f"{selection.namespace}/" if selection.namespace else ""  # tokens are relative
    rest = _range(ordered, prefix, start)
    if selection.selective:
        rest = [kept for kept in rest if selection.matches(kept)]
    limit = _limit(request) or len(rest)
    items = rest[:limit]
    if len(rest) <= limit:
        return Page(version, items, "", None, state.now())
    token = encode_token(version, f"/{items[-1].key.removeprefix(prefix)}\0")
    remaining = None if selection.selective else len(rest) - limit
    return Page(version, items, token, remaining, state.now())


def _range(ordered: Ordered, prefix: str, start: str) -> list[Kept]:
    """The objects whose keys have a prefix ("ns/", or none), from a place on."""
    first = bisect_left(ordered.keys, prefix + start)
    last = bisect_left(ordered.keys, f"{prefix[:-1]}0") if prefix else None  # "0" follows "/"
    return ordered.objects[first:last]


def encode_token(version: int, start: str) -> str:
    """The continue token of the real server: base64 without padding over a small JSON object."""
    said = {"v": _API_VERSION, "rv": version, "start": start}
    return base64.urlsafe_b64encode(msgspec.json.encode(said)).rstrip(b"=").decode()


def decode_token(token: str) -> tuple[int, str]:
    """The version and the start in a token; those of pages begin with a slash, those of a 410 not.

    Raises:
        Refusal: 400, it is none.

    """
    try:
        padded = token + "=" * (-len(token) % 4)
        said = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(bodies.bad_request(f"{_UNREADABLE}illegal base64 data")) from None
    try:
        fields = msgspec.json.decode(said, type=_Token)
    except msgspec.ValidationError as error:
        raise Refusal(bodies.bad_request(_UNREADABLE + _mistyped(said, str(error)))) from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        found = "unexpected end of JSON input"
        if said:
            found = f"invalid character '{_quoted(chr(said[0]))}' looking for beginning of value"
        raise Refusal(bodies.bad_request(_UNREADABLE + found)) from None
    if fields.v != _API_VERSION:
        found = f"server does not recognize this encoded version {fields.v}"
        raise Refusal(bodies.bad_request(_UNREADABLE + found))
    if found := _nonsense(fields):
        raise Refusal(bodies.bad_request(_UNREADABLE + found))
    return fields.rv, fields.start.removeprefix("/")


def _mistyped(said: bytes, error: str) -> str:
    """What Go says of a field that is of another type (`error` is what msgspec says)."""
    fields: object = msgspec.json.decode(said)
    name = error.rpartition("$.")[2].rstrip("`")
    value = fields.get(name) if is_map(fields) else fields
    found = next(kind for kind, types in _KINDS.items() if isinstance(value, types))
    if not is_map(fields):
        return f"json: cannot unmarshal {found} into Go value of type storage.continueToken"
    wanted = "int64" if name == "rv" else "string"
    return (
        f"json: cannot unmarshal {found} into Go struct field continueToken.{name} of type {wanted}"
    )


def _nonsense(fields: _Token) -> str:
    """What no token says that came from a server, "" where nothing is wrong."""
    start = f"/{fields.start.removeprefix('/')}"
    if fields.rv == 0:
        return f"incorrect encoded start resourceVersion (version {_API_VERSION})"
    if not fields.start:
        return f"encoded start key empty (version {_API_VERSION})"
    return fields.start if posixpath.normpath(start) != start or start[:2] == "//" else ""


def _quoted(letter: str) -> str:
    return letter if letter.isprintable() else f"\\u{ord(letter):04x}"


class _Token(msgspec.Struct):
    rv: int = 0
    start: str = ""
    v: str = ""


def _where(state: Reading, request: ApiRequest, resource: Resource) -> tuple[int, str]:
    """The version to list at, and the key to begin with."""
    token, asked = request.query.get("continue", ""), request.query.get("resourceVersion", "")
    match = request.query.get("resourceVersionMatch", "")
    _check_options(request, asked, match)
    if not token:
        return _version(state, request, resource, asked), ""
    if asked not in {"", "0"}:
        said = "specifying resource version is not allowed when using continue"
        raise Refusal(bodies.bad_request(said))
    version, start = decode_token(token)
    if version < 0:
        return state.version, start
    if version > state.version:
        raise Refusal(bodies.too_large(version, state.version))
    if version < state.compacted:
        raise Refusal(bodies.expired_continue(encode_token(_INCONSISTENT, start)))
    return version, start


def _limit(request: ApiRequest) -> int:
    """How long a page is, 0 where all is wanted; what any version will do for is never paged."""
    said = request.query.get("limit", "")
    if said and not said.removeprefix("-").isdecimal():
        raise Refusal(bodies.bad_number(said))
    anything = request.query.get("resourceVersion") == "0" and not request.query.get("continue")
    return 0 if anything else request.number("limit")


def _version(state: Reading, request: ApiRequest, resource: Resource, asked: str) -> int:
    match = request.query.get("resourceVersionMatch", "")
    if not asked:
        state.catch_up(resource)
        return state.version
    if asked == "0":
        return state.progress(resource)
    if not asked.isdecimal():
        raise Refusal(bodies.bad_version(asked, watch=False))
    version = int(asked)
    if state.progress(resource) < version <= state.version:
        state.catch_up(resource)
    if version > state.version:
        raise Refusal(bodies.too_large(version, state.version))
    exact = match == "Exact" or (not match and request.number("limit") > 0)
    if not exact:
        return state.progress(resource)
    if version < state.compacted:
        raise Refusal(bodies.expired_list())
    return version


def _check_options(request: ApiRequest, asked: str, match: str) -> None:
    """Refuse what list options forbid, all of it in one answer."""
    causes: list[tuple[str, str, str]] = []
    where = "resourceVersionMatch"
    if match and not asked:
        said = f"Forbidden: {where} is forbidden unless resourceVersion is provided"
        causes.append(("FieldValueForbidden", where, said))
    if match and request.query.get("continue"):
        said = f"Forbidden: {where} is forbidden when continue is provided"
        causes.append(("FieldValueForbidden", where, said))
    if match == "Exact" and asked == "0":
        said = f'Forbidden: {where} "exact" is forbidden for resourceVersion "0"'
        causes.append(("FieldValueForbidden", where, said))
    if match not in _MATCHES:
        known = ", ".join(f'"{each}"' for each in _MATCHES)
        said = f'Unsupported value: "{match}": supported values: {known}'
        causes.append(("FieldValueNotSupported", where, said))
    if request.flag("sendInitialEvents") is not None:
        said = "Forbidden: sendInitialEvents is forbidden for list"
        causes.append(("FieldValueForbidden", "sendInitialEvents", said))
    if causes:
        raise Refusal(bodies.invalid("ListOptions", "", *causes, group="meta.k8s.io"))

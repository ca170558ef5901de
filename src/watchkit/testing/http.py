"""What an HTTP request asks of the API, and how its answer is to be written. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

import msgspec

from watchkit.testing import bodies
from watchkit.testing.bodies import Refusal, Reply
from watchkit.testing.log import Manifest, View
from watchkit.testing.requests import Request, Verb
from watchkit.testing.resources import Catalogue, Resource

GZIP_FROM: Final = 128 * 1024
"""Bytes from which on a body is gzip'd for a client that takes it (kube-apiserver's number)."""

Coding: TypeAlias = Literal["gzip", "identity"]

_VERBS: Final[Mapping[str, Verb]] = {
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names: a resource, where, and perhaps one object of it."""

    resource: Resource
    namespace: str | None
    name: str | None


def route(catalogue: Catalogue, path: str) -> Target:
    """Read a path under /api or /apis.

    Raises:
        Refusal: 404, as the server words it for a known and for an unknown group.

    """
    match path.strip("/").split("/"):
        case ["api", "v1", *rest]:
            api_version = "v1"
        case ["apis", group, version, *rest]:
            api_version = f"{group}/{version}"
        case _:
            raise Refusal(bodies.not_served(group_known=False))
    target = _target(catalogue, api_version, rest)
    if target is None:
        known = any(each.api_version == api_version for each in catalogue)
        raise Refusal(bodies.not_served(group_known=known))
    return target


def verb_of(method: str, target: Target, query: Mapping[str, str]) -> Verb:
    """The API's verb for an HTTP method.

    Raises:
        Refusal: 405, a method that the API has no verb for here.

    """
    if method == "GET" and target.name is None:
        return "watch" if query.get("watch") in _TRUE else "list"
    if method == "GET":
        return "get"
    if method not in _VERBS or (method == "POST") != (target.name is None):
        said = "the server does not allow this method on the requested resource"
        raise Refusal(bodies.status(405, said, "MethodNotAllowed", details={}))
    return _VERBS[method]


def view_of(accept: str) -> View:
    """How objects are to be written: the first of the accepted types that is known here.

    Raises:
        Refusal: 406, none is.

    """
    for offer in accept.split(",") if accept else ["*/*"]:
        media, *rest = [part.strip() for part in offer.split(";")]
        params = dict(part.split("=", 1) for part in rest if "=" in part)
        if media not in {"application/json", "application/*", "*/*"}:
            continue
        form = params.get("as", "")
        if not form:
            return "full"
        if form in {"PartialObjectMetadata", "PartialObjectMetadataList"}:
            return "metadata"
    raise Refusal(not_acceptable())


def list_coding(accept_encoding: str, body: bytes) -> Coding:
    """Large bodies are gzip'd for those who take it."""
    takes = "gzip" in accept_encoding
    return "gzip" if takes and len(body) >= GZIP_FROM else "identity"


def watch_coding(accept_encoding: str, request: Request) -> Coding:
    """Gzip a watch as 1.37 does (WatchListCompression): those that begin with current objects."""
    begins = request.query.get("resourceVersion", "") in {"", "0"}
    plain = begins and request.flag("allowWatchBookmarks")
    streamed = bool(request.flag("sendInitialEvents"))
    return "gzip" if "gzip" in accept_encoding and (streamed or plain) else "identity"


def manifest_of(verb: Verb, content_type: str, body: bytes) -> Manifest:
    """Read the body of a write; that of a delete (its options) is not looked at.

    A strategic merge patch is taken where it means the same as a merge patch: where it holds
    neither lists nor directives.

    Raises:
        Refusal: 400 no JSON object, 415 a format that is not known here.

    """
    if verb in {"list", "watch", "get", "delete"}:
        return {}
    media = content_type.partition(";")[0].strip() or "application/json"
    known = {"application/json"}
    if verb == "patch":
        known = {"application/merge-patch+json", "application/strategic-merge-patch+json"}
    if media not in known:
        raise Refusal(_unsupported(known))
    try:
        manifest = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Refusal(bodies.bad_request("the body of the request is no JSON")) from None
    if not isinstance(manifest, dict):
        raise Refusal(bodies.bad_request("the body of the request is no JSON object"))
    manifest = cast("Manifest", manifest)
    if "strategic" in media and _strategic(manifest):
        raise Refusal(_unsupported({"application/merge-patch+json"}))
    return manifest


def not_acceptable() -> Reply:
    """None of the accepted types is served (this one Status the server prints in lines)."""
    said: dict[str, object] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": (
            "406: Not Acceptable\n\nAvailable representations: application/json,"
            " application/yaml, application/vnd.kubernetes.protobuf,"
            " application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
        ),
        "reason": "NotAcceptable",
        "details": {},
        "code": 406,
    }
    return Reply(406, msgspec.json.format(msgspec.json.encode(said), indent=2))


def _target(catalogue: Catalogue, api_version: str, rest: list[str]) -> Target | None:
    match rest:
        case ["namespaces", namespace, plural, *name] if len(name) <= 1:
            resource = catalogue.named(api_version, plural)
            named = name[0] if name else None
            if resource is None or not resource.namespaced:
                return None
            return Target(resource, namespace, named)
        case [plural, *name] if len(name) <= 1:
            resource = catalogue.named(api_version, plural)
            if resource is None or (name and resource.namespaced):
                return None
            return Target(resource, None, name[0] if name else None)
        case _:
            return None


def _strategic(value: object) -> bool:
    """Whether a strategic merge patch differs from a merge patch of the same text."""
    if not isinstance(value, dict):
        return isinstance(value, list)
    fields = cast("Manifest", value)
    return any(name.startswith("$") or _strategic(inner) for name, inner in fields.items())


def _unsupported(known: set[str]) -> Reply:
    said = "the body of the request was in an unknown format - accepted media types include: "
    return bodies.status(415, said + ", ".join(sorted(known)), "UnsupportedMediaType")

"""What an HTTP request asks of the API, and how its answer is to be written. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

import msgspec

from watchkit.testing import bodies, patches
from watchkit.testing.bodies import Refusal, Reply
from watchkit.testing.log import View
from watchkit.testing.requests import ApiRequest, Verb, truth
from watchkit.testing.resources import Catalogue, Resource
from watchkit.testing.values import is_map

GZIP_FROM: Final = 128 * 1024
"""Bytes from which on a body is gzip'd for a client that takes it (kube-apiserver's number)."""

Coding: TypeAlias = Literal["gzip", "identity"]

_ON_ONE: Final[Mapping[str, Verb]] = {
    "GET": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_ON_MANY: Final[Mapping[str, Verb]] = {
    "GET": "list",
    "POST": "create",
    "DELETE": "deletecollection",
}
_YAML: Final = "application/yaml"
_JSON: Final = "application/json"
_PROTOBUF: Final = "application/vnd.kubernetes.protobuf"


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names: a resource, where, and perhaps one object of it, or a part of that."""

    resource: Resource
    namespace: str | None
    name: str | None
    subresource: str = ""


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
        _check_part(catalogue, api_version, rest)
        known = any(each.api_version == api_version and not each.custom for each in catalogue)
        raise Refusal(bodies.not_served(group_known=known))
    return target


def verb_of(method: str, target: Target, query: Mapping[str, str]) -> Verb:
    """The API's verb for an HTTP method.

    Raises:
        Refusal: 405, a method that the API has no verb for here.

    """
    verb = (_ON_MANY if target.name is None else _ON_ONE).get(method)
    if target.resource.custom and not target.subresource:  # these look at the method only
        verb = verb or _ON_MANY.get(method) or _ON_ONE.get(method)
    everywhere = target.resource.namespaced and target.namespace is None
    if target.subresource and verb == "delete":
        verb = None
    if verb == "deletecollection" and target.resource.name == "namespaces":
        verb = None
    if target.resource.review and verb != "create":
        verb = None
    if verb is None or (everywhere and verb != "list"):
        said = "the server does not allow this method on the requested resource"
        raise Refusal(bodies.status(405, said, "MethodNotAllowed", details={}))
    return "watch" if verb == "list" and truth(query.get("watch", "0")) else verb


def view_of(accept: str, verb: Verb = "list", resource: Resource | None = None) -> View:
    """How objects are to be written: the first of the accepted types that is known here.

    Raises:
        Refusal: 406, none is, or a list is asked for as an object, or the other way round (which
            the server notices too late for custom resources: 500).

    """
    for offer in accept.split(",") if accept else ["*/*"]:
        media, *rest = [part.strip() for part in offer.split(";")]
        params = dict(part.split("=", 1) for part in rest if "=" in part)
        if media not in {_JSON, "application/*", "*/*"}:
            continue
        form = params.get("as", "")
        if not form:
            return "full"
        if params.get("v") not in {None, "v1"}:
            continue
        if form in {"PartialObjectMetadata", "PartialObjectMetadataList"}:
            _check_form(form, verb, resource)
            return "metadata"
        if form == "Table":
            return "table"
    raise Refusal(not_acceptable(verb, resource))


def _check_form(form: str, verb: Verb, resource: Resource | None) -> None:
    """A list is no object, and an object no list."""
    plural, wanted = verb in {"list", "deletecollection"}, form.endswith("List")
    if resource is None or verb == "watch" or plural == wanted:
        return
    if resource.custom and wanted:
        raise Refusal(bodies.status(500, "content is not a list"))
    package = (resource.group or "core").partition(".")[0]
    kind = f"*{package}.{resource.kind}{'List' if plural else ''}"
    if resource.custom:
        kind = "*unstructured.UnstructuredList"
    is_one = "a list" if plural else "not a list"
    said = f"you requested {form}, but the requested object is {is_one} ({kind})"
    raise Refusal(bodies.status(406, said, "NotAcceptable"))


def list_coding(accept_encoding: str, body: bytes) -> Coding:
    """Large bodies are gzip'd for those who take it."""
    takes = "gzip" in accept_encoding
    return "gzip" if takes and len(body) >= GZIP_FROM else "identity"


def watch_coding(accept_encoding: str, request: ApiRequest) -> Coding:
    """Gzip a watch as 1.37 does (WatchListCompression): those that begin with current objects."""
    begins = request.query.get("resourceVersion", "") in {"", "0"}
    plain = begins and request.flag("allowWatchBookmarks")
    streamed = bool(request.flag("sendInitialEvents"))
    return "gzip" if "gzip" in accept_encoding and (streamed or plain) else "identity"


def media_of(content_type: str) -> str:
    """The media type without its parameters."""
    return content_type.partition(";")[0].strip().lower() or _JSON


def body_of(verb: Verb, target: Target, content_type: str, body: bytes) -> object:
    """Read the JSON (or YAML) that a write carries, None where it carries none.

    Raises:
        Refusal: 400 it cannot be read, 415 a format that is not taken.

    """
    if verb in {"list", "watch", "get"} or (not body and "delete" in verb):
        return None
    media = media_of(content_type)
    if verb == "patch":
        patches.check_media(media, target.resource)
    elif media not in {_JSON, _YAML}:
        raise Refusal(bodies.unknown_format([_JSON, _YAML, _PROTOBUF]))
    if media in {_YAML, patches.APPLY}:
        return _read_yaml(body)
    try:
        return cast("object", msgspec.json.decode(body))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Refusal(bodies.bad_request(_unreadable(verb, target, body))) from None


def not_acceptable(verb: Verb = "list", resource: Resource | None = None) -> Reply:
    """None of the accepted types is served (this one Status the server prints in lines)."""
    served = ["application/json", "application/yaml", _PROTOBUF]
    if resource is not None and resource.custom:
        known = ", ".join(served)
        said_so = f"only the following media types are accepted: {known}"
        return bodies.status(406, said_so, "NotAcceptable")
    if verb in {"list", "watch"}:
        served += [f"{_JSON};stream=watch", f"{_PROTOBUF};stream=watch"]
    said: dict[str, object] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"406: Not Acceptable\n\nAvailable representations: {', '.join(served)}",
        "reason": "NotAcceptable",
        "details": {},
        "code": 406,
    }
    return Reply(406, msgspec.json.format(msgspec.json.encode(said), indent=2))


def _target(catalogue: Catalogue, api_version: str, rest: list[str]) -> Target | None:
    match rest:
        case ["namespaces", namespace, plural, *one] if (
            resource := catalogue.named(api_version, plural)
        ) and resource.namespaced:
            return _of(resource, namespace, one)
        case [plural, *one] if resource := catalogue.named(api_version, plural):
            return None if resource.namespaced and one else _of(resource, None, one)
        case _:
            return None


def _of(resource: Resource, namespace: str | None, one: list[str]) -> Target | None:
    match one:
        case []:
            return Target(resource, namespace, None)
        case [name]:
            return Target(resource, namespace, name)
        case [name, part] if part in resource.subresources:
            return Target(resource, namespace, name, part)
        case _:
            return None


def _check_part(catalogue: Catalogue, api_version: str, rest: list[str]) -> None:
    """Of a custom resource, a part that there is not is an object that there is not."""
    match rest:
        case ["namespaces", _, plural, name, _] if (
            resource := catalogue.named(api_version, plural)
        ) and resource.custom:
            raise Refusal(bodies.not_found(resource, name))
        case _:
            return


def _read_yaml(body: bytes) -> object:
    """Read YAML, of which JSON is a part that is read faster as such."""
    try:
        return cast("object", msgspec.json.decode(body))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        pass
    try:
        said = cast("object", msgspec.yaml.decode(body))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        said = None
    if not is_map(said):
        raise Refusal(bodies.bad_request("error decoding YAML: the body is no object"))
    return said


def _unreadable(verb: Verb, target: Target, body: bytes) -> str:
    """What the server says of a body that is no JSON."""
    if verb == "patch":
        return "invalid JSON patch"
    fault = "couldn't get version/kind; json parse error: unexpected end of JSON input"
    if "delete" in verb:
        return fault
    shown = body.decode(errors="replace") or "<empty>"
    wanted = f"the object provided is unrecognized (must be of type {target.resource.kind})"
    return f"{wanted}: {fault} ({shown})"

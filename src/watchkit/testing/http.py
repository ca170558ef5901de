"""What an HTTP request asks of the API, and how its answer is to be written. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

import msgspec

from watchkit.testing import bodies, options, patches
from watchkit.testing.bodies import Refusal, Reply
from watchkit.testing.log import View
from watchkit.testing.requests import WRITES, ApiRequest, Verb, truth
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
_TAKEN: Final = (_JSON, _YAML, "application/*", "*/*")
_FORMS: Final = ("PartialObjectMetadata", "PartialObjectMetadataList", "Table")


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
        case ["api", api_version, *rest]:
            pass
        case ["apis", group, version, *rest]:
            api_version = f"{group}/{version}"
        case _:
            raise Refusal(bodies.not_served(group_known=False))
    target = _target(catalogue, api_version, rest)
    if target is None:
        _check_part(catalogue, api_version, rest)
        group = api_version.rpartition("/")[0]
        served = any(each.group == group and not each.custom for each in catalogue)
        raise Refusal(bodies.not_served(group_known=served))
    return target


def verb_of(method: str, target: Target, query: Mapping[str, str]) -> Verb:
    """The API's verb for an HTTP method.

    Raises:
        Refusal: 405, a method that the API has no verb for here.

    """
    if target.resource.custom and method == "HEAD":
        method = "GET"
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
        raise Refusal(bodies.not_allowed())
    return "watch" if verb == "list" and truth(query.get("watch", "0")) else verb


@dataclass(frozen=True, slots=True)
class Offer:
    """One of the types that a client accepts, with its parameters."""

    media: str
    params: Mapping[str, str]

    @property
    def known(self) -> bool:
        """Whether answers can be written so."""
        return self.media in _TAKEN and (not self.params.get("as") or self._transforms)

    @property
    def _transforms(self) -> bool:
        """Whether it names a form in which all objects can be written."""
        known = self.params.get("as") in _FORMS and self.params.get("g") == "meta.k8s.io"
        return known and self.params.get("v") in {None, "v1"}

    @property
    def yaml(self) -> bool:
        """Whether it is YAML that is wanted."""
        return self.media == _YAML


def offers(accept: str) -> list[Offer]:
    """What a client accepts that is known here, what it prefers first."""
    return [offer for offer in _said(accept) if offer.known]


def media_for(accept: str, known: Iterable[str]) -> list[str]:
    """Which of these types a client accepts in some form, what it prefers first."""
    takes = {"*/*", "application/*"}
    return [each for offer in _said(accept) for each in known if offer.media in {each, *takes}]


def _said(accept: str) -> list[Offer]:
    """All that a client accepts: wildcards last, however much it likes them."""
    found: list[tuple[int, float, Offer]] = []
    for offer in accept.split(",") if accept else ["*/*"]:
        media, *rest = [part.strip() for part in offer.split(";")]
        params = dict(part.split("=", 1) for part in rest if "=" in part)
        found.append((media.count("*"), -_quality(params), Offer(media, params)))
    return [offer for *_, offer in sorted(found, key=lambda each: each[:2])]


def _quality(params: Mapping[str, str]) -> float:
    try:
        return float(params.get("q", "1"))
    except ValueError:
        return 0.0


def view_of(
    accept: str,
    verb: Verb = "list",
    resource: Resource | None = None,
    query: Mapping[str, str] | None = None,
) -> View:
    """How objects are to be written: as the best of the accepted types that are known here says.

    Raises:
        Refusal: 406, none is, or a list is asked for as an object, or the other way round (which
            the server notices too late for custom resources: 500).

    """
    offer = next(iter(offers(accept)), None)
    if offer is None:
        routed = resource is None or not resource.custom
        raise Refusal(not_acceptable(accept, verb, routed=routed))
    if offer.yaml and verb == "watch":
        said = f"{_JSON};stream=watch, {_PROTOBUF};stream=watch"
        raise Refusal(_only(said))
    form = offer.params.get("as", "")
    if form == "Table":
        return options.TABLES.get((query or {}).get("includeObject", ""), "table")
    if form:
        _check_form(form, verb, resource)
        return "metadata"
    return "full"


def encoded(accept: str, reply: Reply) -> Reply:
    """Write a JSON answer as YAML, where the client prefers that; others stay as they are."""
    wanted = next(iter(offers(accept)), None)
    if wanted is None or not wanted.yaml or reply.headers.get("Content-Type") != _JSON:
        return reply
    try:
        said = cast("object", msgspec.json.decode(reply.body))
    except (msgspec.MsgspecError, UnicodeDecodeError):  # by a fault
        return reply
    body = msgspec.yaml.encode(said, order="sorted")
    return Reply(reply.status, body, {**reply.headers, "Content-Type": _YAML})


def _only(known: str) -> Reply:
    said = f"only the following media types are accepted: {known}"
    return bodies.status(406, said, "NotAcceptable")


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


def check_format(verb: Verb, target: Target, content_type: str) -> None:
    """Look at the type of a body.

    Raises:
        Refusal: 415, one that is not taken.

    """
    media = media_of(content_type)
    if verb == "patch":
        patches.check_media(media, target.resource)
    elif verb in WRITES and media not in {_JSON, _YAML}:
        raise Refusal(bodies.unknown_format([_JSON, _YAML, _PROTOBUF]))


def body_of(verb: Verb, target: Target, content_type: str, body: bytes) -> object:
    """Read the JSON (or YAML) that a write carries, None where it carries none.

    Raises:
        Refusal: 400, it cannot be read.

    """
    if verb not in WRITES or (not body and "delete" in verb):
        return None
    media = media_of(content_type)
    if media in {_YAML, patches.APPLY}:
        return _read_yaml(body)
    try:
        return cast("object", msgspec.json.decode(body))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Refusal(bodies.bad_request(_unreadable(verb, target, body))) from None


def not_acceptable(accept: str, verb: Verb = "get", *, routed: bool = True) -> Reply:
    """None of the accepted types is served: said by who is `routed` to by types, if that fails."""
    served = [_JSON, _YAML, _PROTOBUF]
    if not routed or media_for(accept, served):
        return _only(", ".join(served))
    if verb in {"list", "watch"}:
        served += [f"{_JSON};stream=watch", f"{_PROTOBUF};stream=watch"]
    return unrepresented(served)


def unrepresented(served: Iterable[str]) -> Reply:
    """None of the accepted types is among these (this one Status the server prints in lines)."""
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

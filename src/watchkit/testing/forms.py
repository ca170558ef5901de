"""The forms in which answers are written, and which of them a client accepts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

import msgspec

from watchkit.testing import bodies, options
from watchkit.testing.bodies import Refusal, Reply
from watchkit.testing.log import View
from watchkit.testing.requests import ApiRequest, Verb
from watchkit.testing.resources import Resource

YAML: Final = "application/yaml"
JSON: Final = "application/json"
PROTOBUF: Final = "application/vnd.kubernetes.protobuf"

GZIP_FROM: Final = 128 * 1024
"""Bytes from which on a body is gzip'd for a client that takes it (kube-apiserver's number)."""

Coding: TypeAlias = Literal["gzip", "identity"]

_TAKEN: Final = (JSON, YAML, "application/*", "*/*")
_FORMS: Final = ("PartialObjectMetadata", "PartialObjectMetadataList", "Table")


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
        return self.media == YAML


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
        said = f"{JSON};stream=watch, {PROTOBUF};stream=watch"
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
    if wanted is None or not wanted.yaml or reply.headers.get("Content-Type") != JSON:
        return reply
    try:
        said = cast("object", msgspec.json.decode(reply.body))
    except (msgspec.MsgspecError, UnicodeDecodeError):  # by a fault
        return reply
    body = msgspec.yaml.encode(said, order="sorted")
    return Reply(reply.status, body, {**reply.headers, "Content-Type": YAML})


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


def not_acceptable(accept: str, verb: Verb = "get", *, routed: bool = True) -> Reply:
    """None of the accepted types is served: said by who is `routed` to by types, if that fails."""
    served = [JSON, YAML, PROTOBUF]
    if not routed or media_for(accept, served):
        return _only(", ".join(served))
    if verb in {"list", "watch"}:
        served += [f"{JSON};stream=watch", f"{PROTOBUF};stream=watch"]
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

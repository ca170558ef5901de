"""What an HTTP request asks of the API. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

import msgspec

from watchkit.testing import bodies, forms, patches
from watchkit.testing.bodies import Refusal
from watchkit.testing.requests import WRITES, Verb, truth
from watchkit.testing.resources import Catalogue, Resource
from watchkit.testing.values import is_map

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


def media_of(content_type: str) -> str:
    """The media type without its parameters."""
    return content_type.partition(";")[0].strip().lower() or forms.JSON


def check_format(verb: Verb, target: Target, content_type: str) -> None:
    """Look at the type of a body.

    Raises:
        Refusal: 415, one that is not taken.

    """
    media = media_of(content_type)
    if verb == "patch":
        patches.check_media(media, target.resource)
    elif verb in WRITES and media not in {forms.JSON, forms.YAML}:
        raise Refusal(bodies.unknown_format([forms.JSON, forms.YAML, forms.PROTOBUF]))


def body_of(verb: Verb, target: Target, content_type: str, body: bytes) -> object:
    """Read the JSON (or YAML) that a write carries, None where it carries none.

    Raises:
        Refusal: 400, it cannot be read.

    """
    if verb not in WRITES or (not body and "delete" in verb):
        return None
    media = media_of(content_type)
    if media in {forms.YAML, patches.APPLY}:
        return _read_yaml(body)
    try:
        return cast("object", msgspec.json.decode(body))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Refusal(bodies.bad_request(_unreadable(verb, target, body))) from None


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

"""What a request says of itself before anything is known of resources: who may is asked of that.

Pure. A real server reads a path so (RequestInfo in apiserver), authorizes what it read, and only
then looks for who serves it: a stranger is told 403 of paths that there are not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from watchkit.testing import bodies
from watchkit.testing.bodies import Reply
from watchkit.testing.requests import ApiRequest, Verb, truth
from watchkit.testing.resources import Resource

ANONYMOUS: Final = "system:anonymous"
"""The user who comes without a token."""

SERVER: Final = Resource("", "", "", namespaced=False)
"""What is asked about where the path names no resource: the server itself."""

_OPEN_TO_ALL: Final = ("/readyz", "/livez", "/healthz", "/version", "/version/")
_VERBS: Final[Mapping[str, Verb]] = {
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_METHODS: Final[Mapping[str, str]] = {"create": "post", "update": "put"}
_OF_NAMESPACES: Final = ("status", "finalize")
_ONE_NAME: Final = re.compile(r"(?:^|,)metadata\.name==?([^,=!]+)(?:,|$)")


def asked(
    method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], time: float
) -> tuple[ApiRequest, Resource]:
    """Read a request: what it asks, and of which resource, be it served or not."""
    verb: Verb = _VERBS.get(method, "get")
    match path.strip("/").split("/"):
        case ["api", version, *rest] if rest:
            pass
        case ["apis", group, number, *rest] if rest:
            version = f"{group}/{number}"
        case _:
            return ApiRequest(verb, "", None, query, time, headers=headers, path=path), SERVER
    if rest[0] == "watch" and len(rest) > 1:
        rest = rest[1:]
    namespace, (plural, name, part) = _place(rest)
    if not name and verb == "get":
        verb = "watch" if truth(query.get("watch", "0")) else "list"
        found = _ONE_NAME.search(query.get("fieldSelector", ""))
        name = found[1] if found else ""
    elif not name and verb == "delete":
        verb = "deletecollection"
    resource = Resource(version, plural, "", namespaced=namespace is not None)
    return (
        ApiRequest(
            verb,
            resource.name,
            namespace,
            query,
            time,
            name=name or None,
            headers=headers,
            subresource=part,
            path=path,
        ),
        resource,
    )


def _place(rest: list[str]) -> tuple[str | None, tuple[str, str, str]]:
    """The namespace, and the plural, the name and the subresource (each "" where there is none)."""
    namespace = None
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in _OF_NAMESPACES:  # noqa: PLR2004 - what comes after it
            rest = rest[2:]
    plural, name, part, *_ = [*rest, "", ""]
    return namespace, (plural, name, part)


def forbidden(request: ApiRequest, resource: Resource, user: str) -> Reply:
    """RBAC grants `user` nothing of what is asked."""
    if not resource.plural:
        verb = _METHODS.get(request.verb, request.verb)
        return bodies.forbidden_path(verb, request.path, user)
    name, part = request.name or "", request.subresource
    return bodies.forbidden(resource, request.verb, request.namespace, user, name=name, part=part)


def verdict(request: ApiRequest, resource: Resource, method: str, token: str) -> Reply | None:
    """What those are told who come with another token, or with none; None: come in."""
    said = request.headers.get("Authorization")
    if said is not None:
        return None if said == f"Bearer {token}" else bodies.unauthorized()
    if method == "GET" and request.path in _OPEN_TO_ALL:
        return None
    return forbidden(request, resource, ANONYMOUS)

"""What the path of a request to the API server is about: a resource, in a namespace."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

_NAMED = 2  # a resource and a name


class Subject(NamedTuple):
    """A resource as kubectl writes it ("pods", "deployments.apps", "pods/status"), and where."""

    resource: str
    namespace: str | None

    def __str__(self) -> str:
        return f"{self.resource} in {self.namespace}" if self.namespace else self.resource


def subject_of(url: str) -> Subject:
    """Read a URL; an object's name is left out, and a path that is no resource's is the resource.

    Never an error: what it cannot read is "/".
    """
    try:
        parts = [unquote(part) for part in urlsplit(url).path.split("/") if part]
    except ValueError:
        parts = []
    match parts:
        case ["api", _, *rest] if rest:
            return _subject(rest, "")
        case ["apis", group, _, *rest] if rest:
            return _subject(rest, group)
        case _:
            return Subject("/" + "/".join(parts), None)


def _subject(rest: list[str], group: str) -> Subject:
    namespace = None
    if len(rest) > _NAMED and rest[0] == "namespaces" and rest[2] not in {"status", "finalize"}:
        _, namespace, *rest = rest
    plural, *deeper = rest
    named = f"{plural}.{group}" if group else plural
    # Beyond a subresource comes what a proxy is asked for: anything.
    return Subject("/".join([named, *deeper[1:2]]), namespace)

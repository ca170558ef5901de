"""What a ListWatch points at: the path of one collection, read back as resource and namespace."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote


@dataclass(frozen=True, slots=True)
class Target:
    """One resource in one namespace, or in all: `path` is percent-encoded and absolute."""

    path: str
    resource: str
    namespace: str | None

    @classmethod
    def at(cls, path: str) -> Target:
        """Read a collection's path: /api/V/..., /apis/G/V/..., with or without a namespace.

        Raises:
            ValueError: the path is none of a collection's.

        """
        match [unquote(part) for part in path.split("/")]:
            case ["", "api", _, *rest]:
                group = ""
            case ["", "apis", group, _, *rest]:
                pass
            case _:
                raise ValueError(f"{path} is no path of the Kubernetes API")
        match rest:
            case [plural]:
                namespace = None
            case ["namespaces", namespace, plural]:
                pass
            case _:
                raise ValueError(f"{path} is not a collection: it cannot be listed and watched")
        return cls(path, f"{plural}.{group}" if group else plural, namespace)

    @classmethod
    def named(cls, api_version: str, plural: str, namespace: str | None) -> Target:
        """The collection of a resource by its names: "apps/v1", "deployments", "shop".

        Raises:
            ValueError: a name that can be no part of such a path.

        """
        parts = api_version.split("/")
        if not 1 <= len(parts) <= 2 or not all(parts):  # noqa: PLR2004 - "v1" or "apps/v1"
            raise ValueError(f"api_version is 'v1' or 'group/version', not {api_version!r}")
        checked("plural", plural)
        base = ["api", *parts] if len(parts) == 1 else ["apis", *parts]
        scope = [] if namespace is None else ["namespaces", checked("namespace", namespace)]
        return cls.at("/" + "/".join(quote(part, safe="") for part in [*base, *scope, plural]))

    def one(self, name: str, namespace: str | None = None) -> str:
        """Give the path of one object in it; its namespace, where all of them are listed.

        Raises:
            ValueError: a name that can be no part of a path, or another namespace.

        """
        checked("name", name)
        if self.namespace is not None or namespace is None:
            if namespace not in {None, self.namespace}:
                raise ValueError(f"{namespace}/{name} is none of {self}")
            return f"{self.path}/{quote(name, safe='')}"
        base, _, plural = self.path.rpartition("/")
        where = quote(checked("namespace", namespace), safe="")
        return f"{base}/namespaces/{where}/{plural}/{quote(name, safe='')}"

    def __str__(self) -> str:
        return f"{self.resource} in {self.namespace}" if self.namespace else self.resource


def checked(name: str, value: object) -> str:
    """Give back one part of a path, if it can be one.

    Raises:
        TypeError: no string.
        ValueError: empty, or with a slash (another path than the one meant).

    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {type(value).__name__}")
    if not value or "/" in value or value in {".", ".."}:
        raise ValueError(f"{name} must be a name, not {value!r}")
    return value

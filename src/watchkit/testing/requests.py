"""What a client asked, as a value: for the answer, and for assertions afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from watchkit.testing.log import View

Verb: TypeAlias = Literal[
    "list", "watch", "get", "create", "update", "patch", "delete", "deletecollection"
]

WRITES: Final[frozenset[Verb]] = frozenset(
    {"create", "update", "patch", "delete", "deletecollection"}
)

_UNNAMED: Final = "unknown"


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request that came: `resource` as kubectl writes it, `query` as the API names it.

    `resource` is "" where it was about the server itself (discovery, health). What was refused
    before it was read to its end is here as far as its method, path and query say what it was.

    `time` is the clock of the loop on which it came, in seconds. `view` says whether whole
    objects or only their metadata were asked for. `headers` are those of HTTP, none where there
    was no HTTP. `path` is the URL's without its query. `body` is the JSON that a write carried
    (`media` its type where it is a patch), `subresource` "status" or "scale" where it went there.
    """

    verb: Verb
    resource: str
    namespace: str | None = None
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    time: float = 0.0
    name: str | None = None
    view: View = "full"
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    subresource: str = ""
    body: object = field(default=None, repr=False)
    media: str = ""
    path: str = field(default="", compare=False)

    def flag(self, name: str) -> bool | None:
        """A boolean parameter as the API reads it; None where it is absent."""
        said = self.query.get(name)
        return None if said is None else truth(said)

    def number(self, name: str) -> int:
        """A numeric parameter, 0 where it is absent or no number."""
        said = self.query.get(name, "")
        return int(said) if said.isdecimal() else 0

    @property
    def writes(self) -> bool:
        """Whether it is to change something."""
        return self.verb in WRITES

    @property
    def manager(self) -> str:
        """Who owns the fields that it writes: as it says, else by its User-Agent."""
        agent = self.headers.get("User-Agent", "").partition("/")[0]
        return self.query.get("fieldManager") or agent or _UNNAMED


def truth(said: str) -> bool:
    """A boolean parameter: whatever is not false is true."""
    return said.lower() not in {"false", "0"}

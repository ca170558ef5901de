"""What a client asked, as a value: for the answer, and for assertions afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from watchkit.testing.log import View

Verb: TypeAlias = Literal["list", "watch", "get", "create", "update", "patch", "delete"]


@dataclass(frozen=True, slots=True)
class Request:
    """One request that came: `resource` as kubectl writes it, `query` as the API names it.

    `time` is the clock of the loop on which it came, in seconds. `view` says whether whole
    objects or only their metadata were asked for. `headers` are those of HTTP, none where there
    was no HTTP.
    """

    verb: Verb
    resource: str
    namespace: str | None = None
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    time: float = 0.0
    name: str | None = None
    view: View = "full"
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    def flag(self, name: str) -> bool | None:
        """A boolean parameter as Go reads it; None where it is absent."""
        said = self.query.get(name)
        return None if said is None else said in {"1", "t", "T", "TRUE", "true", "True"}

    def number(self, name: str) -> int:
        """A numeric parameter, 0 where it is absent or no number."""
        said = self.query.get(name, "")
        return int(said) if said.isdecimal() else 0

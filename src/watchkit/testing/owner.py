"""One owner of fields: an entry of managedFields as a value. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Operation: TypeAlias = Literal["Apply", "Update"]


@dataclass(frozen=True, slots=True)
class Owner:
    """One entry of managedFields. `time` is empty where it never changed the object."""

    manager: str
    operation: Operation
    api_version: str
    time: str
    paths: frozenset[tuple[str, ...]]
    subresource: str = ""

    def same(self, other: Owner) -> bool:
        """Whether both are one owner at two times."""
        mine = (self.manager, self.operation, self.api_version, self.subresource)
        return mine == (other.manager, other.operation, other.api_version, other.subresource)

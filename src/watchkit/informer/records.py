"""What the cache keeps of an object, and what it reports when something could not be kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeAlias

import msgspec
from typing_extensions import TypeVar

from watchkit.core.metadata import ObjectMeta
from watchkit.core.objects import Object

T = TypeVar("T", default=Object)


class Cached(msgspec.Struct, Generic[T], gc=False):
    """One object: in the form that readers get, and its metadata, whatever that form is.

    `epoch` counts the restores of the server's store: a version of an earlier one is no measure.
    """

    value: T
    meta: ObjectMeta
    epoch: int


@dataclass(frozen=True, slots=True)
class Undecodable:
    """An object could not be transformed or decoded: for readers it is absent."""

    key: str
    uid: str
    resource_version: str
    error: Exception


@dataclass(frozen=True, slots=True)
class IndexFailed:
    """An index function failed over an object, which this index lacks then."""

    index: str
    key: str
    resource_version: str
    error: Exception


Trouble: TypeAlias = Undecodable | IndexFailed

"""What was asked for: a resource, and perhaps names, as `pods web-0` or as `pod/web-0`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from watchkit.core.events import Change, Modified, ObjectEvent, Updated
from watchkit.core.objects import Object
from watchkit.core.options import ListOptions
from watchkit.informer.transforms import strip_managed_fields


@dataclass(frozen=True, slots=True)
class Wanted:
    """A resource as it was written, the names of the objects wanted (none: all), and which else.

    `managed_fields`: whether to show metadata.managedFields, which few want to see.
    """

    resource: str
    names: tuple[str, ...] = ()
    selection: ListOptions = field(default_factory=ListOptions)
    managed_fields: bool = False

    @property
    def options(self) -> ListOptions:
        """What to ask the server for: it can select one name, but not one of several."""
        if len(self.names) != 1:
            return self.selection
        return replace(self.selection, field_selector={"metadata.name": self.names[0]})

    def kept(self, subject: Object) -> Object | None:
        """Give what is to be cached of an object, None where it is not wanted."""
        if self.names and subject.name not in self.names:
            return None
        return subject if self.managed_fields else strip_managed_fields(subject)

    def missing(self, objects: Iterable[Object]) -> list[str]:
        """Give the names that none of the objects has, in the order in which they were asked."""
        found = {each.name for each in objects}
        return [name for name in self.names if name not in found]


def wanted(words: Sequence[str]) -> Wanted:
    """Read the words after the command; a name that comes twice counts once.

    Raises:
        ValueError: they make no sense together; the text is for a person.

    """
    pairs = [word.partition("/") for word in words]
    if not any(slash for _, slash, _ in pairs):
        resource, *names = words
        return Wanted(_whole(resource, "TYPE"), _distinct(names))
    if not all(slash for _, slash, _ in pairs):
        raise ValueError("either TYPE NAME or TYPE/NAME, not both at once")
    types = dict.fromkeys(resource for resource, _, _ in pairs)
    if len(types) > 1:
        raise ValueError(f"one TYPE at a time, not {' and '.join(types)}")
    return Wanted(_whole(next(iter(types)), "TYPE"), _distinct([name for _, _, name in pairs]))


def absence(name: str, resource: str, namespace: str | None) -> str:
    """Say that a name is not there."""
    where = f" in {namespace}" if namespace else ""
    return f'{resource} "{name}" not found{where}'


def in_order(objects: Iterable[Object]) -> list[Object]:
    """Sort by namespace, then by name."""
    return sorted(objects, key=lambda each: (each.namespace or "", each.name))


def event_of(change: Change) -> ObjectEvent:
    """Give a change of the cache as the event that it amounts to."""
    if not isinstance(change, Updated):
        return change
    return Modified(change.new, change.meta, inferred=change.inferred)


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(_whole(name, "NAME") for name in dict.fromkeys(names))


def _whole(word: str, what: str) -> str:
    if not word or "/" in word:
        raise ValueError(f"{word!r} is no {what}")
    return word

"""until(): list and watch until a condition holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import anyio

from watchkit.core.errors import ConditionTimeout
from watchkit.core.events import Added, Deleted, Event, Modified, ObjectEvent, Synced
from watchkit.core.objects import Object
from watchkit.core.options import ListOptions
from watchkit.watching.retry_watcher import RetryWatcher

if TYPE_CHECKING:
    from watchkit.core.source import ListerWatcher

Condition: TypeAlias = Callable[[Object | None], bool]

_NO_OPTIONS = ListOptions()


async def until(
    source: ListerWatcher,
    condition: Condition,
    *,
    name: str | None = None,
    namespace: str | None = None,
    options: ListOptions | Mapping[str, object] = _NO_OPTIONS,
    timeout: float | None = None,
) -> Object | None:
    """Wait until `condition(obj)` holds for the named object; return that object (or None).

    `condition` gets None while there is no such object. Without `name`, it gets each object of
    the watched set as it comes and changes, and None while the set is empty. Survives what a
    RetryWatcher survives; an error in `condition` is the caller's, raised as it is.

    Raises:
        ConditionTimeout: `timeout` seconds passed; `.last` is the object as it was then.
        ApiError: the request is wrong, and stays wrong.

    """
    selected = _selecting(ListOptions.of(options), source, name, namespace)
    view = _View(name, namespace)
    with anyio.move_on_after(timeout):
        async with RetryWatcher(source, selected, replay_existing=True) as watcher:
            async for event in watcher.with_markers():
                if view.take(event) and condition(view.last):
                    return view.last
    what = f"{source.resource} {name}" if name is not None else source.resource
    msg = f"wait for {what}: the condition did not hold within {timeout} s"
    raise ConditionTimeout(msg, view.last)


class _View:
    """What `until` has seen of the watched set, narrowed to one object where that is named.

    The server was asked for no other, but not every one understands every field selector.
    """

    def __init__(self, name: str | None, namespace: str | None) -> None:
        self.last: Object | None = None
        self._name = name
        self._namespace = namespace
        self._keys: set[str] = set()

    def take(self, event: Event) -> bool:
        """Take one event; whether there is something new to judge in `last`."""
        if isinstance(event, Added | Modified | Deleted) and self._is_another(event):
            return False  # where it was the last of a list, Synced follows and is judged
        match event:
            case Added(subject) | Modified(subject):
                self._keys.add(event.key)
                self.last = subject
                return True
            case Deleted():
                self._keys.discard(event.key)
            case Synced():
                pass
            case _:
                return False
        if self._keys:
            return False
        self.last = None
        return True

    def _is_another(self, event: ObjectEvent) -> bool:
        if self._name not in {None, event.name}:
            return True
        return self._namespace not in {None, event.namespace}


def _selecting(
    options: ListOptions, source: ListerWatcher, name: str | None, namespace: str | None
) -> ListOptions:
    """The caller's options, narrowed to the named object by the server itself."""
    fields = [str(options.field_selector)] if options.field_selector else []
    if name is not None:
        fields.append(f"metadata.name={name}")
    if namespace is not None and source.namespace is None:
        fields.append(f"metadata.namespace={namespace}")
    elif namespace is not None and source.namespace != namespace:
        msg = f"the source watches namespace {source.namespace}, not {namespace}"
        raise ValueError(msg)
    return replace(options, field_selector=",".join(fields) or None)

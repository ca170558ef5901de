"""Which objects a request is about: its namespace and its selectors. Pure."""

from __future__ import annotations

import msgspec

from watchkit.core.fields import FieldSelector, field_at
from watchkit.core.selectors import LabelSelector
from watchkit.testing.log import Change, Entry, Kept
from watchkit.testing.requests import ApiRequest
from watchkit.testing.resources import Resource
from watchkit.testing.selectors import parse_fields, parse_labels
from watchkit.testing.values import is_list, is_map, section


class Selection(msgspec.Struct, frozen=True):
    """The objects of one namespace (None: of all) that fulfil every requirement."""

    namespace: str | None = None
    labels: LabelSelector = msgspec.field(default_factory=LabelSelector)
    fields: FieldSelector = msgspec.field(default_factory=FieldSelector)

    @classmethod
    def of(cls, request: ApiRequest, resource: Resource) -> Selection:
        """What a request selects.

        Raises:
            Refusal: 400, a selector that cannot be read.

        """
        labels = parse_labels(request.query.get("labelSelector", ""))
        fields = parse_fields(request.query.get("fieldSelector", ""), resource)
        return cls(request.namespace if resource.namespaced else None, labels, fields)

    @property
    def selective(self) -> bool:
        """Whether there is a selector besides the namespace."""
        return bool(self.labels.requirements or self.fields.requirements)

    def matches(self, kept: Kept) -> bool:
        """Whether an object is among them."""
        if self.namespace is not None and kept.namespace != self.namespace:
            return False
        return self.labels.matches(kept.labels) and self.fields.matches(
            lambda path: _compared(kept, path)
        )

    def event(self, entry: Entry) -> tuple[Change, Kept] | None:
        """What a watch of these objects sees of an entry, None: nothing.

        An object that stops matching is DELETED, shown as it was, at the version of the change.
        """
        before = entry.before is not None and self.matches(entry.before)
        after = entry.change != "DELETED" and self.matches(entry.now)
        match before, after:
            case False, False:
                return None
            case False, True:
                return "ADDED", entry.now
            case True, True:
                return "MODIFIED", entry.now
            case _:
                assert entry.before is not None
                gone = entry.now if entry.change == "DELETED" else entry.before.at(entry.version)
                return "DELETED", gone


def _compared(kept: Kept, path: str) -> object:
    """What a field selector compares: nothing where there is an object or a list.

    The source of an Event is its component, or else the controller that reports it.
    """
    if path == "source" and not kept.resource.custom:
        reported = kept.manifest.get("reportingComponent")
        return section(kept.manifest, "source").get("component") or reported
    value = field_at(kept.manifest, path)
    return None if is_map(value) or is_list(value) else value

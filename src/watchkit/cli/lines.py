"""Events as lines of text: JSON, YAML, a name, or the columns of a table. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from watchkit.api.discovery import ApiResource
from watchkit.cli.board import row_of, said_of
from watchkit.cli.manifests import to_yaml
from watchkit.core.events import ObjectEvent

HEADINGS: Final = ("NAMESPACE", "NAME", "STATUS", "AGE", "VERSION", "LAST EVENT")
_WIDTHS: Final = (9, 24, 18, 5, 7, 10)


def json_line(event: ObjectEvent) -> bytes:
    """The event as one JSON object, with the object as the server sent it; no newline."""
    # A newline can only be space between the values: inside a string it is written as \n.
    raw = event.object.raw.replace(b"\n", b" ").replace(b"\r", b" ")
    return msgspec.json.encode(
        {
            "type": event.type,
            "object": msgspec.Raw(raw),
            "initial": event.initial,
            "inferred": event.inferred,
        }
    )


def yaml_document(event: ObjectEvent) -> bytes:
    """The event as a YAML document with the same fields as its JSON, begun by a line `---`."""
    said = {
        "type": event.type,
        "object": event.object.to_dict(),
        "initial": event.initial,
        "inferred": event.inferred,
    }
    return b"---\n" + to_yaml(said).rstrip("\n").encode()


def kind_of(resource: ApiResource) -> str:
    """The kind as it stands before the slash of a name: "pod", "deployment.apps"."""
    kind = resource.kind.lower()
    return f"{kind}.{resource.group}" if resource.group else kind


class NameLines:
    """Lines like `pod/web-0 added` and `deployment.apps/web deleted (inferred)`."""

    def __init__(self, resource: ApiResource, *, with_namespace: bool) -> None:
        self._kind = kind_of(resource)
        self._with_namespace = with_namespace

    def line(self, event: ObjectEvent) -> str:
        """The line of an event; with all namespaces watched, it names the object's own."""
        where = f" in {event.namespace}" if self._with_namespace and event.namespace else ""
        inferred = " (inferred)" if event.inferred else ""
        return f"{self._kind}/{event.name} {event.type.lower()}{inferred}{where}"


class TableLines:
    """A table that only grows: a heading, then a line for each event."""

    def __init__(self, *, namespaced: bool) -> None:
        self._skip = 0 if namespaced else 1
        self._widths = list(_WIDTHS[self._skip :])

    def heading(self) -> str:
        """The line of headings."""
        return self._line(HEADINGS)

    def line(self, event: ObjectEvent, today: datetime) -> str:
        """The line of an event, with the age that the object has `today`."""
        row = row_of(event, 0.0)
        return self._line([*row.cells(today), said_of(event)])

    def _line(self, cells: Iterable[str]) -> str:
        """Lay out in columns that grow as they must and never shrink."""
        texts = list(cells)[self._skip :]
        self._widths = [max(pair) for pair in zip(self._widths, map(len, texts), strict=True)]
        padded = [text.ljust(width) for text, width in zip(texts, self._widths, strict=True)]
        return "   ".join(padded).rstrip()

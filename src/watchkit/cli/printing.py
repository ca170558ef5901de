"""Objects as a whole text: a table, names, JSON or YAML as kubectl gives them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, assert_never

import msgspec

from watchkit.api.discovery import ApiResource
from watchkit.cli.board import Row, row_of
from watchkit.cli.lines import HEADINGS, kind_of
from watchkit.cli.manifests import to_yaml
from watchkit.cli.output import Form
from watchkit.core.events import Added
from watchkit.core.objects import Object

_INDENT: Final = 4
"""Spaces: kubectl's."""


class Printer:
    """Prints objects of one resource in one form.

    `single`: JSON and YAML give the one object by itself, not a List that holds it;
    `has_column`: a table has a column for the namespace.
    """

    def __init__(
        self, form: Form, resource: ApiResource, *, single: bool, has_column: bool
    ) -> None:
        self._form = form
        self._kind = kind_of(resource)
        self._single = single
        self._has_column = has_column

    def text(self, objects: Sequence[Object], today: datetime) -> bytes:
        """Give the text of them without its last newline, "" where there is nothing to print."""
        match self._form:
            case Form.TABLE | Form.LIVE:
                return table(objects, today, has_column=self._has_column).encode()
            case Form.NAME:
                return "\n".join(f"{self._kind}/{each.name}" for each in objects).encode()
            case Form.JSON:
                return self._json(objects)
            case Form.YAML:
                return self._yaml(objects)
            case _:
                assert_never(self._form)

    def _json(self, objects: Sequence[Object]) -> bytes:
        """Lay out the JSON as it came: numbers keep their digits, keys their order."""
        if self._single:
            raws = [each.raw for each in objects]
        else:
            items = [msgspec.Raw(each.raw) for each in objects]
            raws = [msgspec.json.encode(_list_of(items))]
        return b"\n".join(msgspec.json.format(raw, indent=_INDENT) for raw in raws)

    def _yaml(self, objects: Sequence[Object]) -> bytes:
        plain = [each.to_dict() for each in objects]
        texts = map(to_yaml, plain) if self._single else [to_yaml(_list_of(plain))]
        return "---\n".join(texts).rstrip("\n").encode()


def table(objects: Sequence[Object], today: datetime, *, has_column: bool) -> str:
    """Lay them out in columns as wide as they must be; "" where there are none."""
    if not objects:
        return ""
    skip = 0 if has_column else 1
    headings = HEADINGS[skip:-1]  # nothing has happened to them yet
    rows = [headings, *(_row(each).cells(today)[skip:] for each in objects)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_laid_out(row, widths) for row in rows)


def _row(subject: Object) -> Row:
    return row_of(Added(subject, subject.meta, initial=True), 0.0)


def _laid_out(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    return "   ".join(padded).rstrip()


def _list_of(items: Sequence[object]) -> dict[str, object]:
    version = {"resourceVersion": ""}  # of a list put together here, as kubectl says it
    return {"apiVersion": "v1", "items": items, "kind": "List", "metadata": version}

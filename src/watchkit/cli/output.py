"""Where events and news go: lines on stdout, news on stderr, each as soon as it is known."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from watchkit.api.discovery import ApiResource
from watchkit.cli.lines import NameLines, TableLines, json_line
from watchkit.core.events import ObjectEvent


class Form(Enum):
    """How events are shown."""

    LIVE = "live"
    TABLE = "table"
    NAME = "name"
    JSON = "json"


def form_of(output: str | None, *, is_terminal: bool, is_dumb: bool) -> Form:
    """Choose for `-o`: without it a table where a person looks, JSON lines where a program does.

    The table is alive where the terminal can move its cursor, else it only grows.
    """
    wanted = output or ("table" if is_terminal else "json")
    if wanted == "table" and is_terminal and not is_dumb:
        return Form.LIVE
    return Form(wanted)


class Output(Protocol):
    """Shows what comes while its block lasts."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def show(self, event: ObjectEvent) -> None:
        """Show an event.

        Raises:
            BrokenPipeError: nobody reads any more.

        """
        ...

    def say(self, news: str) -> None:
        """Say on stderr what the watch goes through."""
        ...

    async def keep_alive(self) -> None:
        """Do what is to be done as time goes by, until cancelled."""
        ...


class LineOutput:
    """Writes one line for each event."""

    def __init__(self, render: Callable[[ObjectEvent], bytes], heading: bytes = b"") -> None:
        self._render = render
        self._heading = heading

    def __enter__(self) -> Self:
        if self._heading:
            _write(self._heading)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def show(self, event: ObjectEvent) -> None:
        """Write the line of an event, at once: the next one may be hours away.

        Raises:
            BrokenPipeError: nobody reads any more.

        """
        _write(self._render(event))

    def say(self, news: str) -> None:
        """Say it on stderr, with the time of day."""
        print(stamped(news), file=sys.stderr, flush=True)

    async def keep_alive(self) -> None:
        """Nothing is to be done: lines stay as they are."""


def line_output(form: Form, resource: ApiResource, *, with_namespace: bool) -> LineOutput:
    """Make the output of a form that writes lines."""
    match form:
        case Form.JSON:
            return LineOutput(json_line)
        case Form.NAME:
            names = NameLines(resource, with_namespace=with_namespace)
            return LineOutput(lambda event: names.line(event).encode())
        case _:
            table = TableLines(namespaced=resource.namespaced)
            heading = table.heading().encode()
            return LineOutput(lambda event: table.line(event, datetime.now(UTC)).encode(), heading)


def drop_unread() -> None:
    """Throw away what nobody reads any more: Python would try again as it ends, and complain."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())


def stamped(news: str) -> str:
    """Give a line with the time of day of this place."""
    return f"{datetime.now().astimezone():%H:%M:%S} {news}"


def _write(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()

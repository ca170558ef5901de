"""Where events and news go: lines on stdout, news on stderr, each as soon as it is known."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from watchkit.api.discovery import ApiResource
from watchkit.cli.lines import NameLines, TableLines, json_line, yaml_document
from watchkit.cli.status import tidy
from watchkit.core.events import ObjectEvent


class Form(Enum):
    """How events are shown."""

    LIVE = "live"
    TABLE = "table"
    NAME = "name"
    JSON = "json"
    YAML = "yaml"


def form_of(output: str | None, *, is_terminal: bool, is_dumb: bool) -> Form:
    """Choose for `-o`: without it a table where a person looks, JSON lines where a program does.

    The table is alive where the terminal can move its cursor, else it only grows.
    """
    wanted = output or ("table" if is_terminal else "json")
    if wanted == "table" and is_terminal and not is_dumb:
        return Form.LIVE
    return Form(wanted)


def is_dumb(environ: Mapping[str, str]) -> bool:
    """Whether the terminal, if any, cannot move its cursor."""
    return environ.get("TERM", "") in {"", "dumb", "unknown"}


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
            write_line(self._heading)
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
        write_line(self._render(event))

    def say(self, news: str) -> None:
        """Say it on stderr, with the time of day."""
        announce(news)

    async def keep_alive(self) -> None:
        """Nothing is to be done: lines stay as they are."""


def line_output(
    form: Form, resource: ApiResource, *, names_namespace: bool, has_column: bool
) -> LineOutput:
    """Make the output of a form that writes lines; where a name or a table says the namespace."""
    match form:
        case Form.JSON:
            return LineOutput(json_line)
        case Form.YAML:
            return LineOutput(yaml_document)
        case Form.NAME:
            names = NameLines(resource, with_namespace=names_namespace)
            return LineOutput(lambda event: names.line(event).encode())
        case _:
            table = TableLines(namespaced=has_column)
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


def announce(news: str) -> None:
    """Say it on stderr, with the time of day."""
    print(stamped(news), file=sys.stderr, flush=True)


def stamped(news: str) -> str:
    """Give a line with the time of day of this place."""
    return f"{datetime.now().astimezone():%H:%M:%S} {news}"


def write_line(line: bytes) -> None:
    """Write a line, or what ends without a newline, to stdout at once.

    Raises:
        BrokenPipeError: nobody reads any more.

    """
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def complain(text: str) -> None:
    """Say on stderr, in one line, what went wrong."""
    print(f"watchkit: {tidy(text)}", file=sys.stderr)

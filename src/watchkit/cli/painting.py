"""A picture in the terminal that is painted over in place: the live table, and the demo's."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich import console, live


class Painting:
    """Paints in the terminal that stdout is while its block lasts; the last picture stays there.

    `above`: what is written to stderr meanwhile goes above it; for where that is the same terminal.
    """

    def __init__(self, *, above: bool = False) -> None:
        self._console = console.Console(highlight=False)
        self._live = live.Live(
            console=self._console,
            auto_refresh=False,  # that would be a thread; who derives from it paints often enough
            redirect_stdout=False,
            redirect_stderr=above,
            vertical_overflow="crop",
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

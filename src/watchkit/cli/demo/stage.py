"""Where the demo is shown: lines for a pipe, or a picture in a terminal that changes in place."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Protocol, Self

from watchkit.cli.demo.picture import painted, signed
from watchkit.cli.demo.scene import Glance, Scene, Survived
from watchkit.cli.demo.telling import Tally, survived_line, tally_lines
from watchkit.cli.output import write_line
from watchkit.cli.painting import Painting

_WIDEST: Final = 96
"""Columns that a picture takes at most: in a wide terminal, numbers stay near their names."""


class Stage(Protocol):
    """Shows what happens while its block lasts."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def open(self, glance: Glance, url: str) -> None:
        """Show how it begins: the informer has synced with the server there."""
        ...

    def survived(self, over: Survived) -> None:
        """Show that a trouble is over.

        Raises:
            BrokenPipeError: nobody reads any more.

        """
        ...

    def paint(self, scene: Scene, now: float) -> None:
        """Show how it is now."""
        ...

    def close(self, tally: Tally) -> None:
        """Show what it came to."""
        ...


class Lines:
    """Writes a line for each trouble that is over, and the tally."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def open(self, glance: Glance, url: str) -> None:
        """Write where the server is, and that the informer has synced with it.

        Raises:
            BrokenPipeError: nobody reads any more.

        """
        synced = f"informer synced at version {glance.version}"
        _write(f"{glance.at:5.1f} s  API server on {url}, {glance.cached:,} pods; {synced}")

    def survived(self, over: Survived) -> None:
        """Write it.

        Raises:
            BrokenPipeError: nobody reads any more.

        """
        _write(survived_line(over))

    def paint(self, scene: Scene, now: float) -> None:
        """Lines stay as they are."""

    def close(self, tally: Tally) -> None:
        """Write the tally.

        Raises:
            BrokenPipeError: nobody reads any more.

        """
        for line in tally_lines(tally):
            _write(line)


class Picture(Painting):
    """Paints in the terminal that stdout is, and leaves the last picture there, the tally below."""

    def open(self, glance: Glance, url: str) -> None:
        """The first picture shows it."""

    def survived(self, over: Survived) -> None:
        """The next picture shows it."""

    def paint(self, scene: Scene, now: float) -> None:
        """Paint anew."""
        width, height = self._console.size
        picture = painted(scene, now, width=min(width, _WIDEST), height=height)
        self._live.update(picture, refresh=True)

    def close(self, tally: Tally) -> None:
        """Leave the picture, and write the tally below."""
        self._live.stop()
        self._console.print(signed(tally))


def _write(line: str) -> None:
    write_line(line.encode())

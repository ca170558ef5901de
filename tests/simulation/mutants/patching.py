"""A mutant as a file: what bug it is, what it stands for, who finds it, and the patch itself.

The applier is strict: every line of a hunk that is there before the change has to stand in the
file, one after another, in exactly one place. Where else in the file that is makes no difference.
Standard library only, so that a linter's environment can check the patches.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
SIMULATION: Final = "simulation"
"""What finds a mutant, where that is not a unit test named by its node id."""

_ABOUT: Final = ("bug", "stands-for", "killed-by")
_PREFIX: Final = "src/watchkit/"
_HUNK: Final = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@.*")


class PatchError(Exception):
    """A patch that cannot be read, or that does not fit what it is to change."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that stand together, before and after."""

    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug. `hunks` are by file, relative to the package."""

    name: str
    bug: str
    stands_for: str
    killed_by: str
    hunks: Mapping[str, tuple[Hunk, ...]]

    def apply(self, package: Path) -> None:
        """Change the package in that folder.

        Raises:
            PatchError: it does not fit; nothing is changed then.

        """
        changed = {package / name: self._changed(package, name) for name in self.hunks}
        for path, text in changed.items():
            path.write_text(text, encoding="utf-8")

    def check(self, package: Path) -> None:
        """Raise what `apply` would, and change nothing."""
        for name in self.hunks:
            self._changed(package, name)

    def _changed(self, package: Path, name: str) -> str:
        path = package / name
        if not path.is_file():
            raise PatchError(f"{self.name}: there is no {name}")
        lines = path.read_text(encoding="utf-8").splitlines()
        for hunk in self.hunks[name]:
            places = list(_places(lines, hunk.before))
            if len(places) != 1:
                where = f"{name}: {hunk.before[0].strip()!r}..."
                raise PatchError(f"{self.name}: a hunk fits in {len(places)} places of {where}")
            lines[places[0] : places[0] + len(hunk.before)] = hunk.after
        return "\n".join(lines) + "\n"


def mutants(folder: Path = FOLDER) -> list[Mutant]:
    """Read all of them, by name.

    Raises:
        PatchError: one cannot be read.

    """
    return [parsed(path.stem, path.read_text("utf-8")) for path in sorted(folder.glob("*.patch"))]


def parsed(name: str, text: str) -> Mutant:
    """Read one.

    Raises:
        PatchError: it lacks a line about itself, or is no unified diff of the package.

    """
    lines = text.splitlines()
    begin = next((at for at, line in enumerate(lines) if line.startswith("--- ")), len(lines))
    about = dict(line.split(": ", 1) for line in lines[:begin] if ": " in line)
    if set(about) != set(_ABOUT) or not all(about.values()):
        raise PatchError(f"{name}: it begins with {', '.join(_ABOUT)}, each in a line")
    hunks = dict(_files(name, lines[begin:]))
    if not hunks:
        raise PatchError(f"{name}: it changes nothing")
    return Mutant(name, about["bug"], about["stands-for"], about["killed-by"], hunks)


def _files(name: str, lines: list[str]) -> Iterator[tuple[str, tuple[Hunk, ...]]]:
    begins = [at for at, line in enumerate(lines) if line.startswith("--- ")]
    for begin, end in itertools.pairwise([*begins, len(lines)]):
        old, new = f"--- a/{_PREFIX}", f"+++ b/{_PREFIX}"
        head = lines[begin : begin + 2]
        if len(head) < 2 or not head[0].startswith(old) or head[1] != new + head[0][len(old) :]:
            raise PatchError(f"{name}: {head} is no file of the package")
        yield head[0][len(old) :], tuple(_hunks(name, lines[begin + 2 : end]))


def _hunks(name: str, lines: list[str]) -> Iterator[Hunk]:
    begins = [at for at, line in enumerate(lines) if line.startswith("@@ ")]
    if not begins or begins[0] != 0:
        raise PatchError(f"{name}: a file without a hunk")
    for begin, end in itertools.pairwise([*begins, len(lines)]):
        body = lines[begin + 1 : end]
        before = tuple(line[1:] for line in body if line[:1] in {" ", "-"})
        after = tuple(line[1:] for line in body if line[:1] in {" ", "+"})
        counts = _HUNK.fullmatch(lines[begin])
        sizes = [int(size or 1) for size in counts.groups("1")] if counts else None
        is_whole = all(line[:1] in {" ", "-", "+"} for line in body)
        if not is_whole or sizes != [len(before), len(after)] or before == after:
            raise PatchError(f"{name}: {lines[begin]} is no hunk of a unified diff")
        yield Hunk(before, after)


def _places(lines: list[str], wanted: tuple[str, ...]) -> Iterator[int]:
    for at in range(len(lines) - len(wanted) + 1):
        if tuple(lines[at : at + len(wanted)]) == wanted:
            yield at

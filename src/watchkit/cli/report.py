"""How the doctor says what it found: lines for a person as it goes, or one JSON for a program."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec
from rich import console, text

from watchkit.cli.findings import Finding, Mark, verdict
from watchkit.cli.manifests import to_yaml
from watchkit.cli.output import write_line

_STYLES: Final = {
    Mark.OK: "green",
    Mark.WARNING: "yellow",
    Mark.FAILED: "bold red",
    Mark.UNKNOWN: "dim",
}
_SIGNS: Final = {Mark.OK: "✓", Mark.WARNING: "!", Mark.FAILED: "✗", Mark.UNKNOWN: "?"}
_PLAIN: Final = {**_SIGNS, Mark.OK: "+", Mark.FAILED: "x"}
_WIDTH: Final = len("bookmarks")


class Report(Protocol):
    """Takes what is found, one after the other, then what to grant."""

    def find(self, finding: Finding) -> None:
        """Take what a check found."""
        ...

    def end(self, findings: Sequence[Finding], grants: Sequence[dict[str, object]]) -> None:
        """Take the whole.

        Raises:
            BrokenPipeError: nobody reads any more.

        """
        ...


class Lines:
    """A line on stderr for each finding, what to grant as YAML on stdout: ready for kubectl."""

    def __init__(self) -> None:
        self._console = console.Console(stderr=True, highlight=False)
        self._signs = signs_for(sys.stderr.encoding)

    def find(self, finding: Finding) -> None:
        """Say it at once: the next check may take its time."""
        sign = text.Text(self._signs[finding.mark], style=_STYLES[finding.mark])
        line = text.Text(f" {finding.check.ljust(_WIDTH)}  {finding.line}")
        self._console.print(sign + line, soft_wrap=True)

    def end(self, findings: Sequence[Finding], grants: Sequence[dict[str, object]]) -> None:
        """Sum up, and write what to grant."""
        self._console.print(text.Text(verdict(findings)), soft_wrap=True)
        if grants:
            write_line("---\n".join(map(to_yaml, grants)).rstrip("\n").encode())


class Json:
    """One JSON object on stdout, with everything, at the end."""

    def find(self, finding: Finding) -> None:
        """Wait for the others."""

    def end(self, findings: Sequence[Finding], grants: Sequence[dict[str, object]]) -> None:
        """Write it."""
        checks = [
            {"check": each.check, "mark": each.mark.value, "line": each.line} for each in findings
        ]
        is_ok = all(each.mark is not Mark.FAILED for each in findings)
        said = {"ok": is_ok, "verdict": verdict(findings), "checks": checks, "grants": grants}
        write_line(msgspec.json.format(msgspec.json.encode(said), indent=4))


def signs_for(encoding: str | None) -> dict[Mark, str]:
    """Give the signs of the marks, in ASCII where there is no other way to write them."""
    try:
        "".join(_SIGNS.values()).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return _PLAIN
    return _SIGNS

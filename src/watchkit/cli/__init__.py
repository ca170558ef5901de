"""The command line: `watchkit watch`, `get`, `doctor` and `demo` (extra `cli`)."""

from watchkit.cli.command import main

__all__ = ["main"]

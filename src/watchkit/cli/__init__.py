"""The command line: `watchkit watch`, `watchkit get` and `watchkit doctor` (extra `cli`)."""

from watchkit.cli.command import main

__all__ = ["main"]

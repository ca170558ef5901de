"""The command line: `watchkit watch` (extra `cli`)."""

from watchkit.cli.command import main

__all__ = ["main"]

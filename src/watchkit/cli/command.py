"""The command line itself: one program, a command for each thing to do."""

from __future__ import annotations

import click

from watchkit.cli.demo_command import demo
from watchkit.cli.doctor_command import doctor
from watchkit.cli.get_command import get
from watchkit.cli.watch_command import watch


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="watchkit", message="%(prog)s %(version)s")
def commands() -> None:
    """Kubernetes watches that survive anything."""


commands.add_command(watch)
commands.add_command(get)
commands.add_command(doctor)
commands.add_command(demo)


def main() -> None:
    """Run the command line."""
    commands(prog_name="watchkit")

"""`watchkit watch`: its options, and what they mean."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import Unpack

import click

from watchkit.cli import session
from watchkit.cli.options import PlaceOptions, finish, place_of, placed, selecting
from watchkit.cli.output import form_of, is_dumb
from watchkit.core.options import ListOptions

_EXAMPLES = """\b
watchkit watch pods                     pods of the current namespace
watchkit watch deploy -A -o name        all deployments, a line for each event
watchkit watch po -l app=web | jq .     JSON lines, for programs
"""


def _version(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Refuse what is no version: a server answers that with 500, which is retried for ever."""
    if value == "0":
        raise click.BadParameter("0 means any state, however old: name a version, or none")
    if value is not None and not (value.isascii() and value.isdigit()):
        raise click.BadParameter(f"a resource version is a number, not {value!r}")
    return value


@click.command(epilog=_EXAMPLES)
@click.argument("resource")
@placed
@selecting
@click.option(
    "--from-version",
    metavar="N",
    callback=_version,
    help="Resume strictly after this resource version.",
)
@click.option("--new-only", is_flag=True, help="Leave out the objects that exist already.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "name", "json"]),
    help="Default: a live table in a terminal, JSON lines elsewhere.",
)
def watch(
    resource: str,
    selector: str | None,
    field_selector: str | None,
    from_version: str | None,
    *,
    new_only: bool,
    output: str | None,
    **place: Unpack[PlaceOptions],
) -> None:
    """Watch RESOURCE: what exists, then everything that happens to it, whatever else happens.

    RESOURCE is a name as kubectl takes it: po, pods, deploy, deployments.apps, and custom ones.
    Broken connections, restarts of the server and expired versions are survived and said on
    stderr. Ctrl-C ends it.
    """
    if from_version is not None and new_only:
        raise click.UsageError("--from-version and --new-only exclude each other.")
    plan = session.Plan(
        resource=resource,
        place=place_of(**place),
        options=ListOptions(
            label_selector=selector, field_selector=field_selector, resource_version=from_version
        ),
        replay_existing=from_version is None and not new_only,
        form=form_of(output, is_terminal=sys.stdout.isatty(), is_dumb=is_dumb(os.environ)),
    )
    finish(partial(session.watch, plan))

"""`watchkit get`: its options, and what they mean."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from functools import partial
from typing import Unpack

import click

from watchkit.cli import getting
from watchkit.cli.options import PlaceOptions, finish, place_of, placed, selecting
from watchkit.cli.output import Form, form_of, is_dumb
from watchkit.cli.wanted import wanted
from watchkit.core.options import ListOptions

_EXAMPLES = """\b
watchkit get pods                       pods of the current namespace
watchkit get deploy/web -o yaml         one object, as a manifest
watchkit get po -A -l app=web -o name   names, for programs
watchkit get nodes -w                   a table that stays what the cluster is
"""


@click.command(epilog=_EXAMPLES)
@click.argument("resource", metavar="RESOURCE")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@placed
@selecting
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "name", "json", "yaml"]),
    default="table",
    show_default=True,
    help="How to show the objects.",
)
@click.option("-w", "--watch", "follow", is_flag=True, help="Go on with what changes.")
@click.option(
    "--show-managed-fields", is_flag=True, help="Leave metadata.managedFields in JSON and YAML."
)
def get(
    resource: str,
    names: tuple[str, ...],
    selector: str | None,
    field_selector: str | None,
    *,
    output: str,
    follow: bool,
    show_managed_fields: bool,
    **place: Unpack[PlaceOptions],
) -> None:
    """Get RESOURCE: all objects, or those of a NAME, from a cache that was just filled.

    RESOURCE is a name as kubectl takes it; RESOURCE/NAME says both in one word. A name that is
    not there is said on stderr, and makes the exit status 1.

    With --watch the cache is kept what the server has, and each change of it is told: as a line
    of JSON or a YAML document with its "type" and "object", as a line of names, or in a table
    that is live in a terminal. Broken connections are survived and said on stderr. Ctrl-C ends
    it.
    """
    try:
        asked = wanted([resource, *names])
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    if asked.names and (selector is not None or field_selector is not None):
        raise click.UsageError("A NAME and a selector exclude each other.")
    plan = getting.Plan(
        wanted=replace(
            asked,
            selection=ListOptions(label_selector=selector, field_selector=field_selector),
            managed_fields=show_managed_fields,
        ),
        place=place_of(**place),
        form=_form(output, follow=follow),
        follow=follow,
    )
    finish(partial(getting.get, plan))


def _form(output: str, *, follow: bool) -> Form:
    if not follow:
        return Form(output)
    return form_of(output, is_terminal=sys.stdout.isatty(), is_dumb=is_dumb(os.environ))

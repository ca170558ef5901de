"""`watchkit doctor`: its options, and what they mean."""

from __future__ import annotations

from functools import partial
from typing import Unpack

import click

from watchkit.cli.examination import Plan, examine
from watchkit.cli.options import PlaceOptions, finish, place_of, placed
from watchkit.cli.report import Json, Lines

_EXAMPLES = """\b
watchkit doctor deploy -n shop               can I watch deployments there?
watchkit doctor deploy -n shop >role.yaml    what to grant, for kubectl apply -f
watchkit doctor -A -o json                   everything, for programs
"""


@click.command(epilog=_EXAMPLES)
@click.argument("resource", default="pods", metavar="[RESOURCE]")
@placed
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to report.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=1, max=3600),
    default=30.0,
    show_default=True,
    metavar="S",
    help="Seconds for all checks together.",
)
def doctor(resource: str, *, output: str, timeout: float, **place: Unpack[PlaceOptions]) -> None:
    """Check whether RESOURCE (pods, unless named) can be watched well, and say what to grant.

    Whether the server answers and its clock agrees, who you are and what you may do, whether
    lists, watches, bookmarks and streaming initial lists work. Reads only; takes some 5 s, as a
    watch must end to show its last bookmark.

    The checks go to stderr, the RBAC that watching takes to stdout. The exit status is 0 where
    nothing failed, 1 where something did, 2 where there is no cluster.
    """
    plan = Plan(resource=resource, place=place_of(**place), timeout=timeout)
    finish(partial(examine, plan, Json() if output == "json" else Lines()))

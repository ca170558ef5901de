"""`watchkit demo`: its options, and what they mean."""

from __future__ import annotations

import os
import sys

import click

from watchkit.cli.listening import hush, listen
from watchkit.cli.options import finish
from watchkit.cli.output import is_dumb

_EXAMPLES = """\b
watchkit demo                           twenty seconds of trouble, in a live picture
watchkit demo --seconds 60              longer, for the finer faults too
watchkit demo --plain | tee demo.txt    lines, for pipes and files
"""


@click.command(epilog=_EXAMPLES)
@click.option(
    "--seconds",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="For how long to make trouble.",
)
@click.option("--plain", is_flag=True, help="Write lines, as wherever stdout is no terminal.")
def demo(seconds: int, *, plain: bool) -> None:
    """See an informer survive what an API server can do to it. No cluster needed.

    An API server runs within this program, over HTTP on the loopback interface. Thousands of pods
    change on it, and faults strike it: broken connections, silence, expired versions, throttling,
    outages, a restored backup. At the end every cached object is compared with the server's; the
    exit status is 0 where they are equal, 1 where they are not. Ctrl-C ends it with 130.
    """
    # What serves HTTP takes its time to import, and no other command needs it.
    from watchkit.cli.demo.running import Plan, run  # noqa: PLC0415
    from watchkit.cli.demo.stage import Lines, Picture  # noqa: PLC0415
    from watchkit.cli.demo.troubles import script  # noqa: PLC0415

    listen(lambda _: None)  # the picture tells the same
    hush("asyncio", "aiohttp")
    is_live = sys.stdout.isatty() and not plain and not is_dumb(os.environ)
    plan = Plan(seconds=seconds, troubles=script(seed=2))
    finish(lambda: run(plan, Picture() if is_live else Lines()))

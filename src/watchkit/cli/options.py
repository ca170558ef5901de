"""What the commands have in common: options, and how a run's end becomes an exit status."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypedDict, TypeVar, Unpack

import anyio
import click

from watchkit.cli.ending import run_to_end
from watchkit.cli.opening import Place
from watchkit.cli.output import complain
from watchkit.cli.starting import CannotStart
from watchkit.core.errors import WatchkitError

INTERRUPTED = 130
"""What a shell gives for a program that SIGINT ended."""
FAILED = 1
NOT_STARTED = 2
"""As for a wrong command line."""

F = TypeVar("F", bound=Callable[..., Any])


class PlaceOptions(TypedDict):
    """The values of the options that `placed` adds."""

    namespace: str | None
    all_namespaces: bool
    kubeconfig: str | None
    context: str | None


def _namespace(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is not None and (value in {"", ".", ".."} or "/" in value):
        raise click.BadParameter(f"{value!r} is no namespace")
    return value


def placed(command: F) -> F:
    """Add the options of a `Place`: -n, -A, --kubeconfig, --context."""
    for option in (
        click.option("--context", metavar="NAME", help="A context of the kubeconfig."),
        click.option(
            "--kubeconfig",
            metavar="PATH",
            type=click.Path(dir_okay=False),
            help="Default: $KUBECONFIG, ~/.kube/config, the pod's service account.",
        ),
        click.option("-A", "--all-namespaces", is_flag=True, help="All namespaces."),
        click.option(
            "-n",
            "--namespace",
            metavar="NS",
            callback=_namespace,
            help="Default: that of the kubeconfig's context.",
        ),
    ):
        command = option(command)
    return command


def selecting(command: F) -> F:
    """Add the selectors: -l, --field-selector."""
    fields = click.option(
        "--field-selector", metavar="F", help="Field selector: status.phase=Running"
    )
    labels = click.option(
        "-l", "--selector", metavar="SEL", help="Label selector: app=web,tier!=db"
    )
    return labels(fields(command))


def place_of(**options: Unpack[PlaceOptions]) -> Place:
    """Give the place that the options that `placed` adds name."""
    return Place(**options)


def finish(work: Callable[[], Awaitable[int]]) -> NoReturn:
    """Do a command's work, say in one line what went wrong, and exit with its status."""
    sys.exit(_status(work))


def _status(work: Callable[[], Awaitable[int]]) -> int:
    try:
        return anyio.run(run_to_end, work)
    except KeyboardInterrupt:
        return INTERRUPTED
    except CannotStart as error:
        complain(str(error))
        return NOT_STARTED
    except WatchkitError as error:
        complain(str(error))
        return FAILED

"""The command line itself: its commands, options and exit statuses."""

from __future__ import annotations

import os
import sys

import anyio
import click

from watchkit.cli.output import form_of
from watchkit.cli.session import Plan, run
from watchkit.cli.starting import CannotStart
from watchkit.cli.status import tidy
from watchkit.core.errors import WatchkitError
from watchkit.core.options import ListOptions

_INTERRUPTED = 130  # what a shell gives for a program that SIGINT ended
_FAILED = 1
_NOT_STARTED = 2  # as for a wrong command line


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="watchkit", message="%(prog)s %(version)s")
def commands() -> None:
    """Kubernetes watches that survive anything."""


def _version(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Refuse what is no version: a server answers that with 500, which is retried for ever."""
    if value == "0":
        raise click.BadParameter("0 means any state, however old: name a version, or none")
    if value is not None and not (value.isascii() and value.isdigit()):
        raise click.BadParameter(f"a resource version is a number, not {value!r}")
    return value


@commands.command()
@click.argument("resource")
@click.option("-n", "--namespace", metavar="NS", help="Default: that of the kubeconfig's context.")
@click.option("-A", "--all-namespaces", is_flag=True, help="Watch all namespaces.")
@click.option("-l", "--selector", metavar="SEL", help="Label selector: app=web,tier!=db")
@click.option("--field-selector", metavar="F", help="Field selector: status.phase=Running")
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
@click.option(
    "--kubeconfig",
    metavar="PATH",
    type=click.Path(dir_okay=False),
    help="Default: $KUBECONFIG, ~/.kube/config, the pod's service account.",
)
@click.option("--context", metavar="NAME", help="A context of the kubeconfig; default: its own.")
def watch(  # noqa: PLR0917 - click calls it by keywords
    resource: str,
    namespace: str | None,
    all_namespaces: bool,  # noqa: FBT001
    selector: str | None,
    field_selector: str | None,
    from_version: str | None,
    new_only: bool,  # noqa: FBT001
    output: str | None,
    kubeconfig: str | None,
    context: str | None,
) -> None:
    r"""Watch RESOURCE: what exists, then everything that happens to it, whatever else happens.

    RESOURCE is a name as kubectl takes it: po, pods, deploy, deployments.apps, and custom ones.
    Broken connections, restarts of the server and expired versions are survived and said on
    stderr. Ctrl-C ends it.

    \b
    watchkit watch pods                     pods of the current namespace
    watchkit watch deploy -A -o name        all deployments, a line for each event
    watchkit watch po -l app=web | jq .     JSON lines, for programs
    """
    if from_version is not None and new_only:
        raise click.UsageError("--from-version and --new-only exclude each other.")
    if namespace == "" or "/" in (namespace or ""):
        raise click.BadParameter(f"{namespace!r} is no namespace", param_hint="-n")
    is_dumb = os.environ.get("TERM", "") in {"", "dumb", "unknown"}
    plan = Plan(
        resource=resource,
        namespace=namespace,
        all_namespaces=all_namespaces,
        options=ListOptions(
            label_selector=selector, field_selector=field_selector, resource_version=from_version
        ),
        replay_existing=from_version is None and not new_only,
        form=form_of(output, is_terminal=sys.stdout.isatty(), is_dumb=is_dumb),
        kubeconfig=kubeconfig,
        context=context,
    )
    sys.exit(_status(plan))


def _status(plan: Plan) -> int:
    """Run to the end, say in one line what went wrong, and give the exit status."""
    try:
        return anyio.run(run, plan)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except CannotStart as error:
        return _say(error, _NOT_STARTED)
    except WatchkitError as error:
        return _say(error, _FAILED)


def _say(error: Exception, status: int) -> int:
    print(f"watchkit: {tidy(str(error))}", file=sys.stderr)
    return status


def main() -> None:
    """Run the command line."""
    commands(prog_name="watchkit")

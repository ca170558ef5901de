"""Which output shows what happens: a live table, or lines of a form."""

from __future__ import annotations

from collections.abc import Callable

from watchkit.cli.live import LiveTable
from watchkit.cli.opening import Opened
from watchkit.cli.output import Form, Output, line_output
from watchkit.core.health import Health


def output_for(
    form: Form,
    found: Opened,
    *,
    health: Callable[[], Health],
    names_namespace: bool,
    has_column: bool,
) -> Output:
    """Make the output of a form for a resource.

    `names_namespace` has each name say its namespace, `has_column` a table have one for it;
    `health` tells how the watcher or informer is that shows its events.
    """
    if form is Form.LIVE:
        return LiveTable(str(found), namespaced=has_column, state=lambda: _state(health()))
    return line_output(form, found.resource, names_namespace=names_namespace, has_column=has_column)


def _state(health: Health) -> str:
    at = f" from version {health.resource_version}" if health.resource_version else ""
    return health.state.value.replace("_", " ") + at

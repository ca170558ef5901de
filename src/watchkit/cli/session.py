"""One run of `watchkit watch`: shows what comes of what it was asked to watch."""

from __future__ import annotations

from dataclasses import dataclass

import anyio

from watchkit.cli.choosing import output_for
from watchkit.cli.listening import narrate
from watchkit.cli.opening import Opened, Place, opened
from watchkit.cli.output import Form, Output
from watchkit.cli.starting import CannotStart
from watchkit.core.errors import WatchkitError
from watchkit.core.options import ListOptions
from watchkit.watching.retry_watcher import RetryWatcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to watch and how to show it."""

    resource: str
    place: Place
    options: ListOptions
    replay_existing: bool
    form: Form


async def watch(plan: Plan) -> int:
    """Watch until an error: nothing else ends it by itself.

    Raises:
        BrokenPipeError: nobody reads any more.
        CannotStart: there is nothing to watch; the text is one line for a person.
        WatchkitError: the watch failed for good, having begun.

    """
    async with opened(plan.place, plan.resource) as found:
        await _show(plan, found)
    return 0


async def _show(plan: Plan, found: Opened) -> None:
    output: Output

    def say(news: str) -> None:
        output.say(news)

    narrate(str(found), say)
    watcher = RetryWatcher(found.source, plan.options, replay_existing=plan.replay_existing)
    async with watcher:
        with output_for(
            plan.form,
            found,
            health=lambda: watcher.health,
            names_namespace=plan.place.all_namespaces,
            has_column=found.resource.namespaced,
        ) as output:
            failure = await _follow(watcher, output)
    raise failure


async def _follow(watcher: RetryWatcher, output: Output) -> Exception:
    """Show events until that fails; what it failed with is given, or a group would hold it."""
    # Only aclose() ends it without an error, and nobody calls that.
    failure: Exception = WatchkitError(f"{watcher!r} ended")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(output.keep_alive)
        try:
            async for event in watcher:
                output.show(event)
        except (BrokenPipeError, CannotStart, WatchkitError) as error:
            failure = error
        tasks.cancel_scope.cancel()
    return failure

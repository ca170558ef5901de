"""One run of `watchkit get`: shows what an informer caches, and perhaps what changes in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import anyio

from watchkit.cli.choosing import output_for
from watchkit.cli.listening import narrate
from watchkit.cli.opening import Opened, Place, opened
from watchkit.cli.output import Form, announce, complain, write_line
from watchkit.cli.printing import Printer
from watchkit.cli.starting import CannotStart
from watchkit.cli.wanted import Wanted, absence, event_of, in_order
from watchkit.core.errors import WatchkitError
from watchkit.core.events import Added
from watchkit.core.objects import Object
from watchkit.informer.shared_informer import SharedInformer

NOT_FOUND: Final = 1
"""The exit status where a name is not there: kubectl's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to get, where, and how to show it; `follow`: go on with what changes."""

    wanted: Wanted
    place: Place
    form: Form
    follow: bool


async def get(plan: Plan) -> int:
    """Show what there is, then, where asked to, every change; give the exit status.

    Raises:
        BrokenPipeError: nobody reads any more.
        CannotStart: there is nothing to get; the text is one line for a person.
        WatchkitError: the informer failed for good, having begun.

    """
    async with opened(plan.place, plan.wanted.resource) as found:
        return await _Getting(plan, found).run()


class _Getting:
    def __init__(self, plan: Plan, found: Opened) -> None:
        self._plan = plan
        self._found = found
        self._say: Callable[[str], None] = announce

    async def run(self) -> int:
        plan = self._plan
        narrate(str(self._found), self._tell)
        informer = SharedInformer(
            self._found.source,
            plan.wanted.options,
            transform=plan.wanted.kept,
            # To list takes fewer rights than to stream, which is a watch.
            initial_list="auto" if plan.follow else "list",
        )
        async with informer:
            await informer.wait_for_sync()
            objects = in_order(informer.store.values())
            missing = plan.wanted.missing(objects)
            if plan.follow and not missing:
                await self._follow(informer, objects)
            self._print(objects, missing)
        return NOT_FOUND if missing else 0

    def _tell(self, news: str) -> None:
        self._say(news)

    def _print(self, objects: Sequence[Object], missing: Sequence[str]) -> None:
        plan, found = self._plan, self._found
        single = len(plan.wanted.names) == 1 and not plan.place.all_namespaces
        printer = Printer(plan.form, found.resource, single=single, has_column=self._has_column)
        text = printer.text(objects, datetime.now(UTC))
        if text:
            write_line(text)
        elif not missing:
            complain(f"there are no {found}")
        for name in missing:
            complain(absence(name, found.source.resource, found.source.namespace))

    async def _follow(self, informer: SharedInformer[Object], objects: Sequence[Object]) -> None:
        """Show what there is and every change, until the informer fails: its block then raises."""
        with output_for(
            self._plan.form,
            self._found,
            health=lambda: informer.health,
            names_namespace=self._plan.place.all_namespaces,
            has_column=self._has_column,
        ) as output:
            self._say = output.say
            # Nothing is awaited between the look into the cache and this: no change slips through.
            informer.add_event_handler(
                on_change=lambda change: output.show(event_of(change)),
                replay=False,
                on_error="fail",
            )
            for each in objects:
                output.show(Added(each, each.meta, initial=True))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(output.keep_alive)
                await _failing(informer)
                tasks.cancel_scope.cancel()

    @property
    def _has_column(self) -> bool:
        return self._plan.place.all_namespaces and self._found.resource.namespaced


async def _failing(informer: SharedInformer[Object]) -> None:
    """Wait until it fails: raised here, it would come out of a group in a group."""
    with suppress(BrokenPipeError, CannotStart, WatchkitError):
        await informer.run_forever()

"""Hands the events of watchkit's log to one listener, in a process that is all the command's."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, MutableMapping
from typing import NoReturn

import anyio
import structlog

from watchkit.cli.narration import Narrator


def narrate(what: str, say: Callable[[str], None]) -> None:
    """Say from now on, in lines for a person, what the watch of `what` goes through."""
    narrator = Narrator(what)

    def hear(event: Mapping[str, object]) -> None:
        news = narrator.tell(event, anyio.current_time())
        if news is not None:
            say(news)

    listen(hear)


def listen(hear: Callable[[Mapping[str, object]], None]) -> None:
    """Give every event of the log, debug ones too, to `hear`, and print none of them."""

    def tell(_logger: object, _method: str, event: MutableMapping[str, object]) -> NoReturn:
        hear(event)
        raise structlog.DropEvent

    structlog.configure(
        processors=[tell],
        wrapper_class=structlog.make_filtering_bound_logger(0),
        cache_logger_on_first_use=False,
    )


def hush(*names: str) -> None:
    """Print nothing of what others log under these names, their crashes aside.

    Who cuts connections on purpose is not told by asyncio that they are cut.
    """
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL)

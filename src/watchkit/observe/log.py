"""Says decisions as structlog events: one event each, bound keys, no global configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from watchkit.core.position import Said


class Observer:
    """The log of one watch: every event carries its resource and namespace.

    docs/logging.md lists the events and their keys.
    """

    def __init__(self, resource: str, namespace: str | None) -> None:
        # Not `.bind()`: that would keep the configuration of now, for an application that has
        # not come to its own yet.
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger(
            "watchkit", resource=resource, namespace=namespace
        )

    def decided(self, said: Said, version: str | None) -> None:
        """Say what the resume machine decided, at which version."""
        say = {"debug": self._log.debug, "info": self._log.info, "warning": self._log.warning}
        say[said.level](said.event, resource_version=version, **said.fields)

    def listed(self, version: str, *, objects: int, events: int, gap: bool) -> None:
        """Say that a list (or the initial events) is complete."""
        self._log.info(
            "list.done", resource_version=version, objects=objects, events=events, gap=gap
        )

    def opened(self, version: str | None, *, timeout: int) -> None:
        """Say that a watch was answered."""
        self._log.debug("watch.opened", resource_version=version, timeout=timeout)

    def probe_failed(self, error: Exception) -> None:
        """Say that the version beside a new watch could not be learnt; the watch goes on."""
        self._log.debug("watch.probe_failed", cause=str(error))

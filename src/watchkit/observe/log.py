"""Says decisions as structlog events: one event each, bound keys, no global configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from watchkit.observe.tracebacks import raised

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

    def handler_failed(self, handler: str, key: str, error: Exception) -> None:
        """Say that a handler, or its predicate, raised over a change of this key."""
        cause = f"{type(error).__name__}: {error}"
        keys = {"handler": handler, "key": key, "cause": cause}
        self._log.error("handler.failed", **keys, exc_info=raised(error))

    def undecodable(self, key: str, version: str, error: Exception) -> None:
        """Say that an object could not be cached as what the informer caches; readers lack it."""
        self._log.warning("object.undecodable", key=key, resource_version=version, cause=str(error))

    def index_failed(self, index: str, key: str, error: Exception) -> None:
        """Say that an index function raised over an object, which the index lacks then."""
        cause = f"{type(error).__name__}: {error}"
        keys = {"index": index, "key": key, "cause": cause}
        self._log.error("index.failed", **keys, exc_info=raised(error))

    def audited(self, version: str, *, objects: int, differences: int) -> None:
        """Say what came of comparing the cache with a list."""
        say = self._log.warning if differences else self._log.debug
        say("audit.done", resource_version=version, objects=objects, differences=differences)

    def audit_failed(self, error: Exception) -> None:
        """Say that there was no list to compare the cache with; it is tried again in time."""
        self._log.info("audit.failed", cause=str(error))

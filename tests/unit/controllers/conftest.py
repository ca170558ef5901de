"""Virtual time on both backends and a cluster, as for watchers; hypothesis as at the core."""

from tests.unit.core import conftest as core
from tests.unit.watching.conftest import anyio_backend, clock, cluster, logs, pods

__all__ = ["anyio_backend", "clock", "cluster", "core", "logs", "pods"]

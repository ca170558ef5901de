"""Virtual time on both backends and a cluster, as for watchers."""

from tests.unit.watching.conftest import anyio_backend, clock, cluster, logs, pods

__all__ = ["anyio_backend", "clock", "cluster", "logs", "pods"]

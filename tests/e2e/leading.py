"""A replica as a process of its own: `python -m tests.e2e.leading KUBECONFIG NAMESPACE NAME`.

While it leads it counts up in the ConfigMap "count", reading it, waiting a little, and putting it
over the version that it read; a count that has begun is not interrupted. It says on stdout, line
by line, what happens, as JSON; with a read, until when its write is not sent (time.monotonic()).
"""

import json
import sys
import time
from contextlib import suppress
from typing import Any

import anyio
import structlog
from kubernetes_asyncio.client import ApiException, CoreV1Api

from watchkit import ClientConfig, LeadershipLost, connect
from watchkit.controllers import LeaderElector, fencing_token

TERMS: dict[str, float] = {"lease_duration": 4, "renew_deadline": 2.5, "retry_period": 0.5}
"""As the defaults, but for people who wait."""

THOUGHT = 0.5  # seconds between a read and its write


def say(event: str, **more: object) -> None:
    """Write a line."""
    sys.stdout.write(json.dumps({"event": event, **more}) + "\n")
    sys.stdout.flush()


class Counting:
    """The work of a replica."""

    def __init__(self, v1: CoreV1Api, namespace: str, name: str) -> None:
        self._v1 = v1
        self._namespace = namespace
        self._name = name

    async def __call__(self) -> None:
        """Count until cancelled."""
        token = fencing_token()
        assert token is not None
        say("leads", transitions=token.transitions, version=token.version)
        while True:
            token.check()
            with anyio.CancelScope(shield=True):
                await self._count()
            await anyio.sleep(0.05)

    async def _count(self) -> None:
        found: Any = await self._v1.read_namespaced_config_map("count", self._namespace)
        number = int(found.data["n"]) + 1
        say("read", n=number, until=time.monotonic() + THOUGHT)
        await anyio.sleep(THOUGHT)
        found.data = {"n": str(number), "by": self._name}
        try:
            await self._v1.replace_namespaced_config_map("count", self._namespace, found)
        except ApiException as error:
            say("refused", status=error.status, n=number)
        else:
            say("counted", n=number)


async def main(*given: str) -> None:
    """Stand for the lease, again and again."""
    kubeconfig, namespace, name = given
    async with connect(ClientConfig(kubeconfig=kubeconfig)) as api:
        elector = LeaderElector(api, "count", namespace=namespace, identity=name, **TERMS)
        work = Counting(CoreV1Api(api), namespace, name)
        while True:
            try:
                await elector.run(work)
            except LeadershipLost as lost:
                say("lost", why=str(lost))


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with suppress(KeyboardInterrupt):
        anyio.run(main, *sys.argv[1:])

"""lightkube: a list, then its watch from there on, and a dict for a cache.

Mode: `watch`.
"""

import asyncio
from typing import Any

from lightkube import AsyncClient
from lightkube.config.kubeconfig import KubeConfig
from lightkube.config.models import Cluster, User
from lightkube.resources.core_v1 import Pod
from meter import Meter, done, options


async def watch(meter: Meter) -> None:
    """Keep Pods by namespace and name."""
    handle, cache = meter.handler(_is_running), dict[Any, Pod]()
    config = KubeConfig.from_one(
        cluster=Cluster(server=meter.options.server),
        user=User(),
        context_name="benchmark",
    )
    client = AsyncClient(config)
    meter.start(lambda: len(cache))
    listing = client.list(Pod, namespace="*")
    pods = [pod async for pod in listing]
    for pod in pods:
        cache[pod.metadata.namespace, pod.metadata.name] = pod
    for pod in pods:
        handle(pod)
    del pods, pod
    version = listing.resourceVersion
    async for _, pod in client.watch(Pod, namespace="*", resource_version=version):
        cache[pod.metadata.namespace, pod.metadata.name] = pod
        handle(pod)
        if meter.is_over:
            return


def _is_running(pod: Pod) -> bool:
    return pod.status.phase == "Running"


def main() -> None:
    """Run it."""
    meter = Meter(options("watch"))
    asyncio.run(watch(meter))
    meter.report("lightkube", "lightkube-models", "httpx", "msgspec")
    done()


if __name__ == "__main__":
    main()

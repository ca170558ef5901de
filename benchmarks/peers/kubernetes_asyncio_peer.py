"""kubernetes_asyncio: a list, then its Watch from there on, and a dict for a cache.

Modes: `typed` (V1Pod), `dict` (the same pods as a custom resource's, which come as dicts).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kubernetes_asyncio.client import ApiClient, Configuration, CoreV1Api, CustomObjectsApi
from kubernetes_asyncio.watch import Watch
from meter import Meter, done, options


@dataclass(frozen=True)
class Form:
    """How pods are asked for, and what they are like then."""

    method: Callable[[ApiClient], Any]
    arguments: tuple[str, ...]
    listed: Callable[[Any], tuple[Any, str]]
    key: Callable[[Any], tuple[str, str]]
    is_running: Callable[[Any], bool]


TYPED = Form(
    lambda api: CoreV1Api(api).list_pod_for_all_namespaces,
    (),
    lambda pods: (pods.items, pods.metadata.resource_version),
    lambda pod: (pod.metadata.namespace, pod.metadata.name),
    lambda pod: pod.status.phase == "Running",
)
DICTS = Form(
    lambda api: CustomObjectsApi(api).list_cluster_custom_object,
    ("example.com", "v1", "pods"),
    lambda pods: (pods["items"], pods["metadata"]["resourceVersion"]),
    lambda pod: (pod["metadata"]["namespace"], pod["metadata"]["name"]),
    lambda pod: pod["status"]["phase"] == "Running",
)


async def follow(meter: Meter, form: Form) -> None:
    """Keep pods by namespace and name."""
    handle, cache, key = meter.handler(form.is_running), dict[Any, Any](), form.key
    async with ApiClient(Configuration(host=meter.options.server)) as api, Watch() as watch:
        method = form.method(api)
        meter.start(lambda: len(cache))
        pods, version = form.listed(await method(*form.arguments))
        cache.update((key(pod), pod) for pod in pods)
        for pod in pods:
            handle(pod)
        del pods, pod  # the cache has them, as long as they are current
        async for event in watch.stream(method, *form.arguments, resource_version=version):
            pod = event["object"]
            cache[key(pod)] = pod
            handle(pod)
            if meter.is_over:
                return


def main() -> None:
    """Run one of them."""
    meter = Meter(options("typed", "dict"))
    asyncio.run(follow(meter, TYPED if meter.options.mode == "typed" else DICTS))
    meter.report("kubernetes_asyncio", "aiohttp")
    done()


if __name__ == "__main__":
    main()

"""The official client, kubernetes: its Watch behind a list, and the informer that it has since 37.

Modes: `typed` (the Watch, and a dict for a cache), `informer`.
"""

import threading
from typing import Any

from kubernetes.client import ApiClient, Configuration, CoreV1Api
from kubernetes.informer import ADDED, ERROR, MODIFIED, SharedInformer
from kubernetes.watch import Watch
from meter import Meter, done, options


def typed(meter: Meter, api: ApiClient) -> None:
    """Keep V1Pods by namespace and name."""
    handle, cache = meter.handler(_is_running), dict[Any, Any]()
    method = CoreV1Api(api).list_pod_for_all_namespaces
    meter.start(lambda: len(cache))
    listed = method()
    for pod in listed.items:
        cache[pod.metadata.namespace, pod.metadata.name] = pod
    for pod in listed.items:
        handle(pod)
    version = listed.metadata.resource_version
    del listed, pod
    for event in Watch().stream(method, resource_version=version):
        pod = event["object"]
        cache[pod.metadata.namespace, pod.metadata.name] = pod
        handle(pod)
        if meter.is_over:
            return


def informer(meter: Meter, api: ApiClient) -> None:
    """Let handlers be called in its thread."""
    over = threading.Event()
    meter.on_end = over.set
    pods = SharedInformer(CoreV1Api(api).list_pod_for_all_namespaces)
    for handle in meter.handlers(_is_running):
        pods.add_event_handler(ADDED, handle)
        pods.add_event_handler(MODIFIED, handle)
    pods.add_event_handler(ERROR, lambda error: print(f"informer: {error!r}"))
    meter.start(lambda: len(pods.cache.list_keys()))
    pods.start()
    over.wait()


def _is_running(pod: Any) -> bool:  # noqa: ANN401 - a V1Pod; the package has no types
    return bool(pod.status.phase == "Running")


def main() -> None:
    """Run one of them."""
    meter = Meter(options("typed", "informer"))
    api = ApiClient(Configuration(host=meter.options.server))
    (typed if meter.options.mode == "typed" else informer)(meter, api)
    meter.report("kubernetes", "urllib3")
    done()


if __name__ == "__main__":
    main()

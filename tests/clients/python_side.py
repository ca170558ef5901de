"""The official Python client's informer of pods, as a program: see `tests.e2e.sides`."""

import json
import sys

from kubernetes import client, config  # pyright: ignore[reportMissingImports]
from kubernetes.informer import SharedInformer  # pyright: ignore[reportMissingImports]


def main(kubeconfig: str, namespace: str) -> None:
    """Keep the cache, and answer each line with it until there are no more."""
    config.load_kube_config(kubeconfig)
    informer = SharedInformer(client.CoreV1Api().list_namespaced_pod, namespace=namespace)
    informer.start()
    for _ in sys.stdin:
        pods = [pod.metadata for pod in informer.cache.list()]
        held = {f"{pod.namespace}/{pod.name}": [pod.uid, pod.resource_version] for pod in pods}
        print(json.dumps({"cache": held}), flush=True)
    informer.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

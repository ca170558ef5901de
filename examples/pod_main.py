"""A controller as a pod runs it: probes, metrics, and an end that lets what is at work end.

    python examples/pod_main.py --namespace shop --host 0.0.0.0 --port 8080

It keeps a digest of each ConfigMap's data in an annotation of it. What is of interest is `main`:
kubelet asks /healthz and /readyz, Prometheus /metrics, and on SIGTERM the controller takes nothing
new, lets running reconciles end, for `--grace` seconds at most, and exits with 0. Until then its
cache and its client stay, and /readyz says 503. It needs the verbs list, watch and patch on
configmaps. For several replicas, run `LeaderElector(...).run(controller.run)` in place of
`controller.run()`, and add the elector to the probes.
"""

import argparse
import hashlib
import json
import signal
from functools import partial

import anyio
from kubernetes_asyncio.client import CoreV1Api

from watchkit import ListWatch, SharedInformer, Store, connect
from watchkit.controllers import Controller, HealthServer, Request
from watchkit.metrics import Metrics

DIGEST = "example.com/digest"


async def reconcile(v1: CoreV1Api, configmaps: Store, request: Request) -> None:
    """Make one ConfigMap's digest be right."""
    configmap = configmaps.get(request)
    if configmap is None or configmap.deletion_timestamp is not None:
        return
    data = json.dumps(configmap.get("data", {}), sort_keys=True)
    digest = hashlib.sha256(data.encode()).hexdigest()
    if configmap.annotations.get(DIGEST) == digest:
        return
    seen = {"resourceVersion": configmap.resource_version}  # a newer one is refused: try again
    patch = {"metadata": {**seen, "annotations": {DIGEST: digest}}}
    await v1.patch_namespaced_config_map(request.name, request.namespace, patch)
    print(f"{request.key}: {digest[:12]}", flush=True)


async def end_on_signal(working: anyio.CancelScope) -> None:
    """End the work when told to: SIGTERM from kubelet, or Ctrl-C."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            working.cancel()


async def work(given: argparse.Namespace, working: anyio.CancelScope) -> None:
    """Reconcile until `working` is cancelled; what the work stands on ends after it."""
    metrics = Metrics()
    async with (
        HealthServer(given.host, given.port, metrics=metrics) as health,
        connect() as api,
        SharedInformer(
            ListWatch.for_resource(api, "v1", "configmaps", namespace=given.namespace)
        ) as informer,
    ):
        print(f"probes and metrics on port {health.port}", flush=True)
        controller = Controller(
            partial(reconcile, CoreV1Api(api), informer.store),
            name="digests",
            timeout=60,
            grace=given.grace,
        )
        controller.watches(informer)
        for thing in (informer, controller):
            health.add(thing)
            metrics.register(thing)
        with working:
            await controller.run()
    print(f"ended: {controller.statistics().results.get('success', 0)} reconciled", flush=True)


async def main() -> None:
    """Read the command line, and work until told to end."""
    parser = argparse.ArgumentParser(description="Keep the digests of ConfigMaps.")
    parser.add_argument("--namespace", default="default")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 in a pod: kubelet asks there")
    parser.add_argument("--port", type=int, default=8080, help="of probes and metrics (0: any)")
    # Less than the pod's terminationGracePeriodSeconds (30 by default), or kubelet is faster.
    parser.add_argument("--grace", type=float, default=20.0, metavar="SECONDS")
    given = parser.parse_args()
    working = anyio.CancelScope()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(end_on_signal, working)
        await work(given, working)
        tasks.cancel_scope.cancel()


if __name__ == "__main__":
    anyio.run(main)

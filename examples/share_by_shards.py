"""Share the ConfigMaps of a namespace between replicas: each sees and handles its part only.

    python examples/share_by_shards.py --shard 0 --of 3 --namespace shop

The server divides the objects by a hash of their uid (`shard_selector`; alpha in Kubernetes 1.36,
feature gate ShardedListAndWatch), so that three replicas have a third of the work and of the
memory each. Nothing is left out and nothing done twice while there is one replica for each shard,
as a StatefulSet sees to, whose pods know their number. To have another number of them, end all,
then begin anew: with 3 and 4 at work at once, parts overlap.
"""

import argparse
import json
import logging
import signal
import sys
from functools import partial

import anyio
import structlog
from kubernetes_asyncio.client import ApiClient, CoreV1Api

from watchkit import ListWatch, SharedInformer, connect, is_conflict
from watchkit.controllers import Controller, Request, Result

HASHES = 2**64  # the server takes FNV-1a of 64 bits
PATIENCE = 30.0  # seconds of silence
CHECKED = "example.com/checked-by"


def selector(shard: int, of: int) -> str:
    """Select the part that is this shard's: a range of hashes, its end not included."""
    start, end = (HASHES * number // of for number in (shard, shard + 1))
    return f"shardRange(object.metadata.uid, '0x{start:016x}', '0x{end:016x}')"


async def has_shards(source: ListWatch, wanted: str) -> bool:
    """Whether the server knows of shards; one that does not ignores the selector in silence."""
    query = {"limit": "1", "shardSelector": wanted}
    said = json.loads(await source.list(query, idle_timeout=PATIENCE))
    return "shardInfo" in said["metadata"]


async def check(
    v1: CoreV1Api, configmaps: SharedInformer, shard: int, request: Request
) -> Result | None:
    """Note on a ConfigMap that it was looked at: this is where your own work goes."""
    found = configmaps.store.get(request)
    if found is None or CHECKED in found.annotations:
        return None
    note = {"annotations": {CHECKED: str(shard)}, "resourceVersion": found.resource_version}
    try:
        await v1.patch_namespaced_config_map(
            request.name,
            request.namespace,
            {"metadata": note},
            _content_type="application/merge-patch+json",
        )
    except Exception as error:
        if not is_conflict(error):
            raise
        return Result(requeue_after=1)  # what is new about it is mostly told before
    print(json.dumps({"event": "checked", "key": request.key}), flush=True)
    return None


async def work(api: ApiClient, source: ListWatch, wanted: str, shard: int) -> None:
    """Check what is in this shard, and whatever comes to it."""
    async with SharedInformer(source, {"shard_selector": wanted}) as configmaps:
        reconcile = partial(check, CoreV1Api(api), configmaps, shard)
        controller = Controller(reconcile, name="shard", workers=4)
        controller.watches(configmaps)
        await controller.run()


async def main() -> None:
    """Work until told to end."""
    parser = argparse.ArgumentParser(description="Check the ConfigMaps of one shard.")
    parser.add_argument("--shard", required=True, type=int, metavar="N", help="from 0 on")
    parser.add_argument("--of", required=True, type=int, metavar="N", help="how many there are")
    parser.add_argument("--namespace", default="default")
    given = parser.parse_args()
    if not 0 <= given.shard < given.of:
        parser.error(f"--shard is between 0 and {given.of - 1}")
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    wanted = selector(given.shard, given.of)
    async with connect() as api:
        source = ListWatch.for_resource(api, "v1", "configmaps", namespace=given.namespace)
        if not await has_shards(source, wanted):
            sys.exit("the server has no shards: is ShardedListAndWatch switched on?")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(work, api, source, wanted, given.shard)
            with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                async for _ in signals:
                    tasks.cancel_scope.cancel()


if __name__ == "__main__":
    anyio.run(main)

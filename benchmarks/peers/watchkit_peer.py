"""watchkit: its informer, as it comes and with options that its documents advise; its watcher.

Modes: `informer`, `informer-paged` (initial_list="list"), `informer-strip` (strip_managed_fields),
`informer-model` (a msgspec Struct of the field that is read), `informer-uvloop`, `metadata`, and
`watcher` (a RetryWatcher, and a dict for a cache).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import anyio
import msgspec
from kubernetes_asyncio.client import ApiClient, Configuration, CoreV1Api
from meter import Meter, done, options

from watchkit import ListWatch, Object, RetryWatcher, SharedInformer, strip_managed_fields


class _Status(msgspec.Struct, gc=False):
    phase: str = ""


class _Pod(msgspec.Struct, gc=False):
    """The one field that a handler here reads."""

    status: _Status


def reads_phase(pod: Object) -> bool:
    """Whether a pod runs."""
    return bool(pod["status"]["phase"] == "Running")


def reads_attribute(pod: _Pod) -> bool:
    """Whether a pod of the model runs."""
    return pod.status.phase == "Running"


_SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "informer": {},
    "informer-paged": {"initial_list": "list"},
    "informer-strip": {"transform": strip_managed_fields},
    "informer-model": {"model": _Pod},
    "informer-uvloop": {},
    "metadata": {},
}


async def informer(meter: Meter) -> None:
    """Let handlers be called by a SharedInformer."""
    over = anyio.Event()
    meter.on_end = over.set
    mode = meter.options.mode
    is_running: Callable[[Any], bool] = reads_attribute if "model" in mode else reads_phase
    async with ApiClient(Configuration(host=meter.options.server)) as api:
        source = ListWatch.for_resource(api, "v1", "pods", metadata_only=mode == "metadata")
        pods = SharedInformer[Any](source, **_SETTINGS[mode])
        meter.start(lambda: len(pods.store))
        async with pods:
            for handle in meter.handlers(is_running):
                pods.add_event_handler(on_add=handle, on_update=partial(_updated, handle))
            await over.wait()


def _updated(handle: Callable[[Any], None], _: object, new: object) -> None:
    handle(new)


async def watcher(meter: Meter) -> None:
    """Iterate over a RetryWatcher, which first gives what is there."""
    handle, cache = meter.handler(reads_phase), dict[str, Object]()
    async with ApiClient(Configuration(host=meter.options.server)) as api:
        source = ListWatch(CoreV1Api(api).list_pod_for_all_namespaces)
        meter.start(lambda: len(cache))
        async with RetryWatcher(source, replay_existing=True) as events:
            async for event in events:
                cache[event.key] = event.object
                handle(event.object)
                if meter.is_over:
                    return


def main() -> None:
    """Run one of them."""
    meter = Meter(options(*_SETTINGS, "watcher"))
    mode = meter.options.mode
    anyio.run(
        watcher if mode == "watcher" else informer,
        meter,
        backend_options={"use_uvloop": mode == "informer-uvloop"},
    )
    packages = ["watchkit", "aiohttp", "msgspec", "kubernetes_asyncio", "anyio"]
    meter.report(*packages, *(["uvloop"] if mode == "informer-uvloop" else []))
    done()


if __name__ == "__main__":
    main()

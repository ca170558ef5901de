"""kr8s: its watch, which begins with all that is there, and a dict for a cache.

Mode: `watch`.
"""

import asyncio
from typing import Any

import kr8s
import kr8s.asyncio
from meter import Meter, done, options


async def watch(meter: Meter) -> None:
    """Keep Pods by namespace and name."""
    handle, cache = meter.handler(_is_running), dict[Any, Any]()
    api = await kr8s.asyncio.api(url=meter.options.server)
    meter.start(lambda: len(cache))
    async for _, pod in api.watch("pods", namespace=kr8s.ALL):
        cache[pod.namespace, pod.name] = pod
        handle(pod)
        if meter.is_over:
            return


def _is_running(pod: Any) -> bool:  # noqa: ANN401 - one of its Pods
    return bool(pod.status.phase == "Running")


def main() -> None:
    """Run it."""
    meter = Meter(options("watch"))
    asyncio.run(watch(meter))
    meter.report("kr8s", "httpx2", "python-box")
    done()


if __name__ == "__main__":
    main()

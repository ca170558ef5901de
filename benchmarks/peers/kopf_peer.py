"""kopf: an operator with `on.event` handlers and a dict for a cache, on its own.

Mode: `event`. It neither posts events nor patches anything here, and peers with nobody.
"""

from collections.abc import Callable
from typing import Any

import kopf
from meter import Meter, done, options


def operate(meter: Meter) -> None:
    """Run the operator until all is handled."""
    registry, settings = kopf.OperatorRegistry(), kopf.OperatorSettings()
    settings.posting.enabled = False
    cache = dict[Any, Any]()

    def login(**_: object) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=meter.options.server)

    kopf.on.login(registry=registry)(login)
    for number, handle in enumerate(meter.handlers(_is_running)):
        keep = _kept(cache, handle) if number == 0 else _handled(handle)
        kopf.on.event("v1", "pods", registry=registry, id=f"handler-{number}")(keep)
    meter.on_end = lambda: _end(meter)
    meter.start(lambda: len(cache))
    kopf.run(registry=registry, settings=settings, standalone=True, clusterwide=True)


# Asynchronous, though nothing is awaited: kopf runs plain functions in threads, which costs more.


def _kept(cache: dict[Any, Any], handle: Callable[[Any], None]) -> Callable[..., Any]:
    async def keep(*, body: kopf.Body, namespace: str, name: str, **_: object) -> None:
        cache[namespace, name] = body
        handle(body)

    return keep


def _handled(handle: Callable[[Any], None]) -> Callable[..., Any]:
    async def handled(*, body: kopf.Body, **_: object) -> None:
        handle(body)

    return handled


def _is_running(body: kopf.Body) -> bool:
    return bool(body["status"]["phase"] == "Running")


def _end(meter: Meter) -> None:
    meter.report("kopf", "aiohttp")
    done()


if __name__ == "__main__":
    operate(Meter(options("event")))

"""An app that needs a gateway starts before the gateway does, and serves what it can meanwhile.

    python examples/wait_for_gateway.py --gateway http://127.0.0.1:8001/status --max-retries 60

It listens on loopback at once. /healthz says that it lives, /readyz whether the gateway is there,
/ greets everybody without any gateway, and /gateway shows what the gateway said, once it did. A
gateway that is late, however late, is no reason to end: after the retries that the flags allow it
says so, and tries again. The flags may be environment variables, too: GATEWAY_MAX_RETRIES,
GATEWAY_INITIAL_DELAY, GATEWAY_MAX_DELAY.
"""

import argparse
import os
import signal
from dataclasses import dataclass

import aiohttp
import anyio
from aiohttp import web

from watchkit import RetriesExhausted, RetryPolicy, wait_for_dependency

PROBE_TIMEOUT = aiohttp.ClientTimeout(total=5)


@dataclass
class Gateway:
    """What is known of the gateway; None where it has not answered yet."""

    url: str
    status: str | None = None
    trouble: str = "not asked yet"


def arguments() -> tuple[argparse.Namespace, RetryPolicy]:
    """Read the command line; a setting that makes no sense is explained, with exit code 2."""
    parser = argparse.ArgumentParser(description="Serve, and wait for a gateway meanwhile.")
    parser.add_argument("--gateway", required=True, metavar="URL", help="answers 200 when ready")
    parser.add_argument("--port", type=int, default=8080, help="on loopback (0: any)")
    parser.add_argument("--max-retries", metavar="N", help="before it says so and starts over")
    parser.add_argument("--initial-delay", metavar="SECONDS", help="the first wait, at most")
    parser.add_argument("--max-delay", metavar="SECONDS", help="the longest wait")
    given = parser.parse_args()
    settings = {f"gateway_{name}": value for name, value in vars(given).items()}
    try:
        policy = RetryPolicy.from_settings(
            namespace=settings, environ=os.environ, prefix="gateway_"
        )
    except ValueError as error:
        parser.error(str(error).replace("--gateway-", "--"))
    return given, policy


async def wait(gateway: Gateway, policy: RetryPolicy) -> None:
    """Wait for the gateway for as long as it takes, and tell the health page how it goes."""

    async def probe() -> str:
        async with (
            aiohttp.ClientSession(timeout=PROBE_TIMEOUT) as session,
            session.get(gateway.url, raise_for_status=True) as answer,
        ):
            return await answer.text()

    def on_waiting(attempt: int, error: Exception, delay: float) -> None:
        gateway.trouble = f"attempt {attempt}: {type(error).__name__}; next in {delay:.1f} s"

    while gateway.status is None:
        try:
            gateway.status = await wait_for_dependency(probe, policy, on_waiting)
        except RetriesExhausted as error:
            gateway.trouble = f"{error}; starting over"
            print(f"still no gateway: {gateway.trouble}", flush=True)
            await anyio.sleep(policy.backoff.cap)
    print("the gateway is there", flush=True)


def app_of(gateway: Gateway) -> web.Application:
    """Make the pages."""

    async def greet(_: web.Request) -> web.Response:
        return web.Response(text="hello\n")

    async def live(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(_: web.Request) -> web.Response:
        if gateway.status is None:
            return web.Response(status=503, text=f"waiting for the gateway: {gateway.trouble}\n")
        return web.Response(text="ok\n")

    async def through(_: web.Request) -> web.Response:
        if gateway.status is None:
            return web.Response(status=503, headers={"Retry-After": "5"}, text="not yet\n")
        return web.Response(text=gateway.status)

    app = web.Application()
    app.add_routes([web.get("/", greet), web.get("/healthz", live)])
    app.add_routes([web.get("/readyz", ready), web.get("/gateway", through)])
    return app


async def main() -> None:
    """Serve until told to end."""
    given, policy = arguments()
    gateway = Gateway(given.gateway)
    runner = web.AppRunner(app_of(gateway))
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", given.port)
        await site.start()
        print(f"serving on http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait, gateway, policy)
            with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                async for _ in signals:
                    tasks.cancel_scope.cancel()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    anyio.run(main)

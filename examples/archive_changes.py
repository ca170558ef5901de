"""Send every change of the pods of a namespace to an archive that may be slower than they come.

    python examples/archive_changes.py --archive http://127.0.0.1:9000/changes --namespace shop

An informer keeps the cache; a handler posts each change, in order and none merged with another,
to the archive, again and again until it is taken. What waits is bounded: where the archive falls
behind by more than `--buffer` changes, the watch is held back, and this says so. Told to end, it
sends what it has been given so far, for `--grace` seconds at most; told twice, it ends at once.
Each start begins with what is there then.
"""

import argparse
import signal
from functools import partial

import aiohttp
import anyio

from watchkit import (
    Backoff,
    Change,
    ListWatch,
    Registration,
    RetryPolicy,
    SharedInformer,
    connect,
    wait_for_dependency,
)

PATIENT = RetryPolicy(attempts=1000, backoff=Backoff(initial=0.2, cap=10))
LOOK = 0.1  # seconds between two looks at what waits


async def archive(session: aiohttp.ClientSession, url: str, change: Change) -> None:
    """Send one change; the archive can tell by its version whether it has had it already."""
    body = {
        "type": change.type,
        "key": change.key,
        "version": change.resource_version,
        "initial": change.initial,  # it was there when this started
        "inferred": change.inferred,  # the net effect of a gap, not an event that was seen
    }

    async def post() -> None:
        async with session.post(url, json=body, raise_for_status=True):
            pass

    await wait_for_dependency(post, PATIENT)


async def report(informer: SharedInformer, sending: Registration) -> None:
    """Say when the archive holds the watch back, and when it no longer does."""
    held = False
    while True:
        if held != (informer.health.held_by == sending.name):
            held = not held
            waiting = sending.statistics().queued
            said = f"holds the watch back, {waiting} changes wait" if held else "has caught up"
            print(f"the {sending.name} {said}", flush=True)
        await anyio.sleep(LOOK)


async def drain(sending: Registration, grace: float) -> None:
    """Wait until all that the handler had been given by now is sent, though not for ever."""
    given = sending.statistics().received
    with anyio.move_on_after(grace):
        while sending.statistics().handled < given:  # noqa: ASYNC110 - a count can only be read
            await anyio.sleep(LOOK)
    left = max(0, given - sending.statistics().handled)
    print(f"ended: {sending.statistics().handled} changes sent, {left} not", flush=True)


async def run(given: argparse.Namespace) -> None:
    """Archive until told to end."""
    async with (
        connect() as api,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session,
        SharedInformer(
            ListWatch.for_resource(api, "v1", "pods", namespace=given.namespace)
        ) as informer,
        anyio.create_task_group() as tasks,
    ):
        send = partial(archive, session, given.archive)
        sending = informer.add_event_handler(
            on_change=send, name="archive", delivery="every", buffer=given.buffer, on_error="fail"
        )
        tasks.start_soon(report, informer, sending)
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                break
        await drain(sending, given.grace)
        tasks.cancel_scope.cancel()


async def main() -> None:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(description="Archive every change of the pods of a namespace.")
    parser.add_argument("--archive", required=True, metavar="URL", help="where changes are posted")
    parser.add_argument("--namespace", default="default")
    parser.add_argument("--buffer", type=int, default=1000, metavar="N", help="changes that wait")
    parser.add_argument("--grace", type=float, default=10.0, metavar="SECONDS", help="at the end")
    await run(parser.parse_args())


if __name__ == "__main__":
    anyio.run(main)

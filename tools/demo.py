"""The demo: a real API server, something happening on it, and `watchkit watch` in the foreground.

python -m tools.demo [--seconds N]

Needs what the e2e tests need: the programs of a control plane, built on the first run. Without N it
runs for a minute, or in a terminal until Ctrl-C.
"""

import argparse
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import count, cycle
from pathlib import Path

import anyio
from anyio.abc import Process

from tests.e2e.harness import (
    ControlPlane,
    JsonObject,
    NoServerError,
    RefusedError,
    ServerFailedError,
    find_binaries,
    prepared_control_plane,
)

ROOT = Path(__file__).parents[1]
NAMESPACE = "shop"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
MERGE = "application/merge-patch+json"
BEAT = 0.7  # seconds between two changes
LIFE = 2  # how many pods come before one goes
KILL_AFTER = 12.0  # seconds; sooner in a short demo
DOWN_FOR = 2.0  # seconds that nobody listens, and then the server has to start
INTERRUPTED = 130
ENDS = (signal.SIGINT, signal.SIGTERM)
LEASH = ROOT / "tests" / "e2e" / "harness" / "leash.py"  # nothing outlives a demo that is killed


def main() -> int:
    """Run the demo and return an exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.demo", description=__doc__)
    parser.add_argument("--seconds", type=float, metavar="N", help="how long to run")
    seconds: float | None = parser.parse_args().seconds
    if seconds is None and not sys.stdout.isatty():
        seconds = 60.0
    try:
        with prepared_control_plane(find_binaries()) as plane:
            return anyio.run(show, plane, seconds)
    except (NoServerError, ServerFailedError) as error:
        say(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    return 1


async def show(plane: ControlPlane, seconds: float | None) -> int:
    """Start everything, look on for so many seconds (None: until Ctrl-C), return a status."""
    say("starting etcd and kube-apiserver ...")
    await plane.start()
    await plane.call("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    kill_after = min(KILL_AFTER, seconds / 3) if seconds else KILL_AFTER
    say(f"pods of namespace {NAMESPACE} come, change and go from now on;")
    say(f"in {kill_after:.0f} s the API server is killed (SIGKILL), {DOWN_FOR:.0f} s later started")
    if seconds is None:
        say("Ctrl-C ends it; meanwhile, in another terminal, there is more to watch:")
        say(f"watchkit watch deployments -A --kubeconfig {plane.kubeconfig}")

    async with watching(plane) as process, anyio.create_task_group() as tasks:
        tasks.start_soon(churn, plane)
        tasks.start_soon(kill_and_restart, plane, kill_after)
        with anyio.move_on_after(seconds), anyio.open_signal_receiver(*ENDS) as signals:
            tasks.start_soon(end_with, process, tasks.cancel_scope)
            await anext(signals)
        tasks.cancel_scope.cancel()
    return ended(process)


@asynccontextmanager
async def watching(plane: ControlPlane) -> AsyncIterator[Process]:
    """Run `watchkit watch` on this terminal or pipe; ended as by Ctrl-C with the block.

    In a session of its own a Ctrl-C does not reach it: it comes once, from here.
    """
    command = [sys.executable, "-I", "-S", str(LEASH), str(os.getpid())]
    command += [sys.executable, "-m", "watchkit", "watch", "pods", "-n", NAMESPACE, "-o", "table"]
    command += ["--kubeconfig", str(plane.kubeconfig)]
    async with await anyio.open_process(
        command, stdin=None, stdout=None, stderr=None, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            with anyio.move_on_after(10, shield=True) as waiting:
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGINT)
                await process.wait()
            if waiting.cancelled_caught:
                process.kill()


async def end_with(process: Process, scope: anyio.CancelScope) -> None:
    """End the demo when the watch has ended."""
    await process.wait()
    scope.cancel()


def ended(process: Process) -> int:
    """Return 0 where the watch went on to the end; say so where it did not."""
    if process.returncode == INTERRUPTED:
        say("that was it: the watch went on to the end")
        return 0
    if process.returncode == 0:  # whoever read its output has gone
        return 0
    say(f"the watch ended by itself, with status {process.returncode}")
    return 1


async def churn(plane: ControlPlane) -> None:
    """Create, change and delete pods and deployments for ever; an outage is waited out."""
    for method, path, body in changes():
        while not await done(plane, method, path, body):
            pass


async def done(plane: ControlPlane, method: str, path: str, body: JsonObject | None) -> bool:
    """Send a change after a beat; False where the server is away. A refusal is an answer, too."""
    await anyio.sleep(BEAT)
    try:
        await plane.call(method, path, body, content_type=CONTENT[method])
    except RefusedError:
        return True
    except OSError:
        return False
    return True


CONTENT = {"POST": "application/json", "PATCH": MERGE, "DELETE": "application/json"}


def changes() -> Iterator[tuple[str, str, JsonObject | None]]:
    """Give request after request: a few pods that stay, many that come and go."""
    for number in range(3):
        yield "POST", PODS, pod(f"web-{number}")
        yield "PATCH", f"{PODS}/web-{number}/status", READY
    yield "POST", DEPLOYMENTS, deployment("web")
    lasting = cycle(range(3))
    for number in count():
        name = f"job-{number}"
        yield "POST", PODS, pod(name)
        yield "PATCH", f"{PODS}/{name}/status", READY
        flip = UNREADY if number % 2 else READY
        yield "PATCH", f"{PODS}/web-{next(lasting)}/status", flip
        yield "PATCH", f"{DEPLOYMENTS}/web", {"spec": {"replicas": 1 + number % 5}}
        if number >= LIFE:
            old = f"{PODS}/job-{number - LIFE}"
            yield "PATCH", f"{old}/status", {"status": {"phase": "Succeeded"}}
            yield "DELETE", f"{old}?gracePeriodSeconds=0", None


def pod(name: str) -> JsonObject:
    """Return the manifest of a pod that no node will ever run."""
    containers = [{"name": "main", "image": "registry.invalid/main"}]
    return {
        "metadata": {"name": name, "labels": {"app": name.partition("-")[0]}},
        "spec": {"containers": containers},
    }


def deployment(name: str) -> JsonObject:
    """Return the manifest of a deployment that nobody acts on."""
    template = {"metadata": {"labels": {"app": name}}, "spec": pod(name)["spec"]}
    selector = {"matchLabels": {"app": name}}
    return {
        "metadata": {"name": name},
        "spec": {"replicas": 1, "selector": selector, "template": template},
    }


def status(phase: str, ready: str) -> JsonObject:
    """Return a patch as a kubelet would send it; there is none here."""
    return {"status": {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]}}


READY = status("Running", "True")
UNREADY = status("Running", "False")


async def kill_and_restart(plane: ControlPlane, after: float) -> None:
    """Kill the API server, once, and start it again."""
    await anyio.sleep(after)
    plane.kill("apiserver")
    await anyio.sleep(DOWN_FOR)
    try:
        await plane.restart("apiserver")
    except ServerFailedError as error:
        say(str(error))


def say(what: str) -> None:
    """Write a line to stderr."""
    print(f"demo: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

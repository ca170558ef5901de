"""One run of `watchkit watch`: finds the cluster and the resource, then shows what comes."""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import anyio
from kubernetes_asyncio.client import ApiClient

from watchkit.api.client import ClientConfig, connect
from watchkit.api.discovery import ApiResource, Discovery, discover
from watchkit.api.listwatch import ListWatch
from watchkit.cli.context import own_namespace
from watchkit.cli.listening import listen
from watchkit.cli.live import LiveTable
from watchkit.cli.names import UnknownResource, resolve
from watchkit.cli.narration import Narrator
from watchkit.cli.output import Form, Output, drop_unread, line_output
from watchkit.cli.starting import CannotStart, Starting
from watchkit.core.errors import TransportError, Unauthorized, WatchkitError
from watchkit.core.options import ListOptions
from watchkit.watching.retry_watcher import RetryWatcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to watch and how to show it; `namespace` None is the context's own."""

    resource: str
    namespace: str | None
    all_namespaces: bool
    options: ListOptions
    replay_existing: bool
    form: Form
    kubeconfig: str | None
    context: str | None


async def run(plan: Plan) -> int:
    """Watch until a signal, the end of the reader or an error; give the exit status.

    Raises:
        CannotStart: there is nothing to watch; the text is one line for a person.
        WatchkitError: the watch failed for good, having begun.

    """
    ending = _Ending()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ending.after, tasks.cancel_scope, _signalled)
        tasks.start_soon(ending.after, tasks.cancel_scope, _reader_gone)
        try:
            await _watch(plan)
        except BrokenPipeError:
            drop_unread()
        except (CannotStart, WatchkitError) as error:
            ending.error = error  # raised out of the group it would come in a group itself
        tasks.cancel_scope.cancel()
    if ending.error is not None:
        raise ending.error
    return ending.status


class _Ending:
    """How a run ends: whichever comes first says so."""

    def __init__(self) -> None:
        self.status = 0
        self.error: CannotStart | WatchkitError | None = None

    async def after(self, scope: anyio.CancelScope, waiting: Callable[[], Awaitable[int]]) -> None:
        """End the run once `waiting` is over, with the status that it gives."""
        self.status = await waiting()
        scope.cancel()


async def _signalled() -> int:
    """Wait to be told to end: the terminal is left as it was found. Ctrl-C ends asyncio's run."""
    if sys.platform == "win32":
        await anyio.sleep_forever()
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGHUP) as signals:
        async for number in signals:
            return 128 + number
    return 0


async def _reader_gone() -> int:
    """Wait until nobody reads stdout any more, where that is a pipe: the next event may be far."""
    try:
        descriptor = sys.stdout.fileno()
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            # Nothing can be read from this end; it wakes when the other one is closed.
            await anyio.wait_readable(descriptor)
            return 0
    except (OSError, ValueError, NotImplementedError):
        pass  # no file, or no way to wait for it: writing will tell
    await anyio.sleep_forever()
    return 0


async def _watch(plan: Plan) -> None:
    config = ClientConfig(kubeconfig=plan.kubeconfig, context=plan.context)
    begun = False
    try:
        async with connect(config) as api:
            resource = resolve(plan.resource, await _discovered(api))
            namespace = await _namespace(plan, resource)
            source = Starting(
                ListWatch.for_resource(
                    api, resource.api_version, resource.plural, namespace=namespace
                )
            )
            try:
                await _show(plan, resource, source)
            finally:
                begun = source.has_begun
    except UnknownResource as error:
        raise CannotStart(str(error)) from None
    except WatchkitError as error:
        if begun:
            raise
        lost = "the cluster does not answer: " if isinstance(error, TransportError) else ""
        raise CannotStart(f"{lost}{error}") from None


async def _discovered(api: ApiClient) -> Discovery:
    try:
        return await discover(api)
    except Unauthorized:
        return await discover(api)  # with fresh credentials, where there are such


async def _namespace(plan: Plan, resource: ApiResource) -> str | None:
    if plan.all_namespaces or not resource.namespaced:
        return None
    if plan.namespace is not None:
        return plan.namespace
    return await anyio.to_thread.run_sync(own_namespace, plan.kubeconfig, plan.context)


async def _show(plan: Plan, resource: ApiResource, source: Starting) -> None:
    what = f"{source.resource} in {source.namespace}" if source.namespace else source.resource
    narrator = Narrator(what)
    output: Output

    def hear(event: Mapping[str, object]) -> None:
        news = narrator.tell(event, anyio.current_time())
        if news is not None:
            output.say(news)

    listen(hear)
    async with RetryWatcher(source, plan.options, replay_existing=plan.replay_existing) as watcher:
        with _output(plan, resource, what, watcher) as output:
            failure = await _follow(watcher, output)
    raise failure


async def _follow(watcher: RetryWatcher, output: Output) -> Exception:
    """Show events until that fails; what it failed with is given, or a group would hold it."""
    # Only aclose() ends it without an error, and nobody calls that.
    failure: Exception = WatchkitError(f"{watcher!r} ended")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(output.keep_alive)
        try:
            async for event in watcher:
                output.show(event)
        except (BrokenPipeError, CannotStart, WatchkitError) as error:
            failure = error
        tasks.cancel_scope.cancel()
    return failure


def _output(plan: Plan, resource: ApiResource, what: str, watcher: RetryWatcher) -> Output:
    if plan.form is Form.LIVE:
        return LiveTable(what, namespaced=resource.namespaced, state=lambda: _state(watcher))
    return line_output(plan.form, resource, with_namespace=plan.all_namespaces)


def _state(watcher: RetryWatcher) -> str:
    health = watcher.health
    at = f" from version {health.resource_version}" if health.resource_version else ""
    return health.state.value.replace("_", " ") + at

"""One run of `watchkit doctor`: one check after the other, each one's finding said at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import anyio
from kubernetes_asyncio.client import ApiClient

from watchkit.api.client import ClientConfig, connect
from watchkit.api.discovery import ApiResource, discover
from watchkit.api.listwatch import ListWatch
from watchkit.api.transport import CONNECT_TIMEOUT
from watchkit.cli import findings, probing, reviews
from watchkit.cli.findings import Finding, Identity, Mark
from watchkit.cli.listening import listen
from watchkit.cli.names import UnknownResource, resolve
from watchkit.cli.opening import Place, namespace_of
from watchkit.cli.report import Report
from watchkit.cli.rights import VERBS, grants
from watchkit.core.errors import IdleTimeout, Unauthorized, WatchkitError
from watchkit.core.source import ListerWatcher

T = TypeVar("T")

FAILED: Final = 1
NO_CLUSTER: Final = 2
"""The exit status where nothing answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to examine; `timeout`: seconds for all of it."""

    resource: str
    place: Place
    timeout: float


async def examine(plan: Plan, report: Report) -> int:
    """Make all checks and report them; give the exit status.

    Raises:
        BrokenPipeError: nobody reads the report any more.

    """
    listen(lambda _: None)
    examination = Examination(report, plan.timeout)
    config = ClientConfig(
        kubeconfig=plan.place.kubeconfig,
        context=plan.place.context,
        connect_timeout=min(plan.timeout, CONNECT_TIMEOUT),
        exec_timeout=plan.timeout,
    )
    try:
        async with connect(config) as api:
            await _of_cluster(examination, plan, api)
    except WatchkitError as error:  # there is no client to be had: the checks raise nothing
        examination.find(findings.of_server(error, ""))
    report.end(examination.findings, examination.grants)
    return examination.status


class Examination:
    """What was found so far, and what time is left to find more."""

    def __init__(self, report: Report, timeout: float) -> None:
        self.findings: list[Finding] = []
        self.grants: list[dict[str, object]] = []
        self._report = report
        self._timeout = timeout
        self._deadline = anyio.current_time() + timeout

    @property
    def status(self) -> int:
        """The exit status that the findings amount to."""
        failed = [each.check for each in self.findings if each.mark is Mark.FAILED]
        if "server" in failed:
            return NO_CLUSTER
        return FAILED if failed else 0

    @property
    def left(self) -> float:
        """Seconds that are left; never quite none, as that is no bound for a request."""
        return max(0.1, self._deadline - anyio.current_time())

    def find(self, finding: Finding) -> bool:
        """Take a finding and say it; False where it is a failure."""
        self.findings.append(finding)
        self._report.find(finding)
        return finding.mark is not Mark.FAILED

    def skip(self, *checks: str, why: str) -> None:
        """Say of checks that they are not made."""
        for check in checks:
            self.find(findings.skipped(check, why))

    async def attempt(self, ask: Callable[[], Awaitable[T]]) -> T | WatchkitError:
        """Ask, once more with fresh credentials after a 401; give what came, or the error.

        Where the time is up, that is an `IdleTimeout`.
        """
        with anyio.CancelScope(deadline=self._deadline):
            try:
                try:
                    return await ask()
                except Unauthorized:
                    return await ask()
            except WatchkitError as error:
                return error
        return IdleTimeout(f"the {self._timeout:g} s for all checks are over (--timeout)")


async def _of_cluster(examination: Examination, plan: Plan, api: ApiClient) -> None:
    attempt, find = examination.attempt, examination.find
    seen = await attempt(partial(reviews.greeting, api, idle_timeout=examination.left))
    if not find(findings.of_server(seen, str(api.configuration.host))):
        return
    find(findings.of_clock(seen))
    identity: Identity | WatchkitError
    if isinstance(seen, Unauthorized):
        identity = seen  # whatever is asked now, that is the answer
    else:
        identity = await attempt(partial(reviews.identity, api))
    if not find(findings.of_identity(identity)):
        return
    resource = await attempt(partial(_resource, api, plan.resource, examination.left))
    if not find(findings.of_resource(resource)) or not isinstance(resource, ApiResource):
        return
    namespace = await namespace_of(plan.place, resource)
    known = identity if isinstance(identity, Identity) else None
    examination.grants = grants(resource, namespace, known)
    source = ListWatch.for_resource(api, resource.api_version, resource.plural, namespace=namespace)
    what = f"{source.resource} in {namespace}" if namespace else source.resource
    said = {
        verb: await attempt(partial(reviews.allowed, api, resource, namespace, verb))
        for verb in VERBS
    }
    find(findings.of_rights(said, what))
    await of_source(examination, source, what)


async def of_source(examination: Examination, source: ListerWatcher, what: str) -> None:
    """Try what watching takes: a list, a watch with its bookmark, and a streaming list."""
    attempt, find = examination.attempt, examination.find
    version = await attempt(partial(probing.newest, source, idle_timeout=examination.left))
    if not find(findings.of_list(version, what)) or isinstance(version, WatchkitError):
        examination.skip("versions", "watch", "bookmarks", "streaming", why="there was no list")
        return
    find(findings.of_versions(version))
    begin = partial(probing.opened_watch, source, version, idle_timeout=examination.left)
    stream = await attempt(begin)
    error = stream if isinstance(stream, WatchkitError) else None
    if not find(findings.of_watch(error, what)):
        examination.skip("bookmarks", "streaming", why="there was no watch")
        return
    if isinstance(stream, WatchkitError):
        find(findings.of_bookmarks(stream))
    else:
        try:
            find(findings.of_bookmarks(await attempt(partial(probing.to_the_end, stream))))
        finally:
            stream.close()
    begin_list = partial(probing.streams, source, idle_timeout=examination.left)
    find(findings.of_stream(await attempt(begin_list)))


async def _resource(
    api: ApiClient, wanted: str, idle_timeout: float
) -> ApiResource | UnknownResource:
    discovery = await discover(api, idle_timeout=idle_timeout)
    try:
        return resolve(wanted, discovery)
    except UnknownResource as unknown:
        return unknown

"""Makes what is there be what the Websites ask for; whatever happened, the same function does."""

import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from kubernetes_asyncio.client import (
    ApiClient,
    ApiException,
    AppsV1Api,
    CoreV1Api,
    CustomObjectsApi,
    V1DeleteOptions,
    V1Preconditions,
)

from watchkit import (
    ListWatch,
    Object,
    SharedInformer,
    WatchkitError,
    is_already_exists,
    is_conflict,
    is_not_found,
    is_retryable,
)
from watchkit.controllers import (
    EventRecorder,
    Request,
    Result,
    ensure_finalizer,
    remove_finalizer,
)

from .resources import (
    API_VERSION,
    CONTROLLER,
    FINALIZER,
    GROUP,
    MANAGED,
    PLURAL,
    VERSION,
    Json,
    State,
    deployment_of,
    is_owned,
    laid_over,
    service_of,
    state_of,
    status_of,
)

SEEN_WITHIN: Final = 10.0  # seconds for the cache to show what was written
AGAIN: Final = 1.0  # seconds after a conflict; what somebody else wrote is mostly told before
LOOK_AGAIN: Final = 30.0  # seconds between looks at what is slow to go; its end is told, too

log = structlog.get_logger("website")

Call = Callable[..., Awaitable[Any]]


class NameTakenError(Exception):
    """What a website needs is there under its name, but is somebody else's."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name} is there, but is not this website's")


@dataclass(frozen=True)
class Child:
    """One kind of thing that a website has: how it should be, where it is cached, its calls."""

    kind: str
    wanted: Callable[[Object], Json]
    cache: SharedInformer
    read: Call
    create: Call
    replace: Call
    patch: Call
    delete: Call

    async def find(self, site: Object) -> Any | None:  # noqa: ANN401 - a model, untyped there
        """Read it from the server itself, None where it is not there."""
        try:
            return await self.read(site.name, site.namespace)
        except ApiException as error:
            if is_not_found(error):
                return None
            raise


def children(
    api: ApiClient, deployments: SharedInformer, services: SharedInformer
) -> Sequence[Child]:
    """Give all that a website has, in the order in which it is made."""
    apps, core = AppsV1Api(api), CoreV1Api(api)
    return (
        Child(
            "Deployment",
            deployment_of,
            deployments,
            read=apps.read_namespaced_deployment,
            create=apps.create_namespaced_deployment,
            replace=apps.replace_namespaced_deployment,
            patch=apps.patch_namespaced_deployment,
            delete=apps.delete_namespaced_deployment,
        ),
        Child(
            "Service",
            service_of,
            services,
            read=core.read_namespaced_service,
            create=core.create_namespaced_service,
            replace=core.replace_namespaced_service,
            patch=core.patch_namespaced_service,
            delete=core.delete_namespaced_service,
        ),
    )


class Websites:
    """The reconciler. Every write carries the version that it read, so that none undoes another's.

    That is what protects a new leader from the last write of an old one, too.
    """

    def __init__(
        self,
        api: ApiClient,
        websites: SharedInformer,
        deployments: SharedInformer,
        services: SharedInformer,
        recorder: EventRecorder,
    ) -> None:
        self._cache = websites
        self._source = ListWatch.for_resource(api, API_VERSION, PLURAL)
        self._custom = CustomObjectsApi(api)
        self._deployments = deployments
        self._children = children(api, deployments, services)
        self._recorder = recorder

    async def reconcile(self, request: Request) -> Result | None:
        """Make one website be as it should be."""
        site = self._cache.store.get(request)
        if site is None:
            return None  # it has gone, and the finalizer has seen to what it had
        try:
            if site.deletion_timestamp is not None:
                return await self._end(site)
            await self._make(site)
        except (ApiException, WatchkitError) as error:
            if not is_conflict(error):
                raise
            log.info("website.conflict")
            return Result(requeue_after=AGAIN)
        return None

    async def _make(self, site: Object) -> None:
        site = await ensure_finalizer(self._source, site, FINALIZER)
        try:
            for child in self._children:
                await self._ensure(child, site)
        except (ApiException, NameTakenError) as error:
            # What time may heal is nothing that the website's owner could see to.
            if not is_retryable(error) and not is_conflict(error):
                self._recorder.event(site, "Warning", "Failed", said(error))
                await self._tell(site, State(ready=False, reason="Failed", message=said(error)))
            raise
        deployment = self._deployments.store.get(site.key)
        if deployment is not None:
            await self._tell(site, state_of(site, deployment))

    async def _ensure(self, child: Child, site: Object) -> None:
        """See that a child is there, is the website's, and is as it should be."""
        wanted = child.wanted(site)
        there = child.cache.store.get(site.key)
        if there is None:
            await self._create(child, site, wanted)
            return
        if not is_owned(there.owner_references, site):
            raise NameTakenError(child.kind, site.name)
        before = there.to_dict()
        after = laid_over(before, wanted)
        if after != before:
            # It names the version that was read, and is refused where that is an old one.
            name = (site.name, site.namespace)
            changed = await child.replace(*name, after, field_manager=CONTROLLER)
            await self._seen(child, site, changed, "Updated")

    async def _create(self, child: Child, site: Object, wanted: Json) -> None:
        try:
            made = await child.create(site.namespace, wanted, field_manager=CONTROLLER)
        except ApiException as error:
            if not is_already_exists(error):
                raise
            await self._take_back(child, site)
            return
        await self._seen(child, site, made, "Created")

    async def _take_back(self, child: Child, site: Object) -> None:
        """See that the cache shows a child: it was late, or somebody took the child's label off."""
        found = await child.find(site)
        if found is None:
            return  # gone meanwhile: its end is told, or the website's next look finds it missing
        if not is_owned(found.metadata.owner_references, site):
            raise NameTakenError(child.kind, site.name)
        version = found.metadata.resource_version
        labelled = await child.patch(
            site.name,
            site.namespace,
            {"metadata": {"labels": MANAGED, "resourceVersion": version}},
            field_manager=CONTROLLER,
            _content_type="application/merge-patch+json",
        )
        await child.cache.wait_for_version(labelled, timeout=SEEN_WITHIN)

    async def _seen(self, child: Child, site: Object, written: object, what: str) -> None:
        """Tell of a write, and wait until the cache shows it: the next look is to know of it."""
        log.info("website.written", what=what, kind=child.kind)
        self._recorder.event(site, "Normal", what, f"{what} {child.kind} {site.name}")
        await child.cache.wait_for_version(written, timeout=SEEN_WITHIN)

    async def _tell(self, site: Object, state: State) -> Object:
        """Say in the status how it is, unless it says so already."""
        deployment = self._deployments.store.get(site.key)
        status = status_of(site, state, deployment, datetime.now(UTC))
        if status == site.get("status"):
            return site
        written = Object(
            await self._custom.replace_namespaced_custom_object_status(
                GROUP,
                VERSION,
                str(site.namespace),
                PLURAL,
                site.name,
                {**site.to_dict(), "status": status},
                field_manager=CONTROLLER,
            )
        )
        await self._cache.wait_for_version(written, timeout=SEEN_WITHIN)
        return written

    async def _end(self, site: Object) -> Result | None:
        """Delete what the website has; let it go when all of that has gone."""
        if FINALIZER not in site.finalizers:
            return None  # others hold it
        left = [child.kind for child in self._children if await self._is_left(child, site)]
        if left:
            message = f"waiting until {' and '.join(left)} are gone"
            await self._tell(site, State(ready=False, reason="Terminating", message=message))
            return Result(requeue_after=LOOK_AGAIN)
        last = await remove_finalizer(self._source, site, FINALIZER)
        log.info("website.ended")
        await self._cache.wait_for_version(last, timeout=SEEN_WITHIN)
        return None

    async def _is_left(self, child: Child, site: Object) -> bool:
        """Have a child deleted; whether it is there still.

        It is asked for at the server: what a cache does not show yet would be left for ever.
        """
        found = await child.find(site)
        if found is None or not is_owned(found.metadata.owner_references, site):
            return False
        if found.metadata.deletion_timestamp is None:
            this = V1Preconditions(
                uid=found.metadata.uid, resource_version=found.metadata.resource_version
            )
            options = V1DeleteOptions(preconditions=this, propagation_policy="Background")
            await child.delete(site.name, site.namespace, body=options)
            log.info("website.written", what="Deleted", kind=child.kind)
        return await child.find(site) is not None


def said(error: Exception) -> str:
    """Give what the server said, of an ApiException, whose own text holds headers and all."""
    with suppress(ValueError, TypeError, KeyError):
        return str(json.loads(getattr(error, "body", ""))["message"])
    return str(error)

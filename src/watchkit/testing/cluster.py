"""FakeCluster: an API server's state and manners in memory, told to misbehave on cue."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import datetime
from typing import cast

from kubernetes_asyncio.client import ApiClient

from watchkit.core.classify import status_error
from watchkit.core.source import ListerWatcher
from watchkit.testing import bodies, patches, writes
from watchkit.testing.bodies import Refusal
from watchkit.testing.client import connected
from watchkit.testing.fault import Fault, On
from watchkit.testing.front import Front
from watchkit.testing.injections import Injection
from watchkit.testing.log import Kept, Manifest, View
from watchkit.testing.requests import ApiRequest
from watchkit.testing.resources import Resource, Scale
from watchkit.testing.selection import Selection
from watchkit.testing.source import FakeSource
from watchkit.testing.state import State


class FakeCluster:
    """A Kubernetes API server without the server: pure state, synchronous, deterministic.

    Manifests are plain dicts, copied on their way in and out. Writes raise the `ApiError` that
    a real server's answer would become (`AlreadyExists`, `Conflict`, `NotFound`, ...). They are
    the hand of a test, which may do what no client can: its writes reach the status too. What
    clients of `connect()` and of a `FakeApiServer` write obeys the subresources.
    Versions count up from just under 100, one for each change of anything; uids, timestamps and
    generated names are the same in every run. `clock` gives the time for timestamps where the
    default, one second a version, will not do.

    `requests` holds every request that came through `source()`, `connect()` or a
    `FakeApiServer`; those about the server itself (discovery, health) have "" as their resource.
    """

    def __init__(self, *, clock: Callable[[], datetime] | None = None) -> None:
        self._state = State(clock)
        self._front = Front(self._state)

    def __repr__(self) -> str:
        return (
            f"<FakeCluster at={self.version} requests={len(self.requests)}"
            f" watches={self.open_watches}>"
        )

    @property
    def version(self) -> int:
        """The version of the last change."""
        return self._state.version

    @property
    def front(self) -> Front:
        """What answers requests: for faces of the cluster, such as `FakeApiServer`."""
        return self._front

    @property
    def requests(self) -> list[ApiRequest]:
        """Every request that came, oldest first; yours to clear."""
        return self._front.requests

    @property
    def open_watches(self) -> int:
        """How many watches are open now."""
        return len(self._front.open())

    def add_resource(
        self,
        api_version: str,
        plural: str,
        kind: str,
        namespaced: bool = True,  # noqa: FBT001, FBT002 - reads like a CRD's scope
        *,
        fields: tuple[str, ...] = (),
        status: bool = True,
        scale: tuple[str, str] | None = None,
        short_names: tuple[str, ...] = (),
    ) -> None:
        """Serve a custom resource, as a CustomResourceDefinition makes a real server do.

        `fields` are its selectable fields, as dotted paths. `status`: it has that subresource,
        and clients write the status only there. `scale`: where that subresource finds the wanted
        and the actual replicas (".spec.size", ".status.size").
        """
        added = Resource(
            api_version,
            plural,
            kind,
            namespaced=namespaced,
            fields=fields,
            custom=True,
            short_names=short_names,
            status=status,
            scale=None if scale is None else Scale(*scale),
            counts=True,
            guarded=True,
        )
        before = self._state.catalogue.named(api_version, plural)
        self._front.serve(added, None if before == added else before)

    def remove_resource(self, api_version: str, plural: str) -> None:
        """Serve a resource no longer, as after its CRD is deleted: objects go, watches end."""
        with _saying("remove"):
            resource = self._resource(api_version, plural)
        self._front.remove(resource)

    def create(self, manifest: Manifest) -> Manifest:
        """Create an object; its namespace need not exist ("default" where it names none).

        Raises:
            AlreadyExists: the name is taken.
            InvalidRequest: the name is none.
            NotFound: the kind is not served.

        """
        with _saying("create"):
            return self._state.create(self._of_kind(manifest), manifest).copy()

    def update(self, manifest: Manifest) -> Manifest:
        """Replace an object; with a resourceVersion in it, only that version of it.

        Raises:
            Conflict: the object has another version by now.
            NotFound: there is no such object.

        """
        with _saying("update"):
            resource = self._of_kind(manifest)
            metadata: Manifest = manifest.get("metadata") or {}
            key = resource.key(metadata.get("namespace") or "default", metadata.get("name", ""))
            before = self._state.find(resource, key)
            writes.check_uid(before, manifest)
            return self._state.update(before, manifest).copy()

    def patch(
        self, api_version: str, plural: str, key: str, patch: Manifest | Sequence[Manifest]
    ) -> Manifest:
        """Patch the object under "ns/name" (or "name").

        A mapping is a merge patch (RFC 7386), a sequence a JSON patch (RFC 6902).

        Raises:
            Conflict: the patch names another version.
            InvalidRequest: a JSON patch that does not apply.
            NotFound: there is no such object.

        """
        media, body = patches.MERGE, cast("object", patch)
        if not isinstance(patch, Mapping):
            media, body = patches.JSON_PATCH, list(patch)
        with _saying("patch"):
            before = self._find(api_version, plural, key)
            wanted = patches.patched(before, media, body)
            patches.check_identity(before, wanted)
            return self._state.update(before, wanted).copy()

    def delete(self, api_version: str, plural: str, key: str) -> Manifest:
        """Delete an object and give its last state; with finalizers it is only marked.

        A pod goes at once, as if its kubelet had ended it.

        Raises:
            NotFound: there is no such object.

        """
        with _saying("delete"):
            return self._state.delete(self._find(api_version, plural, key)).copy()

    def get(self, api_version: str, plural: str, key: str) -> Manifest:
        """Get an object.

        Raises:
            NotFound: there is no such object.

        """
        with _saying("get"):
            return self._find(api_version, plural, key).copy()

    def list(
        self,
        api_version: str,
        plural: str,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
    ) -> list[Manifest]:
        """List objects by key; selectors as the API writes them."""
        query = {"labelSelector": labels, "fieldSelector": fields}
        with _saying("list"):
            resource = self._resource(api_version, plural)
            selection = Selection.of(ApiRequest("list", plural, namespace, query), resource)
        objects = self._state.log(resource).objects
        return [objects[key].copy() for key in sorted(objects) if selection.matches(objects[key])]

    def compact(self, version: int | None = None) -> None:
        """Forget history up to `version` (None: up to now): what needs it is answered 410.

        Watches that are open go on, as with the real server's cache. What is forgotten already
        is forgotten: nothing happens.

        Raises:
            ValueError: more is forgotten already, or the version is in the future. etcd does
                neither.

        """
        self._front.compact(version)

    def restore(self, version: int) -> None:
        """Go back to an earlier version, the counter too, as after a backup's return.

        Resources are served as they were at that version: one that was added or defined later
        is served no longer, one that was removed later is back with its objects. Open watches
        are cut: the server was restarted. uids are never given out twice.

        Raises:
            ValueError: the version is compacted away, or in the future.

        """
        self._front.restore(version)

    def inject(
        self,
        fault: Fault,
        *,
        on: On | None = None,
        times: int | None = 1,
        when: Callable[[ApiRequest], bool] = lambda _: True,
    ) -> Injection:
        """Let a fault strike the next `times` requests that it fits (None: all from now on).

        `on` is a verb, "write", "any" (discovery and health too), or "open" (the watches open
        now, at once); None leaves it to the fault, and discovery alone. Counted faults strike one
        a request, in the order of their injection; standing ones (`times=None`) strike every
        request, besides.

        Raises:
            ValueError: it could never strike: an `on` that there is not, or on which the fault can
                do nothing.

        """
        injection = Injection.of(fault, on, times, when)
        if injection.on == "open":
            self._front.strike_open(injection)
        else:
            self._front.injections.add(injection)
        return injection

    def heal(self) -> None:
        """Take back every fault that still waits."""
        self._front.injections.clear()

    def source(
        self, api_version: str, plural: str, namespace: str | None = None, *, view: View = "full"
    ) -> ListerWatcher:
        """One resource as a `ListerWatcher`: no sockets, asyncio and trio, virtual time.

        `view="metadata"` asks for PartialObjectMetadata. A resource that is not served (yet) is
        a source too, answered 404. Write to the cluster on the loop that watches it.
        """
        found = self._state.catalogue.named(api_version, plural)
        resource = found or Resource(api_version, plural, "", namespaced=namespace is not None)
        return FakeSource(self._front, resource, namespace, view)

    def connect(self) -> AbstractAsyncContextManager[ApiClient]:
        """Open a kubernetes_asyncio ApiClient that is answered in memory, HTTP and all.

        `async with cluster.connect() as api:` No sockets, so it works in virtual time; asyncio
        only, as kubernetes_asyncio. Everything that takes an ApiClient takes this one: generated
        and dynamic APIs, `ListWatch`, `RetryingTransport`. Leaving the block ends its watches.
        """
        return connected(self._front)

    def _resource(self, api_version: str, plural: str) -> Resource:
        found = self._state.catalogue.named(api_version, plural)
        if found is None:
            raise Refusal(bodies.not_served(group_known=False))
        return found

    def _of_kind(self, manifest: Manifest) -> Resource:
        version, kind = str(manifest.get("apiVersion")), str(manifest.get("kind"))
        found = self._state.catalogue.of_kind(version, kind)
        if found is None:
            raise Refusal(bodies.not_served(group_known=False))
        return found

    def _find(self, api_version: str, plural: str, key: str) -> Kept:
        return self._state.find(self._resource(api_version, plural), key)


@contextmanager
def _saying(verb: str) -> Generator[None]:
    """A refusal becomes the error that a client would make of it."""
    try:
        yield
    except Refusal as no:
        reply = no.reply
        raise status_error(
            reply.body, reply.status, retry_after=reply.retry_after, doing=verb
        ) from None

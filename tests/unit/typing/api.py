"""What users may write: it must check clean, and each value must have the type it says.

Checked by mypy --strict and pyright (`nox -s types`), never run.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, assert_type

import msgspec
from anyio.streams.memory import MemoryObjectReceiveStream
from kubernetes_asyncio.client import ApiClient, CoreV1Api, V1Pod

from watchkit import (
    Added,
    AmbiguousWrite,
    ApiError,
    Backoff,
    Bookmark,
    Change,
    CircuitBreaker,
    CircuitOpen,
    ConditionTimeout,
    Deleted,
    Event,
    Health,
    HealthState,
    LeadershipLost,
    ListerWatcher,
    ListOptions,
    ListWatch,
    Modified,
    Object,
    ObjectEvent,
    RateLimiter,
    Relisted,
    ResourceExpired,
    RetriesExhausted,
    RetryingTransport,
    RetryPolicy,
    RetryWatcher,
    SharedInformer,
    Store,
    Synced,
    TransportError,
    Verdict,
    classify,
    connect,
    is_not_found,
    retry_on_conflict,
    until,
    wait_for_dependency,
    watch,
)
from watchkit.conditions import all_of, any_of, is_deleted, is_ready, not_
from watchkit.controllers import (
    Controller,
    EventRecorder,
    FencingToken,
    HealthServer,
    ItemExponential,
    ItemFastSlow,
    LeaderElector,
    MaxOf,
    Request,
    Result,
    TokenBucket,
    WithMaxWait,
    WorkQueue,
    annotations_changed,
    enqueue_mapped,
    enqueue_object,
    enqueue_owner,
    ensure_finalizer,
    fencing_token,
    generation_changed,
    labels_changed,
    owner_reference,
    remove_finalizer,
    set_condition,
)
from watchkit.metrics import Metrics


class Pod(msgspec.Struct):
    """A model of the caller's own."""

    phase: str = ""


async def the_readme(api: ApiClient, save: Callable[[str], None]) -> None:
    """The program of the design, word for word but for what it does with a pod."""
    pods = ListWatch(CoreV1Api(api).list_namespaced_pod, "default")
    async with RetryWatcher(pods, ListOptions(label_selector="app=web")) as watcher:
        assert_type(watcher, RetryWatcher[Object])
        async for event in watcher:
            assert_type(event, Added[Object] | Modified[Object] | Deleted[Object])
            match event:
                case Added(pod) | Modified(pod):
                    assert_type(pod, Object)
                case Deleted():
                    assert_type(event.key, str)
            if event.resume_version:
                save(event.resume_version)


def defaults(watcher: RetryWatcher, event: Event, object_event: ObjectEvent) -> None:
    """Generic names without an argument are about `Object`."""
    assert_type(watcher, RetryWatcher[Object])
    assert_type(
        event,
        Added[Object] | Modified[Object] | Deleted[Object] | Relisted | Synced | Bookmark,
    )
    assert_type(object_event, Added[Object] | Modified[Object] | Deleted[Object])


async def models(source: ListerWatcher) -> None:
    """`model` infers what events are about; a Deleted may hold an Object all the same."""
    structs = RetryWatcher(source, model=Pod)
    theirs = RetryWatcher(source, {"limit": 5}, model=V1Pod)
    plain = RetryWatcher(source, model=None)
    assert_type(structs, RetryWatcher[Pod])
    assert_type(theirs, RetryWatcher[V1Pod])
    assert_type(plain, RetryWatcher[Object])
    async for event in structs:
        assert_type(event, Added[Pod] | Modified[Pod] | Deleted[Pod | Object])
        match event:
            case Added(pod) | Modified(pod):
                assert_type(pod, Pod)
            case Deleted(last):
                assert_type(last, Pod | Object)
        assert_type(event.meta.labels, dict[str, str])


async def markers(watcher: RetryWatcher[Pod]) -> None:
    """Each marker has its class, and each class its fields."""
    assert_type(watcher.with_markers(), AsyncIterator[Event[Pod]])
    async for event in watcher.with_markers():
        match event:
            case Relisted(version) | Synced(version) | Bookmark(version):
                assert_type(version, str)
            case Added() | Modified():
                assert_type(event.object, Pod)
            case Deleted():
                assert_type(event.object, Pod | Object)


def identity(event: ObjectEvent[Pod]) -> None:
    """Every event about an object says who and when, whatever the model."""
    assert_type(event.key, str)
    assert_type(event.name, str)
    assert_type(event.namespace, str | None)
    assert_type(event.uid, str)
    assert_type(event.resource_version, str)
    assert_type(event.resume_version, str | None)
    assert_type(event.initial, bool)
    assert_type(event.inferred, bool)


def default_classes(added: Added, modified: Modified, deleted: Deleted) -> None:
    """So are the events' own classes."""
    assert_type(added.object, Object)
    assert_type(modified.object, Object)
    assert_type(deleted.object, Object)


def narrower_events_are_events(added: Added[Pod], pods: Event[Pod]) -> Event[Pod | Object]:
    """Events are covariant: what takes events about anything takes events about pods."""
    anything: Event[object] = pods
    wider: Added[object] = added
    del anything, wider
    return pods


def options(source: ListerWatcher, plain: Mapping[str, object]) -> None:
    """Options, a dict of their names, or a mapping: all serve."""
    ListOptions(label_selector={"app": "web"}, field_selector="spec.nodeName=n1")
    ListOptions(resource_version="5", timeout_seconds=60, limit=10, allow_watch_bookmarks=True)
    ListOptions(
        resource_version_match="NotOlderThan",
        send_initial_events=True,
        shard_selector="x",
        extra={"newParam": "x", "other": 5, "flag": True},
    )
    RetryWatcher(source, {"label_selector": "app=web", "timeout_seconds": 60})
    RetryWatcher(source, plain)
    RetryWatcher(
        source,
        ListOptions(),
        replay_existing=True,
        on_expired="raise",
        backoff=Backoff(initial=1.0, factor=2.0, cap=10.0, jitter="equal"),
        idle_timeout=60.0,
    )


async def life(watcher: RetryWatcher[Pod]) -> None:
    """What a watcher says of itself."""
    assert_type(watcher.resource_version, str | None)
    assert_type(watcher.health, Health)
    assert_type(watcher.health.state, HealthState)
    assert_type(watcher.health.cause, Exception | None)
    assert_type(await anext(watcher), ObjectEvent[Pod])
    async with watcher as entered:
        assert_type(entered, RetryWatcher[Pod])
    await watcher.aclose()


async def sources(api: ApiClient) -> None:
    """Bound methods, names, and sources of one's own."""
    v1 = CoreV1Api(api)
    one: ListerWatcher = ListWatch(v1.list_namespaced_pod, "shop", metadata_only=True)
    two: ListerWatcher = ListWatch(v1.list_pod_for_all_namespaces, max_frame=2**20)
    three = ListWatch.for_resource(api, "apps/v1", "deployments", namespace="shop")
    assert_type(three, ListWatch)
    del one, two


async def as_with_kubernetes_asyncio(api: ApiClient) -> None:
    """`watch()` for those who come from Watch().stream: the same watcher."""
    v1 = CoreV1Api(api)
    plain = watch(v1.list_namespaced_pod, "shop", label_selector="app=web", timeout_seconds=60)
    pods = watch(v1.list_pod_for_all_namespaces, model=V1Pod, idle_timeout=60.0)
    assert_type(plain, RetryWatcher[Object])
    assert_type(pods, RetryWatcher[V1Pod])


async def waiting(source: ListerWatcher) -> None:
    """`until` gives the object, or None where the condition was that there is none."""
    assert_type(await until(source, is_ready, name="web", timeout=30), Object | None)
    await until(source, is_deleted, name="web", namespace="shop", options={"limit": 5})
    await until(source, all_of(is_ready, not_(any_of(is_deleted))), options=ListOptions())
    try:
        await until(source, lambda obj: obj is not None and obj.name == "web", timeout=1.5)
    except ConditionTimeout as error:
        assert_type(error.last, Object | None)
    except TimeoutError:
        pass


def objects(obj: Object) -> None:
    """What an Object has, each with its type."""
    assert_type(obj.name, str)
    assert_type(obj.namespace, str | None)
    assert_type(obj.labels, dict[str, str])
    assert_type(obj.finalizers, list[str])
    assert_type(obj.generation, int | None)
    assert_type(obj.raw, bytes)
    assert_type(obj.to(Pod), Pod)
    assert_type(obj.to(V1Pod), V1Pod)
    assert_type(obj.without("metadata.managedFields", "status"), Object)
    assert_type(sorted(obj), list[str])
    node: str = obj["spec"]["nodeName"]
    phase: str = obj.get("status", {}).get("phase", "Unknown")
    del node, phase


async def failures(watcher: RetryWatcher) -> str:
    """Errors have their fields; any error can be classified."""
    try:
        await anext(watcher)
    except ResourceExpired as error:
        assert_type(error.retry_after, float | None)
    except ApiError as error:
        assert_type(error.status, int)
        assert_type(error.details, Mapping[str, object])
    except OSError as error:
        assert_type(is_not_found(error), bool)
        assert_type(classify(error), Verdict)
    return repr(watcher)


async def connecting() -> None:
    """The client of kubernetes_asyncio, from the kubeconfig or the pod."""
    async with connect() as api:
        assert_type(api, ApiClient)


async def calls_that_survive(api: ApiClient, environ: Mapping[str, str]) -> None:
    """The transport takes the place of the client's own; what is called keeps its types."""
    policy = RetryPolicy.from_settings(max_retries="3", environ=environ, prefix="app_")
    api.rest_client = RetryingTransport(api.rest_client, policy)
    assert_type(RetryPolicy(attempts=3, backoff=Backoff(), deadline=9, statuses={503}), RetryPolicy)

    async def update() -> int:
        return 1

    async def say(attempt: int, error: Exception, delay: float) -> None:
        del attempt, error, delay

    assert_type(await retry_on_conflict(update, policy), int)
    assert_type(await retry_on_conflict(update), int)
    assert_type(await wait_for_dependency(update, policy, say), int)
    await wait_for_dependency(update, policy, on_waiting=lambda attempt, _e, _d: attempt)


async def limits(get: Callable[[str], Awaitable[Object]]) -> None:
    """What a breaker lets through keeps its type and its parameters."""
    limiter, breaker = RateLimiter(5, burst=10), CircuitBreaker(failure_rate=0.5, name="pods")
    await limiter.acquire()
    try:
        assert_type(await breaker.call(get, "web-0"), Object)
    except CircuitOpen as error:
        assert_type(error.until, float)
    except AmbiguousWrite as error:
        assert_type(error.cause, TransportError)
    except RetriesExhausted as error:
        assert_type(error.attempts, int)
        assert_type(error.cause, BaseException | None)


async def reconcile(shops: Store, pods: Store[V1Pod], request: Request) -> Result | None:
    """A reconcile looks its object up, and says when to look again."""
    assert_type(shops.get(request), Object | None)
    assert_type(pods.get(request), V1Pod | None)
    return Result(requeue_after=60) if request.namespace == "shop" else None


def shops_of(pod: V1Pod) -> list[Request]:
    """Ask for the shop of a pod."""
    return [Request("shop", str(pod))]


async def controllers(
    shops: SharedInformer, pods: SharedInformer[V1Pod], webhooks: MemoryObjectReceiveStream[str]
) -> None:
    """A controller watches informers of any model, and streams of anything."""
    controller = Controller(partial(reconcile, shops.store, pods.store), name="shop", workers=4)
    controller.watches(shops)
    controller.watches(shops, enqueue_object, predicates=[lambda change: change.name != "a"])
    controller.watches(pods, enqueue_owner("x.io/v1", "Shop"))
    controller.watches(pods, enqueue_mapped(shops_of), predicates=[is_running])
    controller.watches(webhooks, lambda name: [Request(None, name.upper())])
    controller.watches(pods, predicates=[(generation_changed | labels_changed) & is_running])
    pods.add_event_handler(on_delete=print, predicate=is_running & ~annotations_changed)
    await controller.run()
    assert_type(controller.statistics().running, int)
    assert_type(controller.queue, WorkQueue[Request])


async def in_a_pod(
    pods: SharedInformer[V1Pod], controller: Controller, elector: LeaderElector
) -> None:
    """What has health is added, what has metrics registered; checks are plain functions."""
    metrics = Metrics()
    metrics.register(WorkQueue[str](name="mail"))
    async with HealthServer("0.0.0.0", 8080, metrics=metrics) as health:  # noqa: S104 - in a pod
        health.add(pods, max_age=600)
        health.add(controller)
        health.add(elector)
        metrics.register(pods)
        metrics.register(controller)
        health.live("loop", lambda: True)
        health.ready("cache", lambda: len(pods.store) > 0 or "empty")
        assert_type(health.port, int)


def is_running(change: Change[V1Pod]) -> bool:
    """A predicate is a function of a change."""
    assert_type(change.object, V1Pod)
    return change.meta.deletion_timestamp is None


async def queues() -> None:
    """A queue is of keys of one type; its limiter may be of any."""
    limiter: MaxOf[str] = MaxOf(ItemExponential(1, 60), TokenBucket(5, 10))
    queue: WorkQueue[str] = WorkQueue(WithMaxWait(limiter, 30))
    queue.add("a", priority=-100)
    assert_type(queue.add_rate_limited("a"), float)
    assert_type(await queue.get(), str)
    async with queue.processing() as key:
        assert_type(key, str)
    assert_type(WorkQueue[Request](ItemFastSlow(1, 60, 3)).get_nowait(), Request)


async def elections(api: ApiClient, controller: Controller) -> None:
    """What runs under a lease gives what it gives."""
    elector = LeaderElector(api, "shop", namespace="x", identity="a", retry_period=1.5)

    async def main() -> int:
        token = fencing_token()
        assert_type(token, FencingToken | None)
        if token is not None:
            token.check()
        return 1

    try:
        assert_type(await elector.run(main), int)
        await elector.run(controller.run)
    except LeadershipLost as lost:
        assert_type(lost.cause, BaseException | None)
    assert_type(elector.is_leader, bool)
    assert_type(elector.token, FencingToken | None)
    assert_type(elector.statistics(), dict[str, int])


async def what_reconcilers_write(api: ApiClient, shop: Object) -> None:
    """Objects, their conditions, and what is said of them."""
    source = ListWatch.for_resource(api, "x.io/v1", "shops")
    shop = await ensure_finalizer(source, shop, "x.io/cleanup")
    assert_type(await remove_finalizer(source, shop, "x.io/cleanup"), Object)
    conditions: list[dict[str, Any]] = shop["status"]["conditions"]
    now = datetime.now(UTC)
    assert_type(set_condition(conditions, "Ready", "True", reason="Up", now=now), bool)
    assert_type(owner_reference(shop, controller=False), dict[str, Any])
    async with EventRecorder(api, "shops", buffer=10) as recorder:
        recorder.event(shop, "Normal", "Up", "all there", action="Start")
        assert_type(recorder.statistics(), dict[str, int])

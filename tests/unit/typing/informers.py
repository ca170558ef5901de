"""What users may write about informers: it must check clean, and the rest must not.

Checked by mypy --strict and pyright (`nox -s types`), never run. A line that has to be refused says
so in a comment: mypy and pyright both complain where there is nothing to refuse.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import assert_never, assert_type

import msgspec
from kubernetes_asyncio.client import ApiClient, CoreV1Api, V1Pod

from watchkit import (
    Added,
    Backoff,
    Change,
    Deleted,
    Handler,
    Health,
    HealthState,
    InformerFactory,
    ListerWatcher,
    ListOptions,
    ListWatch,
    Modified,
    Object,
    Registration,
    SharedInformer,
    Store,
    SyncTimeout,
    Updated,
    strip_managed_fields,
)


class Pod(msgspec.Struct):
    """A model of the caller's own."""

    phase: str = ""


class Request(msgspec.Struct, frozen=True):
    """What names an object."""

    key: str


async def the_design(
    api: ApiClient,
    welcome: Callable[[Object], None],
    compare: Callable[[Object, Object], Awaitable[None]],
    farewell: Callable[[Object], object],
) -> None:
    """The program of the design, word for word but for what it does with a pod."""
    pods = ListWatch(CoreV1Api(api).list_namespaced_pod, "default")
    async with SharedInformer(
        pods, indexers={"node": lambda pod: filter(None, [pod["spec"].get("nodeName")])}
    ) as informer:
        assert_type(informer, SharedInformer[Object])
        informer.add_event_handler(on_add=welcome, on_update=compare, on_delete=farewell)
        await informer.wait_for_sync(timeout=30)
        assert_type(informer.store.get("shop/web-0"), Object | None)
        assert_type(informer.store.by_index("node", "n1"), list[Object])
        assert_type(informer.store.list(namespace="shop", labels="app in (web)"), list[Object])
        async with informer.subscribe() as changes:
            async for change in changes:
                assert_type(change, Added[Object] | Updated[Object] | Deleted[Object])
                match change:
                    case Added(new):
                        assert_type(new, Object)
                    case Updated(old, new):
                        assert_type((old, new), tuple[Object, Object])
                    case Deleted(last):
                        assert_type(last, Object)
                    case _:
                        assert_never(change)


def models(source: ListerWatcher, both: list[ListerWatcher]) -> None:
    """`model` infers what the cache holds, and what its handlers and indexes are given."""
    assert_type(SharedInformer(source), SharedInformer[Object])
    assert_type(SharedInformer(source, model=None), SharedInformer[Object])
    assert_type(SharedInformer(both, {"limit": 5}, model=V1Pod), SharedInformer[V1Pod])
    structs = SharedInformer(source, ListOptions(), model=Pod, indexers={"phase": phases})
    assert_type(structs, SharedInformer[Pod])
    assert_type(structs.store, Store[Pod])
    assert_type(structs.add_event_handler(on_add=lambda pod: pod.phase), Registration[Pod])
    structs.add_indexers({"letters": lambda pod: set(pod.phase), "pair": lambda pod: [(pod, 1)]})
    structs.remove_indexer("letters")


def phases(pod: Pod) -> Iterable[str]:
    """Index by phase; a pod without one is not indexed."""
    return [pod.phase] if pod.phase else ()


def defaults(
    informer: SharedInformer, store: Store, registration: Registration, change: Change
) -> None:
    """Generic names without an argument are about `Object`."""
    assert_type(informer, SharedInformer[Object])
    assert_type(store, Store[Object])
    assert_type(registration, Registration[Object])
    assert_type(change, Added[Object] | Updated[Object] | Deleted[Object])


def stores(store: Store[Pod], change: Change[Pod], request: Request) -> None:
    """A mapping by key; an object is also had by name, or by what has a key."""
    mapping: Mapping[str, Pod] = store
    assert_type(store["shop/web"], Pod)
    assert_type(store.get("web", namespace="shop"), Pod | None)
    assert_type(store.get(request), Pod | None)
    assert_type(store.get(change), Pod | None)
    assert_type(store.get("shop/web", Pod()), Pod)
    assert_type(store.get("shop/web", 5), Pod | int)
    assert_type([*store.items()], list[tuple[str, Pod]])
    assert_type(store.list(fields={"metadata.name": "web"}), list[Pod])
    assert_type(store.keys_by_index("phase", "Running"), list[str])
    assert_type(store.resource_version, str | None)
    assert_type(store.undecodable, Mapping[str, Object])
    if (meta := store.meta("shop/web")) is not None:
        assert_type(meta.labels, dict[str, str])
    del mapping


class Welcoming(Handler[Pod]):
    """A handler: the methods that it wants, plain or async."""

    def on_add(self, new: Pod) -> None:
        """Plain."""
        assert_type(new, Pod)

    async def on_update(self, old: Pod, new: Pod) -> None:
        """An async one."""
        assert_type((old, new), tuple[Pod, Pod])

    async def on_change(self, change: Change[Pod]) -> None:
        """Any change, with all that it tells."""
        assert_type(change.object, Pod)
        assert_type(change.key, str)
        assert_type((change.initial, change.inferred, change.replayed), tuple[bool, bool, bool])


class OfAnything(Handler[object]):
    """A handler that serves informers of every model."""

    def on_delete(self, last: object) -> None:
        """Any object."""


def is_web(change: Change[object]) -> bool:
    """A predicate reads the metadata, so it serves every model."""
    return change.meta.labels.get("app") == "web" and not change.replayed


def enqueue_owners(change: Change[object]) -> Iterable[str]:
    """So does what makes keys of changes."""
    for owner in change.meta.owner_references:
        yield f"{change.namespace}/{owner.name}" if change.namespace else owner.name


async def handlers(informer: SharedInformer[Pod], plain: SharedInformer) -> None:
    """Functions or objects, plain or async, with all the words there are."""
    registration = informer.add_event_handler(
        Welcoming(),
        name="welcoming",
        predicate=is_web,
        delivery="every",
        buffer=10,
        concurrency=4,
        on_error="fail",
        replay=False,
    )
    assert_type(registration, Registration[Pod])
    assert_type(registration.name, str)
    await registration.wait_for_sync(timeout=5)
    assert_type(registration.statistics().queued, int)
    registration.remove()
    informer.add_event_handler(OfAnything())
    plain.add_event_handler(OfAnything())
    plain.add_event_handler(on_change=enqueue_owners)
    plain.add_event_handler(on_add=print, predicate=lambda change: change.object.name == "web")
    async with plain.subscribe(delivery="latest", buffer=5, predicate=is_web) as changes:
        assert_type(await anext(changes), Change[Object])


def narrower_changes_are_changes(pods: Change[Pod]) -> Change[object]:
    """Changes are covariant: what takes changes of anything takes changes of pods."""
    return pods


def settings(source: ListerWatcher) -> None:
    """Every setting, and what a transform may give."""
    SharedInformer(
        source,
        {"label_selector": "app=web"},
        indexers={},
        transform=strip_managed_fields,
        initial_list="stream",
        stream_deadline=3,
        backoff=Backoff(cap=5),
        idle_timeout=60,
        resync_period=600,
        audit_period=None,
    )
    SharedInformer(source, transform=lambda each: None if each.labels else each.to_dict())


async def life(informer: SharedInformer[Pod], source: ListerWatcher, written: V1Pod) -> None:
    """Waits, health and sources."""
    assert_type(informer.health, Health)
    assert_type(informer.health.state, HealthState)
    assert_type(informer.health.held_by, str | None)
    assert_type(informer.health.epoch, int)
    assert_type(informer.is_live(max_age=60), bool)
    await informer.wait_for_version("5", timeout=1.5)
    await informer.wait_for_version(written)
    await informer.wait_for_version({"metadata": {"name": "web", "resourceVersion": "5"}})
    informer.add_source(source)
    informer.remove_source("shop")
    try:
        await informer.wait_for_sync()
    except SyncTimeout as error:
        assert_type(error.cause, BaseException | None)
    except TimeoutError:
        pass
    await informer.run_forever()


async def factories(api: ApiClient, source: ListerWatcher) -> None:
    """What is lent has the type of its model."""
    async with InformerFactory(api) as informers:
        wish = informers.use(source, model=V1Pod, transform=strip_managed_fields)
        assert_type(wish, AbstractAsyncContextManager[SharedInformer[V1Pod]])
        async with informers.use(source, {"limit": 5}) as plain, wish as pods:
            assert_type(plain, SharedInformer[Object])
            assert_type(pods.store.get("shop/web"), V1Pod | None)


# What has to be refused.


def indexers_are_of_the_model(source: ListerWatcher) -> None:
    """An index function is given what is cached."""
    SharedInformer(source, indexers={"phase": phases})  # type: ignore[dict-item]
    SharedInformer(source, model=V1Pod, indexers={"phase": phases})  # type: ignore[dict-item]


def handlers_are_of_the_model(informer: SharedInformer, on_pod: Callable[[Pod], None]) -> None:
    """So is a handler."""
    informer.add_event_handler(Welcoming())  # type: ignore[arg-type]
    informer.add_event_handler(on_delete=on_pod)  # type: ignore[arg-type]


def words_are_checked(informer: SharedInformer, source: ListerWatcher) -> None:
    """A word that means nothing is found before it runs."""
    informer.add_event_handler(on_add=print, delivery="sometimes")  # type: ignore[arg-type]
    informer.add_event_handler(on_add=print, on_error="ignore")  # type: ignore[arg-type]
    informer.subscribe(delivery="none")  # type: ignore[arg-type]
    SharedInformer(source, initial_list="pages")  # type: ignore[call-overload]
    SharedInformer(source, resync="10s")  # type: ignore[call-overload]


def stores_are_read_only(store: Store[Pod], change: Change[Pod]) -> None:
    """Nobody writes to the cache, nor into a change."""
    store["shop/web"] = Pod()  # type: ignore[index]
    del store["shop/web"]  # type: ignore[attr-defined]
    store.undecodable["shop/web"] = Object(b"{}")  # type: ignore[index]
    change.object = Pod()  # type: ignore[misc]


def only_updates_have_an_old_object(change: Change) -> None:
    """What was there before is known of them alone, and what comes is never Modified."""
    old: Object = change.old  # type: ignore[union-attr]
    modified: Modified = change  # type: ignore[assignment]
    del old, modified

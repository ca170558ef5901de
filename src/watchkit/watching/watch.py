"""watch(): a RetryWatcher for those who come from kubernetes_asyncio's `Watch().stream`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar, overload

from watchkit.api.listwatch import ListWatch
from watchkit.core.options import OPTION_NAMES, ListOptions
from watchkit.watching.retry_watcher import RetryWatcher

if TYPE_CHECKING:
    from watchkit.core.objects import Object

T = TypeVar("T")

_WATCHER: Final = frozenset({"replay_existing", "on_expired", "backoff", "idle_timeout", "model"})


ListMethod: TypeAlias = Callable[..., object]
"""A bound list method of kubernetes_asyncio; its signature is its own."""


@overload
def watch(
    method: ListMethod, *path_args: object, model: None = None, **keywords: object
) -> RetryWatcher[Object]: ...
@overload
def watch(
    method: ListMethod, *path_args: object, model: type[T], **keywords: object
) -> RetryWatcher[T]: ...
def watch(
    method: ListMethod, *path_args: object, model: type[T] | None = None, **keywords: object
) -> RetryWatcher[T] | RetryWatcher[Object]:
    """Watch what a list method lists: `watch(v1.list_namespaced_pod, "shop")`.

    Takes the method's path arguments, ListOptions' names and RetryWatcher's keywords, told
    apart by name. As with `Watch().stream`, the current objects come first where no
    `resource_version` is given.

    Raises:
        TypeError: a name that is none of these.
        ValueError: options that cannot be watched with.

    """
    options = {name: keywords.pop(name) for name in OPTION_NAMES & keywords.keys()}
    chosen = {name: keywords.pop(name) for name in _WATCHER & keywords.keys()}
    source = ListWatch(method, *path_args, **keywords)  # type: ignore[arg-type] # it checks
    from_now = options.get("resource_version") is None
    chosen.setdefault("replay_existing", from_now)
    return RetryWatcher(source, ListOptions.of(options), model=model, **chosen)  # type: ignore[call-overload,no-any-return]

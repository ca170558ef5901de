"""Finds out what a kubernetes_asyncio list method would send, by calling it on a recorder."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from types import MethodType
from typing import Any, TypeGuard, cast
from urllib.parse import quote

from kubernetes_asyncio.client import ApiClient
from kubernetes_asyncio.client.exceptions import ApiTypeError, ApiValueError
from kubernetes_asyncio.dynamic.resource import Resource, ResourceList

from watchkit.api.target import Target, checked

_USE = "give ListWatch a bound list method, as in ListWatch(v1.list_namespaced_pod, 'default')"


@dataclass(frozen=True, slots=True)
class _Call:
    path: str
    method: str
    arguments: Mapping[str, object]


class _Recorder:
    """Stands in for the ApiClient of a clone: notes the one call, sends nothing.

    No docstring is parsed (`python -OO` has none), and the path's arguments get the method's
    own checks: validation is on here, whatever the real client's setting.
    """

    client_side_validation = True

    def __init__(self) -> None:
        self.calls: list[_Call] = []

    def select_header_accept(self, *_: object, **__: object) -> str:
        return "application/json"

    def select_header_content_type(self, *_: object, **__: object) -> str:
        return "application/json"

    def call_api(
        self,
        resource_path: str,
        method: str,
        path_params: Mapping[str, object] | None = None,
        *_: object,
        **__: object,
    ) -> None:
        self.calls.append(_Call(resource_path, method, dict(path_params or {})))


def record(
    method: object, arguments: tuple[object, ...], keywords: Mapping[str, object]
) -> tuple[ApiClient, Target]:
    """The client that a bound list method would use, and the collection it would list.

    Raises:
        TypeError: no bound list method of kubernetes_asyncio's, or more than path arguments.
        ValueError: a path argument that can be no part of a path.

    """
    bound, client = _checked(method)
    # What begins so configures the call (_headers, _request_timeout), which is not made.
    _refuse(bound.__name__, (name for name in keywords if name.startswith("_")))
    call = _recorded(bound, arguments, keywords)
    _refuse(bound.__name__, set(keywords) - set(call.arguments))
    path = call.path
    for name, value in call.arguments.items():
        path = path.replace("{" + name + "}", quote(checked(name, value), safe=""))
    return client, Target.at(path)


def resource_target(
    resource: Resource, arguments: tuple[object, ...], keywords: Mapping[str, object]
) -> Target:
    """The collection of a dynamic client's Resource.

    Raises:
        TypeError: an argument other than `namespace`.
        ValueError: a resource that cannot be listed, or has no namespaces.

    """
    if arguments:
        raise TypeError("a dynamic Resource takes its namespace by name: namespace=...")
    _refuse("a dynamic Resource", set(keywords) - {"namespace"})
    namespace = keywords.get("namespace")
    if isinstance(resource, ResourceList):
        raise TypeError("a dynamic ResourceList is the type of lists: give its items' Resource")
    verbs = cast("list[str] | None", resource.verbs)
    if verbs and not {"list", "watch"} <= set(verbs):
        raise ValueError(f"{resource!r} cannot be listed and watched")
    if namespace is None:
        return Target.at(resource.path())
    if not resource.namespaced:
        raise ValueError(f"{resource!r} has no namespaces")
    return Target.at(resource.path(namespace=quote(checked("namespace", namespace), safe="")))


def is_resource(source: object) -> TypeGuard[Resource]:
    """Whether this is a Resource of the dynamic client."""
    return isinstance(source, Resource)


def resource_client(resource: Resource) -> ApiClient:
    """The ApiClient beneath a dynamic client's Resource."""
    client: object = getattr(resource.client, "client", None)
    if not isinstance(client, ApiClient):
        raise TypeError(f"{resource!r} has no kubernetes_asyncio client")
    return client


def _checked(method: object) -> tuple[MethodType, ApiClient]:
    if isinstance(method, functools.partial):
        args = cast("functools.partial[object]", method).args
        hint = "the Resource itself" if args and is_resource(args[0]) else "the bound method itself"
        raise TypeError(f"ListWatch cannot look into a functools.partial: give it {hint}")
    if not inspect.ismethod(method) or inspect.isclass(method.__self__):
        raise TypeError(f"ListWatch of a {type(method).__name__}: {_USE}")
    client: object = getattr(method.__self__, "api_client", None)
    if not isinstance(client, ApiClient):
        owner = type(method.__self__)
        raise TypeError(
            f"{owner.__module__}.{owner.__qualname__} is no API class of kubernetes_asyncio: {_USE}"
        )
    if not method.__name__.startswith("list_"):
        raise TypeError(f"{method.__name__} lists nothing: {_USE}")
    return method, client


def _recorded(
    method: MethodType, arguments: tuple[object, ...], keywords: Mapping[str, object]
) -> _Call:
    owner = method.__self__
    recorder = _Recorder()
    clone = object.__new__(type(owner))
    vars(clone).update(vars(owner))
    vars(clone)["api_client"] = recorder
    function = cast("Callable[..., object]", method.__func__)
    try:
        answer = function(clone, *arguments, **keywords)
    except ApiTypeError:
        problem = _not_here(method.__name__, keywords)
    except ApiValueError:
        problem = f"{method.__name__}: a path argument is missing"
    else:
        if inspect.iscoroutine(answer):
            cast("Coroutine[Any, Any, object]", answer).close()
        if len(recorder.calls) == 1 and recorder.calls[0].method == "GET":
            return recorder.calls[0]
        problem = f"{method.__name__} does not send one GET: {_USE}"
    raise TypeError(problem)


def _refuse(method: str, names: Iterable[str]) -> None:
    options = sorted(names)
    if options:
        raise TypeError(_not_here(method, options))


def _not_here(method: str, names: Iterable[str]) -> str:
    return (
        f"{method}: ListWatch takes path arguments only, not {', '.join(sorted(names))}; options "
        "belong into the watcher's ListOptions, which are sent with every request"
    )

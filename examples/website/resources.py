"""What a Website asks for, and what is said of it: plain functions, tested without a cluster."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from watchkit import Object
from watchkit.controllers import owner_reference, set_condition

Json: TypeAlias = dict[str, Any]

GROUP: Final = "example.com"
VERSION: Final = "v1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "Website"
PLURAL: Final = "websites"
CONTROLLER: Final = "website-controller"
FINALIZER: Final = f"{GROUP}/website-controller"
MANAGED: Final = {"app.kubernetes.io/managed-by": CONTROLLER}


@dataclass(frozen=True)
class State:
    """How it is with a website: both of its conditions say so, in a word and in a sentence."""

    ready: bool
    reason: str
    message: str


def deployment_of(site: Object) -> Json:
    """Give the Deployment that a website asks for: only what is ours to say."""
    spec = site["spec"]
    selector = {"app.kubernetes.io/instance": site.name, **MANAGED}
    port = {"name": "http", "containerPort": spec.get("port", 80)}
    container = {"name": "website", "image": spec["image"], "ports": [port]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(site),
        "spec": {
            "replicas": spec.get("replicas", 1),
            "selector": {"matchLabels": selector},
            "template": {"metadata": {"labels": selector}, "spec": {"containers": [container]}},
        },
    }


def service_of(site: Object) -> Json:
    """Give the Service that a website asks for."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(site),
        "spec": {
            "selector": {"app.kubernetes.io/instance": site.name, **MANAGED},
            "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
        },
    }


def _metadata(site: Object) -> Json:
    return {
        "name": site.name,
        "namespace": site.namespace,
        "labels": dict(MANAGED),
        "ownerReferences": [owner_reference(site)],
    }


def laid_over(there: Any, wanted: Any) -> Any:  # noqa: ANN401 - any JSON
    """Give what is there with all that is wanted in it; the same again where nothing is missing.

    What we do not ask for stays: the defaults of the server, the work of others.
    """
    if isinstance(there, Mapping) and isinstance(wanted, Mapping):
        return {**there, **{key: laid_over(there.get(key), wanted[key]) for key in wanted}}
    if isinstance(there, list) and isinstance(wanted, list) and len(there) == len(wanted):
        return [laid_over(*pair) for pair in zip(there, wanted, strict=True)]
    return wanted


def is_owned(owners: Iterable[Any] | None, site: Object) -> bool:
    """Whether these name this website as the controller, and not an earlier one of its name."""
    return any(each.controller and each.uid == site.uid for each in owners or ())


def state_of(site: Object, deployment: Object) -> State:
    """Judge by its Deployment whether a website is served as it asks to be."""
    wanted = site["spec"].get("replicas", 1)
    status: Json = deployment.get("status") or {}
    is_current = status.get("observedGeneration", 0) >= (deployment.generation or 0)
    # A count that is 0 is left out.
    updated, available = (status.get(f"{name}Replicas", 0) for name in ("updated", "available"))
    ready = is_current and updated == available == status.get("replicas", 0) == wanted
    message = f"{available} of {wanted} replicas are available"
    return State(ready, "Available" if ready else "RollingOut", message)


def status_of(site: Object, state: State, deployment: Object | None, now: datetime) -> Json:
    """Give the status that a website should have; the one that it has where nothing is new."""
    status: Json = site.get("status") or {}
    conditions: list[Json] = [dict(each) for each in status.get("conditions", [])]
    for type_, holds in (("Ready", state.ready), ("Progressing", not state.ready)):
        set_condition(
            conditions,
            type_,
            holds,
            reason=state.reason,
            message=state.message,
            observed_generation=site.generation,
            now=now,
        )
    counted: Json = (deployment.get("status") if deployment is not None else None) or {}
    return {
        **status,
        "observedGeneration": site.generation,
        "replicas": counted.get("replicas", 0),
        "conditions": conditions,
    }

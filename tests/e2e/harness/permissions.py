"""RBAC for tests: grant and revoke, each done only once the server decides accordingly."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from .cluster import Cluster, User
from .json_object import JsonObject

_RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces"
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"

# The authorizer reads roles through a watch of its own; on loopback it lags by milliseconds.
_EFFECTIVE_WITHIN = 120.0


@dataclass(frozen=True)
class Grant:
    """What `grant` gave, for `revoke` to take back."""

    user: User
    namespace: str
    name: str
    resource: str
    verb: str
    api_group: str


async def grant(
    cluster: Cluster,
    user: User,
    namespace: str,
    resources: Sequence[str] = ("configmaps",),
    *,
    verbs: Sequence[str] = ("get", "list", "watch"),
    api_group: str = "",
) -> Grant:
    """Let a user do `verbs` on `resources` of one namespace; returns when the server lets them.

    Raises:
        TimeoutError: the server still says no after two minutes.
    """
    name = f"grant-{secrets.token_hex(4)}"
    rule = {"apiGroups": [api_group], "resources": list(resources), "verbs": list(verbs)}
    role = {"metadata": {"name": name}, "rules": [rule]}
    await cluster.call("POST", f"{_RBAC}/{namespace}/roles", role)
    await cluster.call("POST", f"{_RBAC}/{namespace}/rolebindings", _binding(name, user))

    granted = Grant(user, namespace, name, resources[-1], verbs[-1], api_group)
    await _until(cluster, granted, allowed=True)
    return granted


async def revoke(cluster: Cluster, granted: Grant) -> None:
    """Take a grant back; returns when the server says no.

    Raises:
        TimeoutError: the server still says yes after two minutes, maybe for another grant's sake.
    """
    path = f"{_RBAC}/{granted.namespace}"
    await cluster.call("DELETE", f"{path}/rolebindings/{granted.name}")
    await cluster.call("DELETE", f"{path}/roles/{granted.name}")
    await _until(cluster, granted, allowed=False)


def _binding(name: str, user: User) -> JsonObject:
    group = "rbac.authorization.k8s.io"
    return {
        "metadata": {"name": name},
        "subjects": [{"kind": "User", "name": user.name, "apiGroup": group}],
        "roleRef": {"kind": "Role", "name": name, "apiGroup": group},
    }


async def _until(cluster: Cluster, granted: Grant, *, allowed: bool) -> None:
    attributes = {
        "namespace": granted.namespace,
        "group": granted.api_group,
        "resource": granted.resource,
        "verb": granted.verb,
    }
    spec = {
        "user": granted.user.name,
        "groups": list(granted.user.groups),
        "resourceAttributes": attributes,
    }
    with anyio.fail_after(_EFFECTIVE_WITHIN):
        while True:
            review = await cluster.call("POST", _REVIEWS, {"spec": spec})
            if review["status"]["allowed"] is allowed:
                return
            await anyio.sleep(0.05)

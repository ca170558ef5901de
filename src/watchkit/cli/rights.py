"""The least that RBAC must grant for a resource to be watched, as manifests. Pure."""

from __future__ import annotations

from typing import Final

from watchkit.api.discovery import ApiResource
from watchkit.cli.findings import Identity

VERBS: Final = ("get", "list", "watch")
"""List and watch are what watching takes; get is for those who read one object before a write."""

_GROUP: Final = "rbac.authorization.k8s.io"
_SERVICE_ACCOUNT: Final = "system:serviceaccount:"


def grants(
    resource: ApiResource, namespace: str | None, identity: Identity | None
) -> list[dict[str, object]]:
    """Give a role and its binding: in the namespace, or (None) in the whole cluster.

    Bound to `identity`; where nobody knows that, to the ServiceAccount "default".
    """
    scope = "" if namespace is not None else "Cluster"
    name = f"watchkit-{resource.name}"
    rule = {
        "apiGroups": [resource.group],
        "resources": [resource.plural],
        "verbs": [*VERBS],
    }
    role = _manifest(f"{scope}Role", name, namespace) | {"rules": [rule]}
    binding = _manifest(f"{scope}RoleBinding", name, namespace) | {
        "roleRef": {"apiGroup": _GROUP, "kind": f"{scope}Role", "name": name},
        "subjects": [_subject(identity, namespace)],
    }
    return [role, binding]


def _manifest(kind: str, name: str, namespace: str | None) -> dict[str, object]:
    place = {} if namespace is None else {"namespace": namespace}
    metadata = {"name": name} | place
    return {"apiVersion": f"{_GROUP}/v1", "kind": kind, "metadata": metadata}


def _subject(identity: Identity | None, namespace: str | None) -> dict[str, str]:
    account = {"kind": "ServiceAccount"}
    if identity is None:
        return account | {"name": "default", "namespace": namespace or "default"}
    if identity.username.startswith(_SERVICE_ACCOUNT):
        home, _, name = identity.username.removeprefix(_SERVICE_ACCOUNT).partition(":")
        return account | {"name": name, "namespace": home}
    return {"apiGroup": _GROUP, "kind": "User", "name": identity.username}

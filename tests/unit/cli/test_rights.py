"""Laws of the RBAC to paste: it grants what watching takes, where it is watched, to whom it is."""

import pytest

from watchkit.api.discovery import ApiResource
from watchkit.cli.findings import Identity
from watchkit.cli.rights import grants

PODS = ApiResource("", "v1", "pods", "pod", "Pod", True, frozenset())  # noqa: FBT003
DEPLOYMENTS = ApiResource("apps", "v1", "deployments", "", "Deployment", True, frozenset())  # noqa: FBT003
ALICE = Identity("alice")


def test_a_namespace_takes_a_role_in_it() -> None:
    """Role and RoleBinding refer to each other, and grant the three verbs and no more."""
    role, binding = grants(DEPLOYMENTS, "shop", ALICE)

    metadata = {"name": "watchkit-deployments.apps", "namespace": "shop"}
    assert (role["kind"], role["metadata"]) == ("Role", metadata)
    assert role["rules"] == [
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "watch"]}
    ]
    assert (binding["kind"], binding["metadata"]) == ("RoleBinding", metadata)
    assert binding["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "Role",
        "name": "watchkit-deployments.apps",
    }


def test_the_whole_cluster_takes_a_cluster_role() -> None:
    """Neither has a namespace."""
    role, binding = grants(PODS, None, ALICE)

    assert (role["kind"], binding["kind"]) == ("ClusterRole", "ClusterRoleBinding")
    assert role["metadata"] == binding["metadata"] == {"name": "watchkit-pods"}


@pytest.mark.parametrize(
    ("identity", "subject"),
    [
        (ALICE, {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}),
        (
            Identity("system:serviceaccount:bank:app"),
            {"kind": "ServiceAccount", "name": "app", "namespace": "bank"},
        ),
        (None, {"kind": "ServiceAccount", "name": "default", "namespace": "shop"}),
    ],
)
def test_it_is_bound_to_who_asks(identity: Identity | None, subject: dict[str, str]) -> None:
    """A ServiceAccount as such, in its own namespace; whom nobody knows, as a pod's default."""
    assert grants(PODS, "shop", identity)[1]["subjects"] == [subject]

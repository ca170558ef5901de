"""Small manifests for the tests of the fakes."""

from watchkit.testing.log import Manifest


def config_map(name: str, namespace: str = "shop", **labels: str) -> Manifest:
    """Give a ConfigMap."""
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": name}}


def pod(name: str, namespace: str = "shop", *, node: str = "", **labels: str) -> Manifest:
    """Give a Pod, on a node or on none."""
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    spec: Manifest = {"containers": [{"name": "main", "image": "none"}]}
    spec |= {"nodeName": node} if node else {}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def shop(name: str) -> Manifest:
    """Give an object of the resource that `DEFINITION` defines."""
    return {"apiVersion": "x.io/v1", "kind": "Shop", "metadata": {"name": name}}


DEFINITION: Manifest = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "shops.x.io"},
    "spec": {
        "group": "x.io",
        "scope": "Cluster",
        "names": {"plural": "shops", "kind": "Shop"},
        "versions": [{"name": "v1", "served": True, "storage": True}],
    },
}

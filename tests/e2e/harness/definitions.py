"""Custom resources for tests: defined, served, and taken away again."""

import anyio

from .cluster import Cluster
from .json_object import JsonObject

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_SERVED_WITHIN = 120.0


async def define(
    cluster: Cluster,
    group: str,
    plural: str,
    kind: str,
    *,
    version: str = "v1",
    namespaced: bool = True,
) -> str:
    """Create a CustomResourceDefinition that takes any fields; returns its name once it is served.

    Raises:
        TimeoutError: it is not served after two minutes.
    """
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served: JsonObject = {"name": version, "served": True, "storage": True}
    served["schema"] = {"openAPIV3Schema": schema}
    names = {"plural": plural, "singular": kind.lower(), "kind": kind}
    spec = {
        "group": group,
        "scope": "Namespaced" if namespaced else "Cluster",
        "names": names,
        "versions": [served],
    }
    name = f"{plural}.{group}"
    await cluster.call("POST", _CRDS, {"metadata": {"name": name}, "spec": spec})
    await _until_status(cluster, f"/apis/{group}/{version}/{plural}", 200)
    return name


async def undefine(cluster: Cluster, name: str, *, version: str = "v1") -> None:
    """Delete a CustomResourceDefinition and all its objects; returns when nothing is served.

    The definition goes first: what serves its objects hears of that by a watch.

    Raises:
        TimeoutError: it is still there after two minutes.
    """
    await cluster.call("DELETE", f"{_CRDS}/{name}")
    await _until_status(cluster, f"{_CRDS}/{name}", 404)
    plural, group = name.split(".", 1)
    await _until_status(cluster, f"/apis/{group}/{version}/{plural}", 404)


async def _until_status(cluster: Cluster, path: str, status: int) -> None:
    with anyio.fail_after(_SERVED_WITHIN):
        while (await cluster.request("GET", path)).status != status:
            await anyio.sleep(0.05)

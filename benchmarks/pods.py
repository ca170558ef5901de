"""The pods of the benchmarks, as a busy cluster has them, made up here; and events about them."""

import json
import uuid
from collections.abc import Iterator
from typing import Final

FIRST_VERSION: Final = 1_000_000
"""Events begin just behind it: a watch from here on misses none."""

OBJECTS: Final = 1_000
"""Pods that the events are about, in turn: each is ADDED at first, then MODIFIED."""

_NAME: Final = "checkout-web-7c9d8f6b54-@name"
_UID: Final = "@uid"
_VERSION: Final = "@version"
_BORN: Final = "2025-03-04T09:15:22Z"
_READY: Final = "2025-03-04T09:15:41Z"
_IMAGE: Final = "registry.example.com/shop/checkout-web"
_DIGEST: Final = "sha256:4f8c1d0b6a2e9375d1f04c8be57a6930c2ed41785b9f0a6dc3e8721f5b40a9d6"


def lines(count: int, objects: int = OBJECTS, *, metadata: bool = False) -> Iterator[bytes]:
    """Give this many events about so many pods, each one line; no two are alike in version."""
    for number in range(count):
        verb = b"ADDED" if number < objects else b"MODIFIED"
        yield b'{"type":"%b","object":%b}\n' % (verb, pod(number, objects, metadata=metadata))


def pod(number: int, objects: int = OBJECTS, *, metadata: bool = False) -> bytes:
    """Give the pod that an event is about, counted from 0; on request no more than its metadata."""
    which = number % objects
    text = (_METADATA if metadata else _POD).replace(b"@name", b"%05d" % which)
    text = text.replace(b"@uid", str(uuid.UUID(int=which + (0xC0FFEE << 96))).encode())
    return text.replace(b"@version", b"%d" % (FIRST_VERSION + 1 + number))


def _managed(manager: str, fields: object, subresource: str | None = None) -> dict[str, object]:
    entry: dict[str, object] = {
        "manager": manager,
        "operation": "Update",
        "apiVersion": "v1",
        "time": _READY,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    return entry if subresource is None else {**entry, "subresource": subresource}


def _owned(*names: str) -> dict[str, object]:
    return {f"f:{name}": {} for name in names}


def _probe(path: str, period: int) -> dict[str, object]:
    get = {"path": path, "port": 8080, "scheme": "HTTP"}
    times = {"timeoutSeconds": 1, "periodSeconds": period}
    return {"httpGet": get, **times, "successThreshold": 1, "failureThreshold": 3}


def _container(name: str, port: int, memory: str) -> dict[str, object]:
    return {
        "name": name,
        "image": f"{_IMAGE}:v2.41.3",
        "ports": [{"name": "http", "containerPort": port, "protocol": "TCP"}],
        "env": [
            {"name": "DATABASE_URL", "value": "postgresql://checkout-db.shop.svc:5432/checkout"},
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        ],
        "resources": {"limits": {"memory": memory}, "requests": {"cpu": "250m", "memory": memory}},
        "volumeMounts": [{"name": "config", "readOnly": True, "mountPath": "/etc/checkout"}],
        "livenessProbe": _probe("/healthz", 10),
        "readinessProbe": _probe("/readyz", 5),
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
    }


def _container_status(name: str) -> dict[str, object]:
    return {
        "name": name,
        "state": {"running": {"startedAt": _READY}},
        "lastState": {},
        "ready": True,
        "restartCount": 0,
        "image": f"{_IMAGE}:v2.41.3",
        "imageID": f"{_IMAGE}@{_DIGEST}",
        "containerID": "containerd://9b1e" + "7d3a" * 15,
        "started": True,
    }


def _metadata() -> dict[str, object]:
    condition = {".": {}, **_owned("type", "status", "lastTransitionTime")}
    conditions = ["Ready", "ContainersReady", "PodScheduled"]
    kinds = {f'k:{{"type":"{kind}"}}': condition for kind in conditions}
    container = {".": {}, **_owned("name", "image", "env", "ports", "resources", "volumeMounts")}
    named = {f'k:{{"name":"{name}"}}': container for name in ("web", "proxy")}
    spec = {"f:containers": named, **_owned("dnsPolicy", "restartPolicy", "securityContext")}
    labels = {".": {}, **_owned("app.kubernetes.io/name", "pod-template-hash", "team")}
    made = {"f:metadata": {"f:labels": labels}, "f:spec": spec}
    status = {"f:conditions": kinds, **_owned("containerStatuses", "phase", "podIP", "startTime")}
    return {
        "name": _NAME,
        "generateName": "checkout-web-7c9d8f6b54-",
        "namespace": "default",
        "uid": _UID,
        "resourceVersion": _VERSION,
        "generation": 1,
        "creationTimestamp": _BORN,
        "labels": {
            "app.kubernetes.io/name": "checkout-web",
            "pod-template-hash": "7c9d8f6b54",
            "team": "payments",
        },
        "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8080"},
        "ownerReferences": [
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "name": "checkout-web-7c9d8f6b54",
                "uid": "5b0f3a77-0c1e-4d7b-9a53-2f6e8d1c4b90",
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
        "managedFields": [
            _managed("kube-controller-manager", made),
            _managed("kubelet", {"f:status": status}, "status"),
        ],
    }


def _spec() -> dict[str, object]:
    tolerated = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
    always = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    return {
        "volumes": [{"name": "config", "configMap": {"name": "checkout", "defaultMode": 420}}],
        "containers": [_container("web", 8080, "512Mi"), _container("proxy", 9090, "128Mi")],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "serviceAccountName": "checkout",
        "nodeName": "worker-eu-17",
        "securityContext": {"runAsNonRoot": True, "fsGroup": 2000},
        "schedulerName": "default-scheduler",
        "tolerations": [{"key": key, **always} for key in tolerated],
        "priority": 0,
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
    }


def _status() -> dict[str, object]:
    kinds = ("Initialized", "Ready", "ContainersReady", "PodScheduled")
    held = {"status": "True", "lastProbeTime": None, "lastTransitionTime": _READY}
    return {
        "phase": "Running",
        "conditions": [{"type": kind, **held} for kind in kinds],
        "hostIP": "10.20.3.17",
        "podIP": "10.244.17.83",
        "podIPs": [{"ip": "10.244.17.83"}],
        "startTime": _BORN,
        "containerStatuses": [_container_status("web"), _container_status("proxy")],
        "qosClass": "Burstable",
    }


def _dense(value: dict[str, object]) -> bytes:
    # As densely as the API server writes it, and in its order.
    return json.dumps(value, separators=(",", ":")).encode()


_KIND: Final = {"kind": "Pod", "apiVersion": "v1"}
_PARTIAL: Final = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
_POD: Final = _dense({**_KIND, "metadata": _metadata(), "spec": _spec(), "status": _status()})
_METADATA: Final = _dense({**_PARTIAL, "metadata": _metadata()})

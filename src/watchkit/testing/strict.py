"""fieldValidation=Strict: fields that a kind does not have, as far as its top and metadata. Pure.

What is inside a `spec` is not validated here, and so not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from watchkit.testing import bodies
from watchkit.testing.bodies import Refusal
from watchkit.testing.log import Manifest
from watchkit.testing.requests import ApiRequest
from watchkit.testing.resources import Resource
from watchkit.testing.values import section

_ALWAYS: Final = frozenset({"apiVersion", "kind", "metadata"})
_METADATA: Final = (
    "name generateName namespace selfLink uid resourceVersion generation creationTimestamp"
    " deletionTimestamp deletionGracePeriodSeconds labels annotations ownerReferences finalizers"
    " managedFields"
)
_FIELDS: Final[Mapping[str, str]] = {
    "clusterrolebindings.rbac.authorization.k8s.io": "subjects roleRef",
    "clusterroles.rbac.authorization.k8s.io": "rules aggregationRule",
    "configmaps": "data binaryData immutable",
    "controllerrevisions.apps": "data revision",
    "csidrivers.storage.k8s.io": "spec",
    "csinodes.storage.k8s.io": "spec",
    "endpoints": "subsets",
    "endpointslices.discovery.k8s.io": "addressType endpoints ports",
    "events": (
        "involvedObject reason message source firstTimestamp lastTimestamp count type eventTime"
        " series action related reportingComponent reportingInstance"
    ),
    "events.events.k8s.io": (
        "eventTime series reportingController reportingInstance action reason regarding related"
        " note type deprecatedSource deprecatedFirstTimestamp deprecatedLastTimestamp"
        " deprecatedCount"
    ),
    "ingressclasses.networking.k8s.io": "spec",
    "leases.coordination.k8s.io": "spec",
    "limitranges": "spec",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": "webhooks",
    "networkpolicies.networking.k8s.io": "spec",
    "podtemplates": "template",
    "priorityclasses.scheduling.k8s.io": "value globalDefault description preemptionPolicy",
    "rolebindings.rbac.authorization.k8s.io": "subjects roleRef",
    "roles.rbac.authorization.k8s.io": "rules",
    "runtimeclasses.node.k8s.io": "handler overhead scheduling",
    "secrets": "data stringData type immutable",
    "serviceaccounts": "secrets imagePullSecrets automountServiceAccountToken",
    "storageclasses.storage.k8s.io": (
        "provisioner parameters reclaimPolicy mountOptions allowVolumeExpansion volumeBindingMode"
        " allowedTopologies"
    ),
    "validatingwebhookconfigurations.admissionregistration.k8s.io": "webhooks",
}
"""What there is at the top of kinds that have not just a spec and a status."""


def check(request: ApiRequest, resource: Resource, manifest: Manifest) -> None:
    """Check an object that was sent.

    Raises:
        Refusal: 400, strictness is asked for and it has fields that there are not.

    """
    said = _unknown(request, resource, manifest)
    if said:
        version, kind = resource.api_version.rpartition("/")[2], resource.kind
        where = f'{kind} in version "{version}" cannot be handled as a {kind}'
        raise Refusal(bodies.bad_request(f"{where}: {said}"))


def check_patched(request: ApiRequest, resource: Resource, wanted: Manifest) -> None:
    """Check what a patch makes of an object.

    Raises:
        Refusal: 422, strictness is asked for and it has fields that there are not.

    """
    said = _unknown(request, resource, wanted)
    if said:
        shown = bodies.quoted(msgspec.json.encode(wanted).decode())
        cause = ("FieldValueInvalid", "patch", f"Invalid value: {shown}: {said}")
        raise Refusal(bodies.invalid("", "", cause))


def _unknown(request: ApiRequest, resource: Resource, manifest: Manifest) -> str:
    if request.query.get("fieldValidation") != "Strict" or request.subresource == "scale":
        return ""
    found = ", ".join(f'unknown field "{each}"' for each in _strangers(resource, manifest))
    return f"strict decoding error: {found}" if found else ""


def _strangers(resource: Resource, manifest: Manifest) -> Iterator[str]:
    known = {*_FIELDS.get(resource.name, "spec status").split(), *_ALWAYS}
    for name in manifest:
        if name == "metadata":
            inner, fields = section(manifest, "metadata"), _METADATA.split()
            yield from (f"metadata.{each}" for each in inner if each not in fields)
        elif name not in known and not resource.custom:
            yield name

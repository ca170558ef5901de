"""The resources that every API server serves, as kube-apiserver 1.37.1 was heard to serve them.

One line each: plural, kind, short names and traits. Traits are words: `cluster` (it has no
namespaces), `status`, `scale` and `finalize` (subresources), `counts` (generations), `shown`
(DELETE answers with the object), `upsert` (PUT creates), `guarded` (PUT must name a version),
`review` (nothing is stored), `all` and `api-extensions` (categories).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from watchkit.testing.resources import Resource, Scale

_TABLE: Final = """
v1
configmaps ConfigMap cm
endpoints Endpoints ep upsert
events Event ev upsert
limitranges LimitRange limits upsert
namespaces Namespace ns cluster status finalize shown
nodes Node no cluster status
persistentvolumeclaims PersistentVolumeClaim pvc status shown
persistentvolumes PersistentVolume pv cluster status shown
pods Pod po status counts shown all
podtemplates PodTemplate - counts shown
replicationcontrollers ReplicationController rc status scale counts all
resourcequotas ResourceQuota quota status shown
secrets Secret -
serviceaccounts ServiceAccount sa shown
services Service svc status upsert shown all

apps/v1
controllerrevisions ControllerRevision -
daemonsets DaemonSet ds status counts all
deployments Deployment deploy status scale counts all
replicasets ReplicaSet rs status scale counts all
statefulsets StatefulSet sts status scale counts all

events.k8s.io/v1
events Event ev upsert

autoscaling/v2
horizontalpodautoscalers HorizontalPodAutoscaler hpa status counts all

batch/v1
cronjobs CronJob cj status counts all
jobs Job - status counts all

authentication.k8s.io/v1
selfsubjectreviews SelfSubjectReview - cluster review
tokenreviews TokenReview - cluster review

authorization.k8s.io/v1
localsubjectaccessreviews LocalSubjectAccessReview - review
selfsubjectaccessreviews SelfSubjectAccessReview - cluster review
selfsubjectrulesreviews SelfSubjectRulesReview - cluster review
subjectaccessreviews SubjectAccessReview - cluster review

certificates.k8s.io/v1
certificatesigningrequests CertificateSigningRequest csr cluster status

networking.k8s.io/v1
ingressclasses IngressClass - cluster counts
ingresses Ingress ing status counts
networkpolicies NetworkPolicy netpol counts

policy/v1
poddisruptionbudgets PodDisruptionBudget pdb status counts guarded

rbac.authorization.k8s.io/v1
clusterrolebindings ClusterRoleBinding - cluster upsert
clusterroles ClusterRole - cluster upsert
rolebindings RoleBinding - upsert
roles Role - upsert

storage.k8s.io/v1
csidrivers CSIDriver - cluster guarded shown
csinodes CSINode - cluster guarded status shown
storageclasses StorageClass sc cluster shown
volumeattachments VolumeAttachment - cluster status shown

admissionregistration.k8s.io/v1
mutatingwebhookconfigurations MutatingWebhookConfiguration - cluster counts guarded api-extensions
validatingwebhookconfigurations ValidatingWebhookConfiguration - cluster counts guarded api-extensions

apiextensions.k8s.io/v1
customresourcedefinitions CustomResourceDefinition crd,crds cluster status counts guarded shown api-extensions

scheduling.k8s.io/v1
priorityclasses PriorityClass pc cluster counts

coordination.k8s.io/v1
leases Lease - upsert guarded

node.k8s.io/v1
runtimeclasses RuntimeClass - cluster upsert guarded

discovery.k8s.io/v1
endpointslices EndpointSlice - counts
"""  # noqa: E501 - a table

_CATEGORIES: Final = ("all", "api-extensions")
_SCALE: Final = Scale(".spec.replicas", ".status.replicas")

_EVENT_FIELDS: Final = (
    "involvedObject.kind involvedObject.namespace involvedObject.name involvedObject.uid"
    " involvedObject.apiVersion involvedObject.resourceVersion involvedObject.fieldPath"
    " reason reportingComponent source type"
)
_FIELDS: Final = {
    "events": _EVENT_FIELDS,
    "events.events.k8s.io": (
        "regarding.kind regarding.namespace regarding.name regarding.uid regarding.apiVersion"
        " regarding.resourceVersion regarding.fieldPath reason reportingController type"
    ),
    "namespaces": "status.phase",
    "nodes": "spec.unschedulable",
    "pods": (
        "spec.nodeName spec.restartPolicy spec.schedulerName spec.serviceAccountName"
        " spec.hostNetwork status.phase status.podIP status.podIPs status.nominatedNodeName"
    ),
    "secrets": "type",
    "services": "spec.clusterIP spec.type",
    "replicationcontrollers": "status.replicas",
    "jobs.batch": "status.successful",
    "certificatesigningrequests.certificates.k8s.io": "spec.signerName",
}
"""What a field selector may name besides name and namespace."""


def _read(table: str) -> Iterator[Resource]:
    for block in table.strip().split("\n\n"):
        api_version, *rows = block.split("\n")
        for row in rows:
            yield _resource(api_version, *row.split(" "))


def _resource(api_version: str, plural: str, kind: str, short: str, *traits: str) -> Resource:
    group = api_version.rpartition("/")[0]
    name = f"{plural}.{group}" if group else plural
    return Resource(
        api_version,
        plural,
        kind,
        namespaced="cluster" not in traits,
        fields=tuple(_FIELDS.get(name, "").split()),
        short_names=() if short == "-" else tuple(short.split(",")),
        categories=tuple(each for each in _CATEGORIES if each in traits),
        status="status" in traits,
        scale=_SCALE if "scale" in traits else None,
        counts="counts" in traits,
        shows_deleted="shown" in traits,
        finalize="finalize" in traits,
        upsert="upsert" in traits,
        guarded="guarded" in traits,
        review="review" in traits,
    )


BUILT_IN: Final = tuple(_read(_TABLE))

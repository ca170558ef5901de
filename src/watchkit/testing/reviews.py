"""Reviews: who am I, and may I? Whoever has the token is an administrator. Pure."""

from __future__ import annotations

from typing import Any, Final

from watchkit.testing.resources import Resource
from watchkit.testing.values import section

USER: Final = "admin"
"""Whom the token of a fake server belongs to."""

_INFO: Final = {"username": USER, "groups": ["system:masters", "system:authenticated"]}
_EVERYTHING: Final = {
    "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
    "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
    "incomplete": False,
}


def reviewed(resource: Resource, sent: object) -> dict[str, Any]:
    """Fill in the status of a review."""
    spec = section(sent, "spec")
    said: dict[str, Any] = {"kind": resource.kind, "apiVersion": resource.api_version}
    said["metadata"] = {}
    match resource.plural:
        case "selfsubjectreviews":
            return {**said, "status": {"userInfo": _INFO}}
        case "selfsubjectrulesreviews":
            return {**said, "spec": {}, "status": _EVERYTHING}
        case "tokenreviews":
            return {**said, "spec": spec, "status": {"authenticated": True, "user": _INFO}}
        case _:
            return {**said, "spec": spec, "status": {"allowed": True}}

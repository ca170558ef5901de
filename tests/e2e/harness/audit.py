"""The audit log of an API server: what it saw, in its own words."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from .json_object import JsonObject

# One record per stage; a watch has ResponseStarted when its head goes out, ResponseComplete at
# its end. The harness' own polling and the server's own requests are left out.
POLICY: Final[JsonObject] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "rules": [
        {"level": "None", "users": ["system:apiserver"]},
        {"level": "None", "nonResourceURLs": ["/readyz*", "/livez*", "/healthz*"]},
        {"level": "Metadata"},
    ],
}


@dataclass(frozen=True)
class AuditRecord:
    """One stage of one request; `status` is None before the answer's head."""

    audit_id: str
    stage: str
    verb: str
    path: str
    query: Mapping[str, str]
    user: str
    user_agent: str
    status: int | None
    received: str  # RFC 3339, microseconds


def read_audit_log(path: Path) -> list[AuditRecord]:
    """Return the records written so far, oldest first; a line still being written is left out."""
    if not path.exists():
        return []

    lines = path.read_bytes().split(b"\n")[:-1]
    return [_record(json.loads(line)) for line in lines]


def _record(event: JsonObject) -> AuditRecord:
    uri = urlsplit(event["requestURI"])
    return AuditRecord(
        audit_id=event["auditID"],
        stage=event["stage"],
        verb=event["verb"],
        path=uri.path,
        query=dict(parse_qsl(uri.query, keep_blank_values=True)),
        user=event.get("user", {}).get("username", ""),
        user_agent=event.get("userAgent", ""),
        status=event.get("responseStatus", {}).get("code"),
        received=event["requestReceivedTimestamp"],
    )

"""Fidelity of writes: a fake server says to each of them what a real kube-apiserver said.

`recorded_writes.jsonl` holds what Kubernetes 1.37.1 answered to a sequence of requests, one a
line. What differs from run to run is a placeholder: uids, times, and versions, which are numbered
in the order of their appearance, so that a write that makes no version is told from one that
does. Of kinds that a real server fills with defaults only kind and metadata are kept;
managedFields only where fields were applied.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from watchkit.testing import FakeCluster, run_virtual

RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parent / "recorded_writes.jsonl").read_text("utf-8").splitlines()
]
WHOLE = {
    "ConfigMap",
    "ConfigMapList",
    "Lease",
    "PartialObjectMetadataList",
    "Scale",
    "Shop",
    "ShopList",
    "Status",
}
BLANKS = {
    r"[0-9a-f]{8}-[0-9a-f-]{27}": "UID",
    r"20\d\d-\d\d-\d\dT[\d:.]+Z": "TIME",
    r"in record \(\d+\)": "in record (N)",
    r"gen-\w{5}": "gen-X",
}


class Blanks:
    """Puts placeholders in the place of what differs from run to run."""

    def __init__(self) -> None:
        self._versions: dict[str, str] = {}

    def fill(self, body: bytes, *, owners: bool) -> Any:  # noqa: ANN401 - any JSON value
        """Give the JSON of a body so."""
        said = json.loads(body)
        if said.get("kind") not in WHOLE:
            said = {name: said[name] for name in ("kind", "apiVersion", "metadata")}
        listed = said["kind"].endswith("List")
        if listed:
            said["metadata"]["resourceVersion"] = "LIST"
        return self._filled(said, owners=owners)

    def _filled(self, value: Any, *, owners: bool, name: str = "") -> Any:  # noqa: ANN401
        if isinstance(value, dict):
            return {
                key: self._filled(inner, owners=owners, name=key)
                for key, inner in value.items()
                if key != "managedFields" or owners
            }
        if isinstance(value, list):
            return [self._filled(inner, owners=owners) for inner in value]
        if not isinstance(value, str):
            return value
        if name == "resourceVersion" and value != "LIST":
            return self._versions.setdefault(value, f"v{len(self._versions) + 1}")
        for pattern, blank in BLANKS.items():
            value = re.sub(pattern, blank, value)
        return value


def asked(recorded: dict[str, Any]) -> dict[str, Any]:
    """Give the arguments of an aiohttp request."""
    sent = recorded["sent"]
    data = sent if sent is None or isinstance(sent, str) else json.dumps(sent)
    headers = {"Accept": recorded["accept"], "Authorization": "Bearer fake-token"}
    if recorded["type"] and data is not None:
        headers["Content-Type"] = recorded["type"]
    return {"data": data, "headers": headers}


async def differences(record: Callable[[str, Any, Any], None]) -> None:
    """Ask everything in order, and tell of each answer that is another one."""
    cluster = FakeCluster(clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))  # a quick recording
    cluster.add_resource("x.io/v1", "shops", "Shop", scale=(".spec.size", ".status.size"))
    blanks = Blanks()
    async with cluster.connect() as api:
        session: aiohttp.ClientSession = api.rest_client.pool_manager
        for each in RECORDED:
            url = str(api.configuration.host) + each["path"]
            async with session.request(each["method"], url, **asked(each)) as answer:
                body = await answer.read()
            said = blanks.fill(body, owners=each["title"].startswith("apply"))
            record(each["title"], (each["status"], each["said"]), (answer.status, said))


def test_every_write_is_answered_as_a_real_server_answers_it() -> None:
    """Status, reason, message, details, the object as stored, whether there is a new version."""
    found: dict[str, Any] = {}

    def record(title: str, wanted: Any, got: Any) -> None:  # noqa: ANN401
        if wanted != got:
            found[title] = {"real": wanted, "fake": got}

    run_virtual(differences, record)

    assert json.dumps(found, indent=1) == "{}"
    assert len(RECORDED) > 150

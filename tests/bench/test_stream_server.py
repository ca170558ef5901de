"""stream_server.py: what it answers is what an API server answers, in every form."""

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bench.conftest import FOLDER, Server

LIST = "/api/v1/pods"
WATCH = "/api/v1/pods?watch=true"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
PROTOBUF = "application/vnd.kubernetes.protobuf"
FIRST = 1_000_000
MODIFIED = 10 + 1 + 200  # what is measured, the warm-up, and what comes behind

Serve = Callable[..., Server]


def versions(events: list[dict[str, Any]]) -> list[int]:
    """Give where the events are."""
    return [int(event["object"]["metadata"]["resourceVersion"]) - FIRST for event in events]


def test_the_pods_are_those_of_a_busy_cluster() -> None:
    """Each event is one line of 5.6 KB; versions rise; a pod is added before it is modified."""
    pods = runpy.run_path(str(FOLDER / "pods.py"))

    lines: list[bytes] = list(pods["lines"](pods["OBJECTS"] + 1))

    assert {len(line) for line in lines[:-1]} == {5640}
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in lines)
    events = [json.loads(line) for line in lines]
    assert [event["type"] for event in events] == ["ADDED"] * pods["OBJECTS"] + ["MODIFIED"]
    assert versions(events) == list(range(1, len(events) + 1))
    assert events[0]["object"]["metadata"]["uid"] == events[-1]["object"]["metadata"]["uid"]


def test_pages_make_up_the_list(serve: Serve) -> None:
    """Cut at any limit, the items are those of the whole list, each once, at one version."""
    server = serve(25, 10)

    whole = server.get(LIST).json()
    pages = [server.get(f"{LIST}?limit=10&resourceVersion=0").json()]
    while token := pages[-1]["metadata"].get("continue"):
        pages.append(server.get(f"{LIST}?limit=10&continue={token}").json())

    assert (whole["kind"], len(whole["items"])) == ("PodList", 25)
    assert [len(page["items"]) for page in pages] == [10, 10, 5]
    assert [item for page in pages for item in page["items"]] == whole["items"]
    assert {page["metadata"]["resourceVersion"] for page in pages} == {str(FIRST + 25)}
    assert [page["metadata"].get("remainingItemCount") for page in pages] == [15, 5, None]


def test_a_watch_begins_with_what_is_asked_for(serve: Serve) -> None:
    """Initial events end in their bookmark; a version leaves out what came before it."""
    server = serve(5, 10)

    streamed = server.get(f"{WATCH}&sendInitialEvents=true", lines=6 + MODIFIED).events()
    unversioned = server.get(WATCH, lines=5 + MODIFIED).events()
    behind_list = server.get(f"{WATCH}&resourceVersion={FIRST + 5}", lines=MODIFIED).events()
    resumed = server.get(f"{WATCH}&resourceVersion={FIRST + 8}", lines=1).events()

    assert [event["type"] for event in streamed[:7]] == ["ADDED"] * 5 + ["BOOKMARK", "MODIFIED"]
    annotations = streamed[5]["object"]["metadata"]["annotations"]
    assert annotations == {"k8s.io/initial-events-end": "true"}
    assert versions(streamed) == [*range(1, 6), 5, *range(6, 6 + MODIFIED)]
    assert versions(unversioned) == [*range(1, 6 + MODIFIED)]
    assert versions(behind_list) == [*range(6, 6 + MODIFIED)]
    assert versions(resumed) == [9]


def test_events_are_held_until_somebody_asks_for_them(serve: Serve) -> None:
    """They come once that is done, or after the bound on holding them; so too when begun anew."""
    server = serve(5, 10, "--hold", "0.2")

    unasked = server.get(f"{WATCH}&resourceVersion={FIRST + 5}", lines=1).events()
    server.get("/go")
    asked = server.get(f"{WATCH}&resourceVersion={FIRST + 5}", lines=1).events()
    server.begin_anew()
    anew = server.get(f"{WATCH}&resourceVersion={FIRST + 5}", lines=1).events()

    assert versions(unasked) == versions(asked) == versions(anew) == [6]


@pytest.mark.parametrize(
    ("target", "kind"),
    [(LIST, "PartialObjectMetadataList"), (WATCH, "PartialObjectMetadata")],
)
def test_metadata_alone_is_served(serve: Serve, target: str, kind: str) -> None:
    """Asked for metadata, it sends objects without spec and status."""
    server = serve(5, 10)

    answer = server.get(target, METADATA, lines=1).events()[0]

    whole = answer.get("object", answer)
    item = whole if "items" not in whole else whole["items"][0]
    assert whole["kind"] == kind
    assert item["metadata"]["name"].endswith("-00000")
    assert not {"spec", "status"} & item.keys()


def test_protobuf_comes_from_a_file(serve: Serve, tmp_path: Path) -> None:
    """Its pages and frames go out as they are; without a file, or for metadata, JSON does."""
    lists = {"0": ["whole"], "2": ["first", "second"]}
    frames = [f"frame {number}" for number in range(3 + 1 + MODIFIED)]
    bodies = [*lists["0"], *lists["2"], *frames]
    says = {
        "objects": 3,
        "events": MODIFIED,
        "lists": {limit: [*map(len, pages)] for limit, pages in lists.items()},
        "frames": [*map(len, frames)],
    }
    file = tmp_path / "rendered"
    file.write_text(json.dumps(says) + "\n" + "".join(bodies))

    server, without = serve(3, 10, "--protobuf", str(file)), serve(3, 10)
    accept = f"{PROTOBUF},application/json"

    assert server.get(LIST, accept).body == b"whole"
    assert server.get(f"{LIST}?limit=2", accept).body == b"first"
    assert server.get(f"{LIST}?limit=2&continue=2", accept).body == b"second"
    assert server.get(f"{LIST}?limit=7", accept).kind == PROTOBUF
    assert server.get(LIST, f"{PROTOBUF};{METADATA},{accept}").json()["items"]
    assert without.get(LIST, accept).json()["kind"] == "PodList"


@pytest.mark.parametrize("path", ["/version", "/api", "/apis", "/api/v1"])
def test_what_peers_ask_for_first_is_answered(serve: Serve, path: str) -> None:
    """Discovery knows pods; what is not there is answered as an API server answers it."""
    server = serve(1, 10)

    assert server.get(path).status == 200
    assert server.get("/apis/example.com/v1").json()["reason"] == "NotFound"

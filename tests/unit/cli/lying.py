"""An API server that lies about one pod: a fault over the public base, as users write them."""

from collections.abc import Iterable
from dataclasses import dataclass

from watchkit.cli.demo.troubles import Blow, Trouble
from watchkit.cli.demo.writing import CANARY
from watchkit.testing import Case, Disconnect, Fault
from watchkit.testing.wire import Act, Bend, Send


@dataclass(frozen=True, slots=True)
class Lie(Fault):
    """Some bytes of what is said about one object are other ones: its version stays as it is."""

    name: str
    true: bytes
    false: bytes

    def bend(self, case: Case) -> Bend:
        """Change what is sent."""
        about = f'"name":"{self.name}"'.encode()

        def bent(act: Act) -> Iterable[Act]:
            if isinstance(act, Send) and about in act.data:
                return [Send(act.data.replace(self.true, self.false), act.content)]
            return [act]

        return bent


CORRUPTED = Trouble(
    "one event says another image",
    (
        Blow(Disconnect(), "open"),
        Blow(Lie(CANARY.partition("/")[2], b'"image":"canary:', b'"image":"raven:'), "watch", None),
    ),
)
"""What is written to the canary after it comes through a watch that lies about the canary."""

"""What came of the rounds: medians, ratios of rounds, the goals, as text and as JSON."""

import statistics
from dataclasses import dataclass, field
from typing import Any, Final

from host import machine
from programs import FLOOR, Program

GOALS: Final = (
    # what, row, phase, held against, at most
    ("watch", "watchkit", "watch", "clientgo", 0.055),
    ("watch", "watchkit", "watch", "kubers", 0.30),
    ("watch", "watchkit", "watch", FLOOR, 2.5),
    ("watch, one field read", "watchkit-touch", "watch", "clientgo-touch", 0.065),
    ("watch, one field read", "watchkit-touch", "watch", "kubers-touch", 0.35),
    ("watch, one field read", "watchkit-touch", "watch", "kubernetes_asyncio-typed", 1 / 45),
    ("watch, one field read", "watchkit-touch", "watch", "kubernetes-informer", 1 / 25),
    ("watch, one field read", "watchkit-touch", "watch", "kopf", 1 / 45),
    ("watch, one field read", "watchkit-touch", "watch", "lightkube", 1 / 3),
    ("first list", "watchkit", "list", "clientgo", 0.07),
    ("first list", "watchkit", "list", "clientgo-paged", 0.12),
    ("first list", "watchkit", "list", "kubers", 0.33),
    ("first list", "watchkit", "list", FLOOR, 2.2),
)
_BASES: Final = {FLOOR: "floor", "clientgo": "client-go", "kubers": "kube-rs"}


@dataclass
class Row:
    """One program, and what each round said of it."""

    program: Program
    rounds: list[dict[str, Any]] = field(default_factory=list)

    def figures(self, key: str) -> list[float]:
        """Give one figure of each round."""
        return [float(each[key]) for each in self.rounds]

    def cpu(self, phase: str) -> list[float]:
        """Give the CPU time of a phase, in microseconds each, round by round."""
        return self.figures(f"{phase}_cpu_us")

    def memory(self) -> float:
        """Give what it grew by for each object, in KiB, at the end."""
        grown = (each["rss_after_kib"] - each["rss_base_kib"] for each in self.rounds)
        return statistics.median(grown) / self.rounds[0]["objects"]


@dataclass
class Report:
    """All rows that have figures, by name, and who is missing and why."""

    rows: dict[str, Row]
    left_out: dict[str, str]
    failed: dict[str, str]
    conditions: str

    def ratio(self, name: str, base: str, phase: str) -> float | None:
        """Give the median ratio of the rounds in which both ran: what slows a round cancels out."""
        if name not in self.rows or base not in self.rows:
            return None
        pairs = zip(self.rows[name].cpu(phase), self.rows[base].cpu(phase), strict=False)
        return statistics.median(its / other for its, other in pairs)

    def text(self) -> str:
        """Give it as it is printed."""
        versions = ", ".join(f"{name} {version}" for name, version in self._versions().items())
        lines = [machine(), versions, self.conditions]
        for phase, each in (("watch", "event"), ("list", "object of the first list")):
            lines += ["", f"CPU microseconds per {each} (user + system)", "", *self._table(phase)]
        lines += ["", "Goals", "", *self._goals()]
        return "\n".join([*lines, "", *self._missing()])

    def markdown(self) -> str:
        """Give one table of both phases, as docs/performance.md has it."""
        versions = ", ".join(f"{name} {version}" for name, version in self._versions().items())
        bases = [base for base in _BASES if base in self.rows]
        heads = ["min to max", *(f"/ {_BASES[base]}" for base in bases)]
        titles = ["CPU microseconds", "watch", *heads, "list", *heads, "KiB"]
        lines = [f"{machine()}; {versions}; {self.conditions}.", "", f"| {' | '.join(titles)} |"]
        lines += ["|---|" + "---:|" * (len(titles) - 1)]
        return "\n".join([*lines, *(self._marked(name, bases) for name in self.rows), ""])

    def _marked(self, name: str, bases: list[str]) -> str:
        cells = [self.rows[name].program.label]
        for phase in ("watch", "list"):
            cpu = self.rows[name].cpu(phase)
            cells += [f"{statistics.median(cpu):.1f}", f"{min(cpu):.1f} to {max(cpu):.1f}"]
            cells += [f"{self.ratio(name, base, phase):.3g}" for base in bases]
        return f"| {' | '.join([*cells, f'{self.rows[name].memory():.1f}'])} |"

    def summary(self) -> str:
        """Say who ran."""
        ran = [f"{name}: its counts are right" for name in self.rows]
        return "\n".join([*ran, *self._missing()])

    def _missing(self) -> list[str]:
        left_out = [f"left out: {name}: {why}" for name, why in self.left_out.items()]
        return [*left_out, *(f"FAILED: {name}: {why}" for name, why in self.failed.items())]

    def _table(self, phase: str) -> list[str]:
        bases = [base for base in _BASES if base in self.rows]
        heads = "".join(f"{'/ ' + _BASES[base]:>12}" for base in bases)
        lines = [f"{'':52}{'median':>9}{'min':>9}{'max':>9}{heads}{'busy':>6}{'KiB/pod':>9}"]
        for name, row in self.rows.items():
            cpu, wall = row.cpu(phase), row.figures(f"{phase}_wall_us")
            said = "".join(f"{one:9.1f}" for one in (statistics.median(cpu), min(cpu), max(cpu)))
            ratios = "".join(f"{self.ratio(name, base, phase):12.3f}" for base in bases)
            busy = statistics.median(cpu) / statistics.median(wall)
            label = row.program.label
            lines.append(f"{label:52}{said}{ratios}{busy:6.0%}{row.memory():9.1f}")
        return lines

    def _goals(self) -> list[str]:
        lines = [f"{'':26}{'against':>26}{'goal':>8}{'ratio':>8}"]
        for what, name, phase, base, most in GOALS:
            ratio = self.ratio(name, base, phase)
            if ratio is not None:
                verdict = "met" if ratio <= most else "missed"
                lines.append(f"{what:26}{base:>26}{most:8.3f}{ratio:8.3f}  {verdict}")
        return lines

    def _versions(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for row in self.rows.values():
            found |= row.rounds[-1]["versions"]
        return found

    def as_json(self) -> dict[str, object]:
        """Give all figures."""
        return {
            "machine": machine(),
            "versions": self._versions(),
            "conditions": self.conditions,
            "rows": [self._row(name, row) for name, row in self.rows.items()],
            "goals": [
                {"what": what, "row": name, "against": base, "at_most": most, "ratio": ratio}
                for what, name, phase, base, most in GOALS
                if (ratio := self.ratio(name, base, phase)) is not None
            ],
            "left_out": self.left_out,
            "failed": self.failed,
        }

    def _row(self, name: str, row: Row) -> dict[str, object]:
        phases = {
            phase: {
                "median": statistics.median(row.cpu(phase)),
                "min": min(row.cpu(phase)),
                "max": max(row.cpu(phase)),
                "ratios": {base: self.ratio(name, base, phase) for base in _BASES},
            }
            for phase in ("watch", "list")
        }
        return {"name": name, "label": row.program.label, **phases, "rounds": row.rounds}

"""The demo's picture: the informer's state, the course of its numbers, what it got over. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich import box, console, panel, table, text

from watchkit.cli.demo.scene import Glance, Scene
from watchkit.cli.demo.telling import Tally, conclusion, counted, findings

_BARS: Final = "▁▂▃▄▅▆▇█"
_AROUND: Final = 12
"""Lines of the picture that are no troubles, and where the cursor stands."""
_BESIDE: Final = 46
"""Columns of the picture that are not the course of a number."""
_STATES: Final = {"watching": "bold green", "syncing": "bold cyan"}
_TROUBLED: Final = "bold yellow"
_GOOD: Final = "bold green"
_BAD: Final = "bold red"


def painted(scene: Scene, now: float, *, width: int, height: int) -> panel.Panel:
    """Paint what there is to see, in a terminal of that size."""
    body: list[console.RenderableType] = []
    if scene.glances:
        body += [_numbers(scene.glances, max(1, width - _BESIDE)), text.Text("")]
    body += [_heading(scene), _troubles(scene, now, max(1, height - _AROUND))]
    passed = min(scene.since(now), scene.seconds)
    return panel.Panel(
        console.Group(*body),
        title="[bold]watchkit demo[/] · an informer, and an API server that fails on purpose",
        title_align="left",
        subtitle=f"{passed:.0f} s of {scene.seconds:g} s",
        subtitle_align="right",
        box=box.ROUNDED,
        border_style="cyan",
        padding=(1, 2),
        width=width,
    )


def bars(values: Sequence[float]) -> str:
    """Draw the course of a number, its highest value as the highest bar; nothing is the lowest."""
    most = max(values, default=0)
    if most <= 0:
        return _BARS[0] * len(values)
    top = len(_BARS) - 1
    return "".join(_BARS[max(1, round(value / most * top)) if value > 0 else 0] for value in values)


def signed(tally: Tally) -> console.Group:
    """Paint the tally."""
    lines = [
        text.Text.assemble(("✓ ", _GOOD) if is_good else ("✗ ", _BAD), said)
        for said, is_good in findings(tally)
    ]
    lines.append(text.Text(conclusion(tally), _GOOD if tally.holds else _BAD))
    return console.Group(*lines)


def _numbers(glances: Sequence[Glance], room: int) -> table.Table:
    seen = list(glances)[-room:]
    last = seen[-1]
    grid = table.Table.grid(padding=(0, 2, 0, 0))
    for width in (len("divergence"), len("● forbidden"), None):
        grid.add_column(no_wrap=True, overflow="ellipsis", min_width=width)
    restored = f", {counted(last.epoch, 'restore')} seen" if last.epoch else ""
    versions = f"at version {last.version}, the server at {last.served_version}"
    served = f"the server has {last.served:,}{restored}"
    course = text.Text(bars([each.behind for each in seen]), "yellow")
    rates = (bars([each.rate for each in seen]), "cyan")
    for name, value, style, beside in (
        ("informer", f"● {last.state}", _STATES.get(last.state, _TROUBLED), text.Text(versions)),
        ("cache", f"{last.cached:,} pods", "bold", text.Text(served)),
        ("divergence", f"{last.behind:,}", _TROUBLED if last.behind else _GOOD, course),
        (
            "events",
            f"{last.rate:,.0f}/s",
            "bold",
            text.Text.assemble(rates, (f"  {last.told:,} in all", "dim")),
        ),
    ):
        grid.add_row(text.Text(name, "dim"), text.Text(value, style), beside)
    return grid


def _heading(scene: Scene) -> text.Text:
    count, kinds = len(scene.survived), len(scene.kinds)
    return text.Text(
        f"{counted(count, 'fault')} survived, of {counted(kinds, 'kind')}", style="bold"
    )


def _troubles(scene: Scene, now: float, room: int) -> table.Table:
    """Give the latest troubles, as many as there is room for; the current one stands last."""
    grid = table.Table.grid(padding=(0, 2, 0, 0), expand=True)
    grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(no_wrap=True, justify="right", min_width=14)
    for over in scene.survived[-(room - 1) :] if room > 1 else []:
        grid.add_row(
            text.Text.assemble(("✓ ", _GOOD), over.name),
            text.Text(f"caught up after {over.away:.1f} s", "dim"),
            text.Text(f"{over.behind:,} behind", "dim"),
        )
    if scene.current is not None:
        grid.add_row(
            text.Text(f"▸ {scene.current}", _TROUBLED),
            text.Text(f"{scene.away(now):.1f} s", _TROUBLED),
            text.Text(f"{scene.behind:,} behind", _TROUBLED),
        )
    for name in scene.lost:
        grid.add_row(text.Text(f"✗ {name}", _BAD), text.Text("never came back", "red"), "")
    return grid

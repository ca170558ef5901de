"""Holds watchkit against its peers: what an object and an event cost each in CPU time.

Prints tables and asserts no time. Believe the ratios of one run rather than its microseconds:
those are the machine's. docs/performance.md says how it is measured.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from measuring import Cores, Failed, Servers, Size, measure
from programs import PROTOBUF, LeftOut, Program, programs
from rendering import of_watch
from report import Report, Row

_FEWEST: Final = 100
"""Events that even the slowest gets."""

_APART: Final = 2_000
"""Events between two about one object at least, where they are more: far beyond what is read at
once, or a program that merges events by object might handle fewer than it is sent."""

_SMOKE: Final = Size(objects=250, events=20, handlers=2)
"""Every pod changes once at most: nothing can be merged, and so the counts are certain."""


@dataclass
class _Options:
    objects: int
    events: int
    rounds: int
    handlers: int
    only: list[str] | None
    smoke: bool
    native: bool
    json: Path | None
    markdown: Path | None
    svg: Path | None


def main() -> None:
    """Run all programs in turn, round after round, and print what came of it."""
    options = _options()
    chosen = [each for each in programs() if options.only is None or each.name in options.only]
    report = _smoke(chosen, options) if options.smoke else _bench(chosen, options)
    text = report.text()
    _say("")
    print(report.summary() if options.smoke else text)
    if options.json is not None:
        options.json.write_text(json.dumps(report.as_json(), indent=2) + "\n")
    if options.markdown is not None:
        options.markdown.write_text(report.markdown())
    if options.svg is not None:
        from plots import side_by_side  # noqa: PLC0415 - what it imports takes a second

        side_by_side(report, options.svg)
    if report.failed:
        sys.exit(1)


def _bench(chosen: list[Program], options: _Options) -> Report:
    cores = Cores.here()
    commands, left_out = _commands(chosen)
    full = Size(options.objects, options.events, options.handlers)
    pinned = "server and program have a core each" if cores.program is not None else "not pinned"
    report = Report(
        {}, left_out, {}, f"{full.objects} objects, {options.rounds} rounds, interleaved; {pinned}"
    )
    with Servers(cores) as servers:
        for number in range(options.rounds):
            for program, command in commands:
                _say(f"round {number + 1} of {options.rounds}: {program.label}")
                size = _sized(full, program)
                _add(report, servers, program, command, size)
    return report


def _smoke(chosen: list[Program], options: _Options) -> Report:
    wanted = [each for each in chosen if options.native or not each.is_native]
    commands, missing = _commands(wanted)
    unwanted = {each.name: "needs --native" for each in chosen if each not in wanted}
    report = Report({}, unwanted, missing, "small sizes: these figures say nothing")
    with Servers(Cores()) as servers:
        for program, command in commands:
            _say(program.label)
            _add(report, servers, program, command, _SMOKE)
    return report


def _commands(
    chosen: list[Program],
) -> tuple[list[tuple[Program, list[str]]], dict[str, str]]:
    commands: list[tuple[Program, list[str]]] = []
    left_out: dict[str, str] = {}
    for program in chosen:
        _say(f"looking for {program.label}")
        try:
            commands.append((program, program.command()))
        except LeftOut as why:
            left_out[program.name] = str(why)
    return commands, left_out


def _sized(full: Size, program: Program) -> Size:
    objects = min(full.objects, max(_APART, round(full.objects * program.part)))
    events = min(full.events, max(_FEWEST, round(full.events * program.part)))
    return Size(objects, events, full.handlers)


def _add(
    report: Report, servers: Servers, program: Program, command: list[str], size: Size
) -> None:
    if program.name in report.failed:
        return
    try:
        port = servers.port(size, command[0] if program.mode == PROTOBUF else None)
        found = measure(program, command, port, size, servers.cores.program)
    except Failed as why:
        report.failed[program.name] = str(why)
        report.rows.pop(program.name, None)
    else:
        report.rows.setdefault(program.name, Row(program)).rounds.append(found)


def _options() -> _Options:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=10_000, help="measured in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--handlers", type=int, default=1)
    names = [each.name for each in programs()]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--smoke", action="store_true", help="run each once, and check its counts")
    parser.add_argument("--native", action="store_true", help="with --smoke: Go and Rust as well")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there too")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw them there too")
    options = _Options(**vars(parser.parse_args()))
    if min(options.rounds, options.handlers) < 1 or options.events < _FEWEST:
        parser.error(f"it takes {_FEWEST} events, one round and one handler at least")
    if options.objects < min(_APART, of_watch(options.events)):
        parser.error(f"it takes {_APART} objects, or as many as events: see benchmarks/README.md")
    return options


def _say(progress: str) -> None:
    """Show what is going on, where somebody is watching; it leaves no trace."""
    if sys.stderr.isatty():
        print(f"\r\033[K{progress}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

"""The Sphinx extension of these documents: docstrings as they are written here, and their names.

A docstring of watchkit is prose with `code` in it, and sections of what is raised. Public names
link to their one entry in the reference, wherever a type or a text has them; a public home with
a name that it does not have (`watchkit.Watcher`) is an error, and everything else is plain text.
"""

from __future__ import annotations

import importlib
import inspect
import re
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docutils.nodes import Element
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

HOMES: Final = (
    *("watchkit", "watchkit.conditions", "watchkit.controllers"),
    *("watchkit.metrics", "watchkit.testing"),
)

_CODE: Final = re.compile(r"(?<![`:])`([^`\n]+(?:\n[^`\n]+)?)`(?![`_])")
_FUNCTION: Final = re.compile(r"<function (?:\w+\.)*(\w+)>")
_NO_PYTHON: Final = re.compile(r"<(?:[^<>]|<\w+>)*>")
_LONG_SET: Final = re.compile(r"frozenset\(\{[^{}]{60,}\}\)")
_SECTION: Final = re.compile(r"^((?:Raises|While)\b[^:\n]*):$")
_ENTRY: Final = re.compile(r"^ {4}([A-Za-z][\w.]*(?:, [A-Za-z][\w.]*)*): (.*)$")
_GENERATOR: Final = re.compile(r"~?(?:collections\.abc\.)?AsyncGenerator\[")


def public() -> dict[str, str]:
    """Give every public name, with its home before it."""
    return {
        name: f"{home}.{name}" for home in HOMES for name in importlib.import_module(home).__all__
    }


def as_rst(lines: list[str], names: dict[str, str]) -> list[str]:
    """Give a docstring as reStructuredText."""
    text = "\n".join(_with_fields(lines))
    return _CODE.sub(lambda found: _role(found[1], names), text).split("\n")


def readable(signature: str) -> str:
    """Give a signature whose defaults are Python: functions by their names, others as `...`."""
    named = _LONG_SET.sub("frozenset(...)", _FUNCTION.sub(r"\1", signature))
    return _NO_PYTHON.sub("...", named).replace("~typing.~P", "P").replace("~P", "P")


def short(value: object) -> str:
    """Write a value as one would: of a dataclass, only what is not its default."""
    if not is_dataclass(value) or isinstance(value, type):
        return repr(value)
    parts = [(each.name, getattr(value, each.name), _default(each)) for each in fields(value)]
    said = ", ".join(f"{name}={short(part)}" for name, part, usual in parts if part != usual)
    return f"{type(value).__name__}({said})"


def _default(field: Field[object]) -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _role(code: str, names: dict[str, str]) -> str:
    code = " ".join(code.split())
    known = names.get(code.removesuffix("()"))
    return f":py:obj:`{code} <{known}>`" if known else f"``{code}``"


def _with_fields(lines: list[str]) -> Iterator[str]:
    """Make fields of the sections that say what is raised, and by what."""
    section = ""
    for line in lines:
        if found := _SECTION.match(line):
            section = found[1]
            yield "" if section == "Raises" else f":{section}:"
        elif not section or (line and not line.startswith("    ")):
            section = ""
            yield line
        elif not (entry := _ENTRY.match(line)):
            yield f"      {line.strip()}" if line else ""
        elif section == "Raises":
            yield f":raises {entry[1]}: {entry[2]}"
        else:
            yield f"    - `{entry[1]}`: {entry[2]}"


def _on_docstring(  # noqa: PLR0917 - Sphinx calls it
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    lines[:] = as_rst(lines, public())


def _on_signature(  # noqa: PLR0917 - Sphinx calls it
    app: Sphinx,
    what: str,
    name: str,
    obj: object,
    options: object,
    said: str | None,
    gives: str | None,
) -> tuple[str | None, str | None]:
    """Write what Sphinx can read, which else shows all of it as it is."""
    if said and callable(obj):
        for each in inspect.signature(obj).parameters.values():
            said = said.replace(repr(each.default), short(each.default))
    # There is no other use of asynchronous generators than these.
    given = gives and _GENERATOR.sub("AbstractAsyncContextManager[", gives)
    return said and readable(said), given


def _on_doctree(app: Sphinx, document: Element) -> None:
    """Have types name what they name, and leave plain the links to folders of the repository.

    Without that, the type `object` leads to any attribute that is called so.
    """
    from sphinx.addnodes import pending_xref  # noqa: PLC0415 - tests read this without Sphinx

    folder = Path(app.env.doc2path(app.env.docname)).parent
    for node in [*document.findall(pending_xref)]:
        if node.get("refdomain") == "py":
            node.attributes.pop("refspecific", None)
            node["py:class"] = None
        elif node["reftarget"] and (folder / node["reftarget"]).is_dir():
            node.replace_self(node.children)


def _on_missing(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: Element
) -> Element | None:
    """Lead a type to its entry, whichever module it is from; leave plain what has none."""
    if node.get("refdomain") != "py":
        return None
    target: str = node["reftarget"]
    home, _, name = target.rpartition(".")
    known = public().get(name)
    if home in HOMES and known != target:
        return None
    if known is None:
        return contnode
    node["reftarget"] = known
    domain = env.get_domain("py")
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", known, node, contnode)


def _forget_overloads(app: Sphinx) -> None:
    """Show the one signature that says all, with its defaults, in place of its overloads."""
    from sphinx.pycode import ModuleAnalyzer  # noqa: PLC0415 - tests read this without Sphinx

    for full in public().values():
        home, _, name = full.rpartition(".")
        origin = getattr(getattr(importlib.import_module(home), name), "__module__", home)
        if origin.startswith("watchkit"):
            analyzer = ModuleAnalyzer.for_module(origin)
            analyzer.analyze()
            analyzer.overloads.clear()


def setup(app: Sphinx) -> dict[str, bool]:
    """Register all that with Sphinx."""
    app.connect("builder-inited", _forget_overloads)
    app.connect("autodoc-process-docstring", _on_docstring)
    app.connect("autodoc-process-signature", _on_signature)
    app.connect("doctree-read", _on_doctree)
    app.connect("missing-reference", _on_missing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

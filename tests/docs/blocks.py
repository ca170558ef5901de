"""The blocks of Python in a Markdown document, and what each one takes as given.

A comment on the line before the fence says what a reader knows from the text around it:

    <!-- given: pods, save -->      names that `tests.docs.run` provides
    <!-- not run: why -->           compiled only
"""

import re
from dataclasses import dataclass
from pathlib import Path

_FENCED = re.compile(
    r"""
    (?:^<!--[ ](?P<word>given|not[ ]run):[ ](?P<said>[^\n]*?)[ ]-->\n)?
    ^```python\n
    (?P<code>.*?)
    ^```$
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)


@dataclass(frozen=True)
class Block:
    """One block of a document: where its code begins, the code, and what it takes as given."""

    name: str
    line: int
    code: str
    given: tuple[str, ...] = ()
    runs: bool = True

    def __str__(self) -> str:
        return f"{self.name}:{self.line}"


def blocks(document: Path) -> list[Block]:
    """Give the blocks of a document, in order."""
    return blocks_of(document.name, document.read_text(encoding="utf-8"))


def blocks_of(name: str, text: str) -> list[Block]:
    """Give the blocks of a text that has that name."""
    return [
        Block(
            name=name,
            line=text.count("\n", 0, match.start("code")) + 1,
            code=match["code"],
            given=tuple(re.findall(r"\w+", match["said"])) if match["word"] == "given" else (),
            runs=match["word"] != "not run",
        )
        for match in _FENCED.finditer(text)
    ]

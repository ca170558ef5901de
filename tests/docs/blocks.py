"""The blocks of Python in a Markdown document, and what each one takes as given.

A comment on the line before the fence says what a reader knows from the text around it:

    <!-- given: pods, save -->      names that `tests.docs.run` provides
    <!-- endless: pods -->          the same, and it goes on until it is interrupted
    <!-- before: v1 -->             the same, of another library: what that leaves behind is its own
    <!-- not run: why -->           compiled only; its first line tells the reader: `# not run here`
"""

import re
from dataclasses import dataclass
from pathlib import Path

_FENCED = re.compile(
    r"""
    (?:^<!--[ ](?P<word>given|endless|before|not[ ]run)(?::[ ](?P<said>[^\n]*?))?[ ]-->\n)?
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
    is_endless: bool = False
    is_foreign: bool = False

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
            given=() if match["word"] == "not run" else _names(match["said"]),
            runs=match["word"] != "not run",
            is_endless=match["word"] == "endless",
            is_foreign=match["word"] == "before",
        )
        for match in _FENCED.finditer(text)
    ]


def _names(said: str | None) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", said or ""))

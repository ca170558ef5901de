"""Says what a release says: `python tools/release.py TAG`, a part of its workflow.

Prints the section of CHANGELOG.md about the version that the tag names. Fails where the tag is not
that of the version in pyproject.toml, or the changelog has nothing to say about it.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEADING = re.compile(
    r"^## \[(?P<version>[^\]]+)\](?: - (?P<date>\d{4}-\d{2}-\d{2}))?$", re.MULTILINE
)
LOCAL = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]*\)")


class NotReady(Exception):
    """There is something wrong with the release; the text says what."""


def version_of(pyproject: str) -> str:
    """Give the version that a pyproject.toml has."""
    return str(tomllib.loads(pyproject)["project"]["version"])


def section(changelog: str, version: str) -> str:
    """Give what a changelog says of a version: all between its heading and the next one.

    Raises:
        NotReady: it has no such heading, two of them, one without a date, or nothing below it.

    """
    headings = [*HEADING.finditer(changelog)]
    found = [heading for heading in headings if heading["version"] == version]
    if len(found) != 1:
        raise NotReady(f"CHANGELOG.md has {len(found)} sections [{version}]")
    (heading,) = found
    if heading["date"] is None:
        raise NotReady(f"CHANGELOG.md: [{version}] has no date")
    following = headings[headings.index(heading) + 1 :]
    text = changelog[heading.end() : following[0].start() if following else None].strip()
    if not text:
        raise NotReady(f"CHANGELOG.md says nothing of [{version}]")
    return text


def notes(tag: str, pyproject: str, changelog: str) -> str:
    """Give what the release of a tag says, where all agrees.

    Links to files of the repository would lead nowhere from there: their text is left.

    Raises:
        NotReady: the tag is another version's, or the changelog has nothing to say about it.

    """
    version = version_of(pyproject)
    if tag != f"v{version}":
        raise NotReady(f"the tag is {tag}, pyproject.toml has version {version}: v{version}")
    return LOCAL.sub(r"\1", section(changelog, version))


def main(*arguments: str) -> None:
    """Print the notes of the tag that is named, or what is wrong."""
    if len(arguments) != 1:
        sys.exit("usage: python tools/release.py TAG")
    pyproject, changelog = (ROOT / name for name in ("pyproject.toml", "CHANGELOG.md"))
    try:
        print(notes(arguments[0], pyproject.read_text("utf-8"), changelog.read_text("utf-8")))
    except NotReady as wrong:
        sys.exit(str(wrong))


if __name__ == "__main__":
    main(*sys.argv[1:])

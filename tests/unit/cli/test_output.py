"""Laws of the choice between forms of output."""

import pytest

from watchkit.cli.output import Form, form_of


@pytest.mark.parametrize(
    ("output", "is_terminal", "is_dumb", "form"),
    [
        (None, True, False, Form.LIVE),
        (None, True, True, Form.TABLE),
        (None, False, False, Form.JSON),
        (None, False, True, Form.JSON),
        ("table", True, False, Form.LIVE),
        ("table", True, True, Form.TABLE),
        ("table", False, False, Form.TABLE),
        ("name", True, False, Form.NAME),
        ("name", False, False, Form.NAME),
        ("json", True, False, Form.JSON),
        ("json", False, False, Form.JSON),
        ("yaml", True, False, Form.YAML),
    ],
)
def test_the_reader_decides(
    output: str | None,
    is_terminal: bool,  # noqa: FBT001
    is_dumb: bool,  # noqa: FBT001
    form: Form,
) -> None:
    """A person gets a table, alive where the terminal can; a program JSON; unless told."""
    assert form_of(output, is_terminal=is_terminal, is_dumb=is_dumb) is form

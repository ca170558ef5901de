"""Laws of the report: each finding at once, signs that the terminal can show, JSON for programs."""

import json

import pytest

from tests.unit.cli.running import plain
from watchkit.cli.findings import Finding, Mark
from watchkit.cli.report import Json, Lines, signs_for

FOUND = [Finding("server", Mark.OK, "there"), Finding("rights", Mark.FAILED, "none")]
ROLE: dict[str, object] = {"kind": "Role", "metadata": {"name": "x"}}


def test_findings_are_lines_on_stderr_and_manifests_go_to_stdout(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    """So that stdout can be applied; a finding is said before the next check begins."""
    lines = Lines()
    lines.find(FOUND[0])
    out, err = capsysbinary.readouterr()
    assert (out, plain(err.decode())) == (b"", "✓ server     there\n")
    lines.find(FOUND[1])
    lines.end(FOUND, [ROLE, ROLE])

    out, err = capsysbinary.readouterr()
    assert plain(err.decode()).splitlines() == ["✗ rights     none", "1 check of 2 failed"]
    assert out.decode() == "---\n".join(["kind: Role\nmetadata:\n  name: x\n"] * 2)


def test_a_line_is_not_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    """However long: what is read by eye is searched by program, too. Nothing is markup."""
    Lines().find(Finding("server", Mark.OK, "[red]" + "word " * 60))

    assert capsys.readouterr().err.count("\n") == 1


def test_without_a_cluster_nothing_is_to_be_granted(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    """And stdout stays empty."""
    Lines().end(FOUND, [])

    assert capsysbinary.readouterr().out == b""


def test_json_is_one_object_at_the_end(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Everything that the lines say."""
    report = Json()
    for finding in FOUND:
        report.find(finding)
    assert capsysbinary.readouterr() == (b"", b"")
    report.end(FOUND, [ROLE])

    out, err = capsysbinary.readouterr()
    assert (json.loads(out), err) == (
        {
            "ok": False,
            "verdict": "1 check of 2 failed",
            "checks": [
                {"check": "server", "mark": "ok", "line": "there"},
                {"check": "rights", "mark": "failed", "line": "none"},
            ],
            "grants": [ROLE],
        },
        b"",
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "no such", None])
def test_signs_are_such_as_can_be_written(encoding: str | None) -> None:
    """One for each mark, told apart without colours."""
    signs = signs_for(encoding)

    assert len(set(signs.values())) == len(Mark)
    assert "".join(signs.values()).isascii()
    assert signs_for("utf-8")[Mark.OK] == "✓"

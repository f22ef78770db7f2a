"""`limner trace --html`: the report as a file."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from limner.cli import app

PROMPT = "A cute puppy playing with a ball in the park"


def test_the_report_is_written_beside_what_is_printed(tmp_path: Path) -> None:
    """`--html` writes the page, and the panels are printed as ever."""
    page = tmp_path / "report.html"
    result = CliRunner().invoke(app, ["trace", PROMPT, "--engine", "fake", "--html", str(page)])
    assert result.exit_code == 0
    assert "Image decoding" in result.stdout
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_the_report_tells_of_this_run(tmp_path: Path) -> None:
    """Seed, engine and the format of the file that was kept are in it."""
    page, kept = tmp_path / "report.html", tmp_path / "p.jpg"
    command = ["trace", PROMPT, "--engine", "fake", "--seed", "37", "--html", str(page), "-o", str(kept)]
    assert CliRunner().invoke(app, command).exit_code == 0
    told = page.read_text(encoding="utf-8")
    for fact in ("<dd>37</dd>", "<dd>fake</dd>", "<dd>JPEG</dd>", f"<dd>{kept.stat().st_size:,}</dd>"):
        assert fact in told


def test_a_report_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """A folder that is not there: one line, exit code 1, and nothing is left behind."""
    page = tmp_path / "none" / "report.html"
    result = CliRunner().invoke(app, ["trace", PROMPT, "--engine", "fake", "--html", str(page)])
    assert result.exit_code == 1
    assert "report.html was not written: its folder does not exist" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_stays_when_the_run_fails(tmp_path: Path) -> None:
    """An old report is replaced by a whole new one or not at all."""
    page = tmp_path / "report.html"
    page.write_text("old", encoding="utf-8")
    command = ["trace", PROMPT, "--engine", "fake", "--steps", "0", "--html", str(page)]
    assert CliRunner().invoke(app, command).exit_code == 2
    assert page.read_text(encoding="utf-8") == "old"

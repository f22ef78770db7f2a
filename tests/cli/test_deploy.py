"""`limner deploy`: what is wrong is told before Ray starts. Its replicas are tested in `tests/cluster`."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from limner.cli import app


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--replicas", "0"], "replicas must be at least 1"),
        (["--replicas", "4", "--max-replicas", "2"], "most must be at least"),
        (["--replicas", "1000"], "1000 cores are needed"),
        (["--engine", "nothing"], "There is no engine 'nothing'"),
        (["--host", "0.0.0.0"], "limner keys new"),  # noqa: S104  refused
        (["--port", "99999"], "LIMNER_PORT"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(arguments: list[str], told: str, tmp_path: Path) -> None:
    """By its name."""
    result = CliRunner().invoke(app, ["deploy", "--engine", "fake", "--data-dir", str(tmp_path), *arguments])
    assert result.exit_code == 2
    assert told in result.output
    assert "Traceback" not in result.output

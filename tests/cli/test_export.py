"""`limner export`: which model is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from limner.cli import app


@pytest.mark.parametrize("arguments", [[], ["--teacher"]])
def test_the_teacher_is_exported_if_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str]
) -> None:
    """By default it is what the run has last; the folder is told on stdout."""
    asked: list[Any] = []
    monkeypatch.setattr(
        "limner.training.finish.export_run", lambda *folders, **options: asked.append((folders, options))
    )
    run, model = tmp_path / "run", tmp_path / "model"
    result = CliRunner().invoke(app, ["export", str(run), str(model), *arguments])
    assert (result.exit_code, result.stdout.strip()) == (0, str(model))
    assert asked == [((run, model), {"teacher": bool(arguments)})]

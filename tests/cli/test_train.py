"""`limner train`: what it tells, and how it stops."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from limner.cli import app
from limner.cli.train import _Reporter, _StoppedError, _train
from limner.errors import TrainingError


class Training:
    """A run of four steps, with Ctrl-C pressed in the second, that notes at which step it was saved."""

    def __init__(self, reporter: _Reporter) -> None:
        self.reporter = reporter
        self.saved: list[int] = []
        self.run = SimpleNamespace(step=0, config=SimpleNamespace(steps=4), save=self.save)

    def save(self) -> None:
        """Write the checkpoint."""
        self.saved.append(self.run.step)

    def epochs(self) -> Iterator[Any]:
        """Four steps in one epoch."""
        for step in range(4):
            if step == 1:
                os.kill(os.getpid(), signal.SIGINT)
            self.run.step = step + 1
            self.reporter("denoiser", step + 1, 4, "")
        yield from ()


def test_a_recipe_that_is_not_there_is_bad_luck(tmp_path: Path) -> None:
    """Training says what file it wants."""
    result = CliRunner().invoke(app, ["train", str(tmp_path / "no.py"), "--run", str(tmp_path / "run")])
    assert result.exit_code == 1
    assert "no recipe at" in result.stderr


def test_ctrl_c_finishes_the_step_saves_and_says_how_to_go_on() -> None:
    """The checkpoint is of a whole step, and the error tells which and what to type."""
    reporter = _Reporter()
    training: Any = Training(reporter)
    with pytest.raises(TrainingError, match=r"stopped after step 2 of 4.*the same command goes on"):
        _train(training, reporter)
    assert training.saved == [2]


def press_ctrl_c(reporter: _Reporter, times: int) -> None:
    """What the terminal does, while a step is under way that is reported at its end."""
    with reporter.stopping_gently():
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)
        reporter("denoiser", 1, 4, "")


def test_a_second_ctrl_c_stops_at_once() -> None:
    """Whoever does not want to wait for the end of the step need not."""
    with pytest.raises(KeyboardInterrupt):
        press_ctrl_c(_Reporter(), times=2)


def test_afterwards_ctrl_c_means_what_it_meant_before() -> None:
    """The handler of signals is put back, also when it was used."""
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(_StoppedError):
        press_ctrl_c(_Reporter(), times=1)
    assert signal.getsignal(signal.SIGINT) is before


def test_without_a_terminal_each_stage_tells_its_beginning_and_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Plain lines on stderr, none for what comes within half a minute of the last."""
    reporter = _Reporter()
    with reporter:
        for done in range(1, 6):
            reporter("scenes", done, 5, "note")
    assert capsys.readouterr().err.splitlines() == ["scenes: 1/5 note", "scenes: 5/5 note"]

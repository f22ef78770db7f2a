"""The other commands: trace, models, data, train, export, and the program as a whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from limner import __version__, load
from limner.cli import app
from limner.types import EMBEDDING_LENGTH

PROMPT = "A cute puppy playing with a ball in the park"


def test_the_trace_tells_the_three_layers_with_their_real_numbers(tmp_path: Path) -> None:
    """Shapes [1024] and [256, 256, 3], and the file's bytes: all found again by recomputing them."""
    command = ["trace", PROMPT, "--engine", "fake", "--seed", "3", "--json", "-o", str(tmp_path / "p.png")]
    trace = json.loads(CliRunner().invoke(app, command).stdout)
    engine = load(engine="fake").engine
    [features] = engine.encode([PROMPT])

    assert trace["text_encoding"]["shape"] == [EMBEDDING_LENGTH]
    np.testing.assert_allclose(trace["text_encoding"]["vector"], features.vector_D, rtol=1e-6)
    assert trace["image_generation"]["shape"] == [256, 256, 3]
    assert trace["image_decoding"]["bytes"] == (tmp_path / "p.png").stat().st_size


def test_the_trace_is_told_to_people_too() -> None:
    """Three panels: words, steps, file."""
    result = CliRunner().invoke(app, ["trace", PROMPT, "--engine", "fake"])
    for part in (
        "Text encoding",
        "1 vector of length 1024",
        "Image generation",
        "puppy",
        "Image decoding",
        "bytes",
    ):
        assert part in result.stdout


def test_generate_tells_the_trace_on_request(tmp_path: Path) -> None:
    """`--trace` prints the panels after the file's line."""
    command = ["generate", PROMPT, "--engine", "fake", "-o", str(tmp_path / "p.png"), "--trace"]
    assert "Image decoding" in CliRunner().invoke(app, command).stdout


def test_models_tell_their_training_trace() -> None:
    """`models --json` has every shipped model, and the default model's training trace by itself."""
    told = json.loads(CliRunner().invoke(app, ["models", "--json"]).stdout)
    assert "limner-1" in [model["name"] for model in told["models"]]
    for row in told["training_trace"]:
        assert row.keys() == {"epoch", "loss", "accuracy", "observation"}
    assert "limner-1" in CliRunner().invoke(app, ["models"]).stdout


def test_a_recipe_that_is_not_there_is_bad_luck(tmp_path: Path) -> None:
    """Training says what file it wants."""
    result = CliRunner().invoke(app, ["train", str(tmp_path / "no.py"), "--run", str(tmp_path / "run")])
    assert result.exit_code == 1
    assert "no recipe at" in result.stderr


def test_exporting_what_is_no_run_is_an_error(tmp_path: Path) -> None:
    """The line asks whether this is a run's folder."""
    result = CliRunner().invoke(app, ["export", str(tmp_path), str(tmp_path / "model")])
    assert result.exit_code == 1
    assert "is this a run's folder?" in result.stderr


@pytest.mark.parametrize("command", ["generate", "trace", "models", "data", "train", "export"])
def test_every_command_explains_itself(command: str) -> None:
    """`--help` works and says what the command is for."""
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.stdout


def test_the_program_runs_as_a_process() -> None:
    """The installed program tells its version, and refuses what it does not know with exit code 2."""
    program = str(Path(sys.executable).with_name("limner"))
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"limner {__version__}"
    assert subprocess.run([program, "paint"], capture_output=True, check=False).returncode == 2


def test_help_loads_nothing_heavy() -> None:
    """`limner --help` imports no engine and no imaging."""
    code = (
        "import sys; from limner.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'openvino', 'torch', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")

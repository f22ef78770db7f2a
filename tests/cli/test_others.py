"""The other commands: trace, models, export, and the program as a whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from limner import __version__, load
from limner.cli import SUMMARIES, app
from limner.models import available
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


def test_the_trace_is_of_the_file_that_was_kept(tmp_path: Path) -> None:
    """The suffix after `-o` says which format the third layer tells of."""
    command = ["trace", PROMPT, "--engine", "fake", "--json", "-o", str(tmp_path / "p.webp")]
    layer = json.loads(CliRunner().invoke(app, command).stdout)["image_decoding"]
    assert (layer["format"], layer["bytes"]) == ("webp", (tmp_path / "p.webp").stat().st_size)


def test_models_tell_their_training_trace(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`models --json` has every model, the default one included, and that one's training trace by itself."""
    monkeypatch.setenv("LIMNER_MODEL", str(tiny_folder))
    told = json.loads(CliRunner().invoke(app, ["models", "--json"]).stdout)
    assert told["models"][-1]["name"] == "tiny"
    assert told["training_trace"] == told["models"][-1]["training_trace"]
    assert told["training_trace"] == [{"epoch": 0, "loss": 2.3, "accuracy": 0.1, "observation": "noise"}]
    assert [model["name"] for model in told["models"][:-1]] == available()


def test_models_show_trace_ceiling_and_scores(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line for each epoch, one for the ceiling, one for each score; brackets stay as they are."""
    facts = json.loads((tiny_folder / "manifest.json").read_text(encoding="utf-8"))
    facts["training_trace"][0]["observation"] = "noise [red]"
    facts["scores"] = {"prompt_match_of_real_scenes": {"accuracy": 0.98, "loss": 0.05}, "seconds": 0.4}
    (tmp_path / "manifest.json").write_text(json.dumps(facts), encoding="utf-8")
    monkeypatch.setenv("LIMNER_MODEL", str(tmp_path))
    told = CliRunner().invoke(app, ["models"]).stdout
    for part in ("tiny  256x256", "2.30  0.10      noise [red]", "real   0.05  0.98", "seconds: 0.4"):
        assert part in told


def test_without_a_model_models_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A default that is not there is one line and exit code 1, with and without `--json`."""
    monkeypatch.setenv("LIMNER_MODEL", str(tmp_path / "none"))
    for command in (["models"], ["models", "--json"]):
        result = CliRunner().invoke(app, command)
        assert (result.exit_code, result.stdout) == (1, "")
        assert len(result.stderr.splitlines()) == 1


def test_exporting_what_is_no_run_is_an_error(tmp_path: Path) -> None:
    """The line asks whether this is a run's folder."""
    result = CliRunner().invoke(app, ["export", str(tmp_path), str(tmp_path / "model")])
    assert result.exit_code == 1
    assert "is this a run's folder?" in result.stderr


@pytest.mark.parametrize(("command", "summary"), SUMMARIES.items())
def test_every_command_explains_itself(command: str, summary: str) -> None:
    """`--help` works, and begins with what the help page of the program says of the command."""
    result = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert summary in result.stdout


def test_a_misspelt_command_is_bad_use() -> None:
    """Exit code 2, and the command that was meant."""
    result = CliRunner().invoke(app, ["generat"])
    assert result.exit_code == 2
    assert "'generate'" in result.stderr


def test_the_program_runs_as_a_process() -> None:
    """The installed program tells its version, and refuses what it does not know with exit code 2."""
    program = str(Path(sys.executable).with_name("limner"))
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"limner {__version__}"
    assert subprocess.run([program, "paint"], capture_output=True, check=False).returncode == 2


def test_a_terminal_that_knows_only_ascii_is_no_reason_to_fail() -> None:
    """Prompt and panels are shown as well as they can be."""
    program = str(Path(sys.executable).with_name("limner"))
    command = [program, "trace", "小狗", "--engine", "fake"]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONIOENCODING": "ascii:strict"}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"\\u5c0f" in done.stdout


def test_help_loads_nothing_heavy() -> None:
    """`limner --help` imports no engine, no imaging, not even numpy, and none of the commands."""
    code = (
        "import sys; from limner.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'openvino', 'torch', 'PIL', 'numpy', 'pydantic', 'limner.cli.generate'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")

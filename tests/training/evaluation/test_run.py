"""`limner.training.evaluation.run`: a small model measured whole, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from limner.cli import eval as command
from limner.errors import InvalidRequestError, TrainingError
from limner.loading import load
from limner.models import read_manifest
from limner.training.checkpoint import read_json
from limner.training.evaluation.prompts import TASKS
from limner.training.evaluation.run import Evaluation, EvaluationConfig
from limner.training.evaluation.yardstick import Yardstick
from limner.training.finish import export_run
from limner.training.stages import Workshop

Measured = tuple[Evaluation, dict[str, Any]]
STEPS = ("2", "4", "25")


@pytest.fixture(scope="module")
def measured(rehearsal: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """The rehearsal's model, with one picture for each task."""
    model = tmp_path_factory.mktemp("models") / "rehearsal"
    export_run(rehearsal.folder, model, tokenizer=rehearsal.tokenizer, data=rehearsal.data)
    yardstick = Yardstick.open(rehearsal.folder, rehearsal.art, data=rehearsal.data)
    config = EvaluationConfig(pictures=1, steps=(4, 25))
    stages: list[str] = []
    evaluation = Evaluation(load(model), yardstick, config, stages.append)
    return evaluation, evaluation.measure(read_manifest(model), model) | {"stages": stages}


def test_every_figure_is_there(measured: Measured) -> None:
    """At each number of steps, and for real scenes, all shares from 0 to 1; and JSON can hold it."""
    results = json.loads(json.dumps(measured[1], allow_nan=False))
    composition, match = results["composition"], results["match"]
    assert (*composition["by_steps"],) == (*match["by_steps"],) == STEPS
    for told in [composition["ceiling"], *composition["by_steps"].values()]:
        assert list(told) == [*TASKS, "overall"]
        assert all(0 <= share <= 1 for share in told.values())
    for told in [match["ceiling"], *match["by_steps"].values()]:
        assert 0 <= told["accuracy"] <= 1 < told["loss"] + 1
    assert results["fidelity"]["floor"] > 0
    assert all(results["seconds"][steps] > 0 < results["fidelity"]["by_steps"][steps] for steps in STEPS)
    assert results["edits"]["unchanged_outside"] == results["variations"]["differ"] == 1
    assert results["memory"]["drawn_least"] > 0
    assert results["retrieval"]["among"] == 6
    assert len(results["goals"]) == 13
    assert results["denoiser_tflops"] > 0


def test_real_scenes_are_judged_as_the_run_did(measured: Measured, rehearsal: Workshop) -> None:
    """The ceiling of the match is the run's own: the same scenes, the same judge."""
    ceiling = read_json(rehearsal.folder / "ceiling.json")
    told = measured[1]["match"]["ceiling"]
    assert told["accuracy"] == pytest.approx(ceiling["accuracy"], abs=1e-4)
    assert told["loss"] == pytest.approx(ceiling["loss"], abs=1e-3)


def test_pictures_are_those_that_users_get(measured: Measured) -> None:
    """The page's first picture is seed 0 of the first held-out caption, at half its size, as the pipeline draws it."""
    evaluation, results = measured
    assert evaluation.page.pixels_HWC.shape == (128, 2 * 6 * 128 + 16, 3)
    assert results["prompts"] == [row[0] for row in evaluation._yardstick.examination.texts]
    [drawn] = evaluation._pipeline.generate(results["prompts"][0], seed=0)
    small = drawn.pixels_HWC.reshape(128, 2, 128, 2, 3).mean((1, 3))
    assert abs(small - evaluation.page.pixels_HWC[:, :128]).mean() < 8


def test_it_is_told_and_written(
    measured: Measured, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each goal in a line, the curve, and a folder with the figures and two pages of pictures."""
    evaluation, results = measured
    command._tell(results)
    told = capsys.readouterr().out
    assert all(goal["what"] in told for goal in results["goals"])
    assert "Frechet distance" in told
    command._write(evaluation, results, tmp_path / "out")
    assert read_json(tmp_path / "out" / "evaluation.json") == results
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "evaluation.json",
        "page.webp",
        "neighbours.webp",
    }


def test_a_folder_that_is_no_run_is_refused(rehearsal: Workshop, tmp_path: Path) -> None:
    """And a judge that was taught another vocabulary cannot read this one's."""
    with pytest.raises(TrainingError, match="is this a run's folder"):
        Yardstick.open(tmp_path, rehearsal.art, data=rehearsal.data)
    with pytest.raises(TrainingError, match="knows another table of concepts"):
        Yardstick.open(rehearsal.folder, rehearsal.art)


@pytest.mark.parametrize(
    ("wrong", "message"), [({"pictures": 0}, "1 or more"), ({"steps": (1, 4)}, "4 and 25 among them")]
)
def test_what_gives_no_figure_is_refused(wrong: dict[str, Any], message: str) -> None:
    """No pictures, or steps that the goals do not speak of."""
    with pytest.raises(InvalidRequestError, match=message):
        EvaluationConfig(**wrong)

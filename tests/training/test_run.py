"""`limner.training.run`: a run's trace, and a folder that belongs to one recipe."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from limner.errors import TrainingError
from limner.models import read_manifest
from limner.training.checkpoint import load_checkpoint
from limner.training.evaluate import EpochRecord
from limner.training.finish import export_run
from limner.training.run import TrainingRun
from limner.training.stages import Workshop


@pytest.fixture
def finished(rehearsal: Workshop, tmp_path: Path) -> Workshop:
    """The finished run once more, to be written into, without the art that it was made from."""
    shutil.copytree(rehearsal.folder, tmp_path / "run")
    return replace(rehearsal, folder=tmp_path / "run", art=tmp_path / "none", tokenizer=tmp_path / "none")


@pytest.fixture
def prepared(finished: Workshop) -> Workshop:
    """The same before its first epoch."""
    shutil.rmtree(finished.folder / "denoiser")
    (finished.folder / "trace.json").unlink()
    return finished


def untimed(trace: list[EpochRecord]) -> list[EpochRecord]:
    """Records without what depends on the machine."""
    return [replace(record, seconds=0.0) for record in trace]


def test_the_trace_begins_with_the_untrained_model(finished: Workshop) -> None:
    """One record for each epoch, the judge's first words on the model as it was born, and all of it on disk."""
    training = TrainingRun(finished)
    trace = training.trace
    assert [(record.epoch, record.pictures) for record in trace] == [(0, 0), (1, 8), (2, 16)]
    assert trace[0].denoising_loss == 0 < trace[1].denoising_loss
    assert all(record.loss > 0 and record.observation for record in trace)
    kept = json.loads((finished.folder / "trace.json").read_text(encoding="utf-8"))
    assert kept == [asdict(record) for record in trace]
    assert list(training.epochs()) == []


def test_after_the_last_epoch_the_seams_are_mended(rehearsal: Workshop, tmp_path: Path) -> None:
    """The deblocking is trained on that epoch's pictures and judged; only then is it part of the model."""
    shutil.copytree(rehearsal.folder, tmp_path / "run")
    workshop = replace(rehearsal, folder=tmp_path / "run")
    verdict = TrainingRun(workshop).deblock()
    kept = json.loads((workshop.folder / "deblocked-002.json").read_text(encoding="utf-8"))
    assert kept == {"loss": round(verdict.loss, 4), "accuracy": round(verdict.accuracy, 4)}
    export_run(workshop.folder, tmp_path / "model", tokenizer=workshop.tokenizer, data=workshop.data)
    assert read_manifest(tmp_path / "model").scores["prompt_match"] == kept
    trained, _ = load_checkpoint(workshop.folder / "deblocking-002.safetensors")
    exported = load_file(tmp_path / "model" / "autoencoder.safetensors")
    name = "leave.weight"
    assert trained[name].abs().max() > 0
    assert np.allclose(exported[f"deblocking.{name}"], trained[name].numpy(), rtol=1e-3, atol=1e-6)


def test_a_stopped_run_ends_like_one_in_one_piece(prepared: Workshop, rehearsal: Workshop) -> None:
    """Stopped in its second epoch and opened again, it has the same trace and the same weights to the bit."""
    stopped = TrainingRun(prepared)
    epochs = stopped.epochs()
    assert [next(epochs).epoch, next(epochs).epoch] == [0, 1]
    next(stopped.run.train_epoch())
    stopped.run.save()
    resumed = TrainingRun(prepared)
    assert resumed.run.step == 3
    assert [record.epoch for record in resumed.epochs()] == [2]
    assert untimed(resumed.trace) == untimed(TrainingRun(rehearsal).trace)
    last = Path("denoiser", "epoch-002.safetensors")
    mine, theirs = (load_checkpoint(shop.folder / last)[0] for shop in (prepared, rehearsal))
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)


def test_what_was_trained_but_not_judged_is_judged_first(finished: Workshop) -> None:
    """A run that was stopped between training and judging makes up for it, without training again."""
    expected = TrainingRun(finished).trace
    (finished.folder / "trace.json").write_text(json.dumps([asdict(expected[0])]), encoding="utf-8")
    training = TrainingRun(finished)
    assert list(training.epochs()) == expected[1:]
    assert training.run.step == 4


def test_another_recipe_is_refused(finished: Workshop) -> None:
    """The error names what differs; the recipe in the folder stays."""
    before = (finished.folder / "recipe.json").read_bytes()
    recipe = replace(finished.recipe, seed=1, wordings=3, run=replace(finished.recipe.run, clip=2.0))
    with pytest.raises(
        TrainingError, match=r"another recipe \(seed, wordings, run.clip differ\): choose another folder"
    ):
        TrainingRun(replace(finished, recipe=recipe))
    assert (finished.folder / "recipe.json").read_bytes() == before


def test_a_torn_line_of_the_log_is_passed_over(finished: Workshop) -> None:
    """A crash in mid-write costs one line of the log, not the trace."""
    training = TrainingRun(finished)
    path = finished.folder / "denoiser" / "log.jsonl"
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole + '{"step": 4, "lo', encoding="utf-8")
    assert len(training.run.logged(1)) == training.run.config.epoch_steps
    path.write_text(whole, encoding="utf-8")


def test_a_damaged_file_of_the_run_is_an_error(finished: Workshop) -> None:
    """Half a recipe or half a trace is named, with what to do."""
    for name in ("recipe.json", "trace.json"):
        path = finished.folder / name
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(TrainingError, match=f"{name} is missing or damaged"):
            TrainingRun(finished)
        path.write_bytes(whole)


def test_a_finished_run_can_be_made_longer(finished: Workshop) -> None:
    """With more epochs in its recipe it goes on from where it ended."""
    recipe = replace(finished.recipe, run=replace(finished.recipe.run, epochs=3))
    training = TrainingRun(replace(finished, recipe=recipe))
    assert [record.epoch for record in training.epochs()] == [3]
    assert len(training.trace) == 4

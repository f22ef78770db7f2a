"""`limner.training.finish`: the last judged epoch becomes the model, with its scores."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.numpy import load_file

from limner.errors import TrainingError
from limner.models import read_manifest
from limner.network.weights import widened
from limner.text.vocabulary import VOCABULARY, Vocabulary
from limner.training.checkpoint import load_checkpoint
from limner.training.finish import export_run
from limner.training.scenes.concepts import data_folder, load_concepts
from limner.training.stages import Workshop


@pytest.fixture
def run(rehearsal: Workshop, tmp_path: Path) -> Path:
    """A finished run's folder, to be written into."""
    return Path(shutil.copytree(rehearsal.folder, tmp_path / "run"))


def test_the_model_is_the_last_judged_epoch(run: Path, rehearsal: Workshop, tmp_path: Path) -> None:
    """Its weights are that epoch's averages, and its manifest tells scores, ceiling, trace and recipe."""
    export_run(run, tmp_path / "model", tokenizer=rehearsal.tokenizer, data=rehearsal.data)
    trace = json.loads((run / "trace.json").read_text(encoding="utf-8"))
    manifest = read_manifest(tmp_path / "model")
    assert manifest.name == "rehearsal"
    assert [list(grid) for grid in manifest.shapes] == manifest.recipe["shapes"]
    assert manifest.scores["prompt_match"] == {"accuracy": trace[-1]["accuracy"], "loss": trace[-1]["loss"]}
    ceiling = json.loads((run / "ceiling.json").read_text(encoding="utf-8"))
    assert manifest.scores["prompt_match_of_real_scenes"] == ceiling
    assert list(manifest.training_trace) == trace
    assert manifest.recipe == json.loads((run / "recipe.json").read_text(encoding="utf-8"))
    averages, _ = load_checkpoint(run / "denoiser" / "epoch-002.safetensors")
    exported = widened(load_file(tmp_path / "model" / "denoiser.safetensors"))
    for name, value in averages.items():
        # What is stored in 8 bits is right to a part of each row's largest number.
        rounding = float(value.abs().max()) / 100 if name.startswith("memory.looks") else 1e-6
        torch.testing.assert_close(exported[name], value, rtol=1e-3, atol=rounding)


def test_the_model_knows_the_words_it_was_taught(run: Path, rehearsal: Workshop, tmp_path: Path) -> None:
    """Those of its captions and of its table, and what names its things, colours, relations and places."""
    export_run(run, tmp_path / "model", tokenizer=rehearsal.tokenizer, data=rehearsal.data)
    lexicon = Vocabulary.load(tmp_path / "model" / VOCABULARY).lexicon
    concepts = load_concepts((rehearsal.data or data_folder()) / "concepts.csv")
    assert all((concept.noun, concept.plural) in lexicon.names for concept in concepts)
    assert {"sky", *concepts[0].noun.split()} <= lexicon.words
    assert ("red", "red") in lexicon.names
    assert lexicon.things[concepts[0].plural] == concepts[0].noun
    assert lexicon.qualities["red"] == "colour"
    assert lexicon.unpaintable.keys() == {concept.noun for concept in concepts if not concept.recolour}
    assert "next to" in lexicon.relations
    assert "at night" in lexicon.settings
    assert VOCABULARY in read_manifest(tmp_path / "model").files


@pytest.mark.parametrize("judged", [None, 1])
def test_a_run_without_a_finished_epoch_is_refused(run: Path, tmp_path: Path, judged: int | None) -> None:
    """Before the first epoch ends, with or without a verdict on the untrained model, there is no model."""
    trace = json.loads((run / "trace.json").read_text(encoding="utf-8"))
    (run / "trace.json").unlink()
    if judged is not None:
        (run / "trace.json").write_text(json.dumps(trace[:judged]), encoding="utf-8")
    with pytest.raises(
        TrainingError, match="no training trace yet: let `limner train` finish an epoch first"
    ):
        export_run(run, tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("name", ["text-image.safetensors", "denoiser/epoch-002.safetensors"])
def test_a_missing_part_is_named(run: Path, tmp_path: Path, name: str) -> None:
    """Which file of the run is missing, the error tells; nothing is written."""
    (run / name).unlink()
    with pytest.raises(TrainingError, match=f"{name} is missing or damaged"):
        export_run(run, tmp_path / "model")
    assert not (tmp_path / "model").exists()

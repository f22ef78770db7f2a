"""`limner.training.start`: a run that goes on with the networks of a model, and tells its story on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from limner.errors import TrainingError
from limner.models import read_manifest
from limner.network.denoiser import Denoiser
from limner.network.folder import Networks, open_networks
from limner.training.finish import export_run
from limner.training.looks import painted_things
from limner.training.run import TrainingRun
from limner.training.scenes.cells import PAINTS, PARTS
from limner.training.stages import Workshop
from limner.training.start import started

KEPT = ("latents.npy", "things.npy", "facts.npy", "examination.npz", "judge.safetensors", "ceiling.json")
"""What a second run on the same scenes need not make again."""


@pytest.fixture(scope="module")
def model(rehearsal: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished run as a model."""
    folder = tmp_path_factory.mktemp("start") / "first"
    export_run(rehearsal.folder, folder, tokenizer=rehearsal.tokenizer, data=rehearsal.data)
    return folder


@pytest.fixture
def second(rehearsal: Workshop, model: Path, tmp_path: Path) -> Workshop:
    """A run that starts from that model, before its first step."""
    folder = tmp_path / "second"
    folder.mkdir()
    for name in KEPT:
        shutil.copy(rehearsal.folder / name, folder / name)
    things_K3hw = np.load(folder / "things.npy")
    things_K3hw[:, 2, :, :4] = 0
    things_K3hw[:, 2, :, 4:] = things_K3hw[:, 0, :, 4:] > 0  # what stands on the right is painted
    np.save(folder / "things.npy", things_K3hw)
    recipe = rehearsal.recipe
    run = replace(recipe.run, epochs=1, flow=replace(recipe.run.flow, shown=0.5))
    return replace(
        rehearsal,
        folder=folder,
        recipe=replace(recipe, name="second", start=str(model), painted=1.0, run=run),
    )


def weights_of(model: Path) -> Networks:
    """A model's networks."""
    return open_networks(model, read_manifest(model).networks)


def test_all_networks_go_on(second: Workshop, model: Path) -> None:
    """Before its first step a run has the model's weights, and not its own; what is painted there looks anew."""
    training, start = TrainingRun(second), weights_of(model)
    mine = (training.text_encoder, training.run.model, training.autoencoder, training.image_tower)
    before, after = looks_of(start.denoiser), looks_of(training.run.model)
    anew = (before != after).any(1)
    painted = (painted_things(training.run.data.things_K3hw, 20) > 0).repeat_interleave(PARTS)
    assert anew.any()
    assert not (anew & ~painted).any()
    before[anew] = after[anew]
    for one, other in zip(mine, start[:4], strict=True):
        pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
        assert all(torch.equal(*pair) for pair in pairs)


def test_the_trace_goes_on_where_the_models_ended(second: Workshop, model: Path, tmp_path: Path) -> None:
    """Epochs and pictures count on, encoders and latent space stay, and both recipes are told."""
    list(TrainingRun(second).epochs())
    export_run(second.folder, tmp_path / "out", tokenizer=second.tokenizer, data=second.data)
    before, after = read_manifest(model), read_manifest(tmp_path / "out")
    assert [record["epoch"] for record in after.training_trace] == [0, 1, 2, 3]
    assert [record["pictures"] for record in after.training_trace] == [0, 8, 16, 24]
    assert after.training_trace[:3] == before.training_trace
    assert after.recipe["started"] == before.recipe
    start, end = weights_of(model), weights_of(tmp_path / "out")
    for one, other in zip(start.text_encoder.parameters(), end.text_encoder.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-3)
    assert not torch.equal(start.denoiser.head.weight, end.denoiser.head.weight)


def test_a_learned_memory_rests(second: Workshop) -> None:
    """No step changes how things look."""
    training = TrainingRun(second)
    before = looks_of(training.run.model).clone()
    list(training.run.train_epoch())
    assert torch.equal(before, looks_of(training.run.model))


def looks_of(denoiser: Denoiser) -> torch.Tensor:
    """What its memory keeps, as it is kept."""
    assert denoiser.memory is not None
    return denoiser.memory.looks.detach()


def test_other_shapes_are_refused(second: Workshop) -> None:
    """The message names what differs."""
    recipe = replace(second.recipe, denoiser=replace(second.recipe.denoiser, layers=2))
    with pytest.raises(TrainingError, match=r"first has other shapes than the recipe \(denoiser\)"):
        started(recipe)


def test_a_denoiser_may_get_a_table_of_paints(second: Workshop, model: Path, tmp_path: Path) -> None:
    """All else is the start's; the finished model has the table, and the next run goes on with it."""
    denoiser = replace(second.recipe.denoiser, painted=20, paints=PAINTS)
    painting = replace(second, recipe=replace(second.recipe, denoiser=denoiser))
    training = TrainingRun(painting)
    assert training.run.model.memory is not None
    assert training.run.model.memory.tints is not None
    assert training.run.model.memory.tints.changes.any()
    assert torch.equal(training.run.model.head.weight, weights_of(model).denoiser.head.weight)
    list(training.epochs())
    export_run(painting.folder, tmp_path / "out", tokenizer=second.tokenizer, data=second.data)
    exported = weights_of(tmp_path / "out").denoiser.state_dict()
    kept = training.run.model.memory.tints.changes
    torch.testing.assert_close(exported["memory.tints.changes"], kept, atol=1e-2, rtol=1e-3)
    for name in KEPT:
        (tmp_path / "third").mkdir(exist_ok=True)
        shutil.copy(painting.folder / name, tmp_path / "third" / name)
    recipe = replace(painting.recipe, start=str(tmp_path / "out"))
    again = TrainingRun(replace(painting, folder=tmp_path / "third", recipe=recipe)).run.model.state_dict()
    for learned in ("memory.tints.paint.weight", "memory.tints.paint.bias"):
        assert torch.equal(again[learned], exported[learned])
    assert again["memory.tints.paint.weight"].any()


def test_who_starts_anew_has_no_start(rehearsal: Workshop) -> None:
    """An empty name is no model."""
    assert started(rehearsal.recipe) is None

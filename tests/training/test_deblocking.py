"""`limner.training.deblocking`: what is learned from, and that a stopped training goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from limner.errors import TrainingError
from limner.network.autoencoder import PatchAutoencoder
from limner.network.denoiser import Denoiser
from limner.training.checkpoint import load_checkpoint
from limner.training.deblocking import DeblockingConfig, DeblockingRun, difference
from limner.training.run import TrainingRun
from limner.training.stages import Workshop


def begun(rehearsal: Workshop, checkpoint: Path, config: DeblockingConfig) -> DeblockingRun:
    """A training on the rehearsal's scenes, with its networks."""
    training = TrainingRun(rehearsal)
    denoiser = Denoiser(rehearsal.recipe.denoiser)
    denoiser.load_state_dict(load_checkpoint(training.run.snapshot(2))[0])
    torch.manual_seed(0)
    autoencoder = PatchAutoencoder(rehearsal.recipe.autoencoder)
    linear = {name: value for name, value in training.autoencoder.state_dict().items() if "." not in name}
    autoencoder.load_state_dict(linear, strict=False)
    return DeblockingRun(
        checkpoint, autoencoder, denoiser.eval(), training.run.data, rehearsal.stream(), config, guidance=2.0
    )


def test_seams_and_soft_edges_cost() -> None:
    """A wrong level costs its size everywhere; a wrong edge besides, both ways."""
    scene = torch.zeros(1, 3, 8, 8)
    torch.testing.assert_close(difference(scene + 0.5, scene), torch.tensor(0.5))
    edge = scene.clone()
    edge[..., 4:] = 0.5
    torch.testing.assert_close(difference(edge, scene), torch.tensor(0.25 + 0.5 / 7))
    torch.testing.assert_close(difference(edge.mT, scene), difference(edge, scene))


def test_it_learns(rehearsal: Workshop, tmp_path: Path) -> None:
    """After some steps on the same few scenes it is nearer to them than the linear decoder."""
    config = DeblockingConfig(steps=40, batch=4, rate=3e-3, noisy=1, noise=0.1, draws=1)
    losses = list(begun(rehearsal, tmp_path / "deblocking.safetensors", config).train(workers=1))
    assert len(losses) == 40
    assert sum(losses[-8:]) < 0.9 * sum(losses[:8])


def test_a_stopped_training_goes_on(rehearsal: Workshop, tmp_path: Path) -> None:
    """Stopped after a step and opened again, it ends with the weights of one in one piece."""
    config = DeblockingConfig(steps=3, batch=2, draws=2)
    whole = begun(rehearsal, tmp_path / "whole.safetensors", config)
    list(whole.train(workers=1))
    stopped = begun(rehearsal, tmp_path / "stopped.safetensors", config)
    next(stopped.train(workers=1))
    stopped.save()
    resumed = begun(rehearsal, tmp_path / "stopped.safetensors", config)
    assert resumed.step == 1
    assert len(list(resumed.train(workers=1))) == 2
    mine, theirs = resumed.network.state_dict(), whole.network.state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)
    assert list(begun(rehearsal, tmp_path / "stopped.safetensors", config).train(workers=1)) == []


def test_a_damaged_checkpoint_is_an_error(rehearsal: Workshop, tmp_path: Path) -> None:
    """Half a file is not taken for a beginning."""
    path = tmp_path / "deblocking.safetensors"
    config = DeblockingConfig(steps=1, batch=2, draws=1)
    list(begun(rehearsal, path, config).train(workers=1))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(TrainingError, match="missing or damaged"):
        begun(rehearsal, path, replace(config, steps=2))

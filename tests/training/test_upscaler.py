"""`limner.training.upscaler`: what is learned from, and that a stopped training goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from limner.errors import TrainingError
from limner.network.denoiser import Denoiser
from limner.network.upscaler import Upscaler
from limner.text.tokenizer import Tokenizer
from limner.training.checkpoint import load_checkpoint
from limner.training.run import TrainingRun
from limner.training.stages import Workshop
from limner.training.upscaler import Painter, UpscalerRun, UpscalerTraining, halved
from tests.tiny import tiny_upscaler

SHORT = UpscalerTraining(scenes=4, steps=3, batch=2, draws=1)


def begun(rehearsal: Workshop, checkpoint: Path, config: UpscalerTraining) -> UpscalerRun:
    """A training on the rehearsal's scenes, for its model."""
    training = TrainingRun(rehearsal)
    denoiser = Denoiser(rehearsal.recipe.denoiser)
    denoiser.load_state_dict(load_checkpoint(training.run.snapshot(2))[0])
    painter = Painter(
        autoencoder=training.autoencoder,
        denoiser=denoiser.eval(),
        text_encoder=training.text_encoder,
        tokenizer=Tokenizer(rehearsal.tokenizer),
        guidance=2.0,
    )
    torch.manual_seed(0)
    return UpscalerRun(checkpoint, tiny_upscaler(), painter, rehearsal.stream(), config)


def test_halving_keeps_levels_and_blurs_each_picture_by_its_own_deviation() -> None:
    """A plain picture stays as it is; an edge is the softer the larger the deviation."""
    torch.testing.assert_close(
        halved(torch.full((1, 3, 8, 8), 0.3), torch.ones(1)), torch.full((1, 3, 4, 4), 0.3)
    )
    edge = torch.zeros(2, 3, 16, 16)
    edge[..., 8:] = 1
    sharp, soft = halved(edge, torch.tensor([0.0, 2.0]))
    torch.testing.assert_close(sharp[0, 4], torch.tensor([0.0] * 4 + [1.0] * 4))
    assert 0.05 < soft[0, 4, 3] < 0.45
    torch.testing.assert_close(soft, soft.mT.mT)


def test_it_learns(rehearsal: Workshop, tmp_path: Path) -> None:
    """After some steps on the same few scenes it is nearer to the large ones than at first."""
    config = UpscalerTraining(scenes=4, steps=30, batch=4, rate=3e-3, again=1)
    losses = list(begun(rehearsal, tmp_path / "upscaler.safetensors", config).train(workers=1))
    assert len(losses) == 30
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])


def test_a_stopped_training_goes_on(rehearsal: Workshop, tmp_path: Path) -> None:
    """Stopped after a step and opened again, it ends with the weights of one in one piece."""
    whole = begun(rehearsal, tmp_path / "whole.safetensors", SHORT)
    list(whole.train(workers=1))
    stopped = begun(rehearsal, tmp_path / "stopped.safetensors", SHORT)
    next(stopped.train(workers=1))
    stopped.save()
    resumed = begun(rehearsal, tmp_path / "stopped.safetensors", SHORT)
    assert resumed.step == 1
    assert len(list(resumed.train(workers=1))) == 2
    mine, theirs = resumed.network.state_dict(), whole.network.state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)
    assert list(begun(rehearsal, tmp_path / "stopped.safetensors", SHORT).train(workers=1)) == []


def test_a_damaged_checkpoint_is_an_error(rehearsal: Workshop, tmp_path: Path) -> None:
    """Half a file is not taken for a beginning."""
    path = tmp_path / "upscaler.safetensors"
    begun(rehearsal, path, SHORT).save()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(TrainingError, match="missing or damaged"):
        begun(rehearsal, path, replace(SHORT, steps=4))


def test_a_run_trains_its_upscaler_last(rehearsal: Workshop) -> None:
    """The stage ends in a file, from which the network comes back."""
    training = TrainingRun(rehearsal)
    training.upscale()
    [path] = rehearsal.folder.glob("upscaler-*.safetensors")
    tensors, facts = load_checkpoint(path)
    path.unlink()
    network = Upscaler(rehearsal.recipe.upscaler)
    network.load_state_dict({name: tensors[name] for name in network.state_dict()})
    assert facts["step"] == rehearsal.recipe.upscaling.steps

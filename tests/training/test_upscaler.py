"""`limner.training.upscaler`: what is learned from, and that a stopped training goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from limner.errors import TrainingError
from limner.network.denoiser import Denoiser
from limner.network.upscaler import Upscaler
from limner.text.tokenizer import Tokenizer
from limner.training.checkpoint import load_checkpoint
from limner.training.dataset import SceneStream
from limner.training.run import TrainingRun
from limner.training.stages import Workshop
from limner.training.upscaler import Painter, Pairs, UpscalerRun, UpscalerTraining, draw_pairs, halved
from tests.tiny import tiny_upscaler

SHORT = UpscalerTraining(scenes=4, draws=1, steps=3, batch=2, window=64)


@pytest.fixture(scope="module")
def pairs(rehearsal: Workshop) -> Pairs:
    """Scenes in both sizes, the small ones as the rehearsal's model draws them."""
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
    return draw_pairs(painter, rehearsal.stream(), SHORT, workers=1)


def begun(checkpoint: Path, config: UpscalerTraining) -> UpscalerRun:
    """A training of a tiny network."""
    torch.manual_seed(0)
    return UpscalerRun(checkpoint, tiny_upscaler(), config)


def test_pairs_are_scenes_and_what_the_model_makes_of_them(pairs: Pairs, rehearsal: Workshop) -> None:
    """In both sizes; the model's pictures are not the scenes themselves."""
    stream = SceneStream(rehearsal.stream())
    assert (pairs.scenes_KHWC == np.stack([stream.picture(scene, 2) for scene in range(4)])).all()
    small = np.stack([stream.picture(scene) for scene in range(4)])
    assert pairs.drawn_KHWC.shape == small.shape
    assert 0.5 < np.abs(pairs.drawn_KHWC.astype(np.float32) - small).mean() < 100


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


def test_it_learns(pairs: Pairs, tmp_path: Path) -> None:
    """After some steps on the same few scenes it is nearer to the large ones than at first."""
    config = replace(SHORT, steps=40, batch=4, rate=3e-3, again=1)
    losses = list(begun(tmp_path / "upscaler.safetensors", config).train(pairs))
    assert len(losses) == 40
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])


def test_a_stopped_training_goes_on(pairs: Pairs, tmp_path: Path) -> None:
    """Stopped after a step and opened again, it ends with the weights of one in one piece."""
    whole = begun(tmp_path / "whole.safetensors", SHORT)
    list(whole.train(pairs))
    stopped = begun(tmp_path / "stopped.safetensors", SHORT)
    next(stopped.train(pairs))
    stopped.save()
    resumed = begun(tmp_path / "stopped.safetensors", SHORT)
    assert resumed.step == 1
    assert len(list(resumed.train(pairs))) == 2
    mine, theirs = resumed.network.state_dict(), whole.network.state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)
    assert list(begun(tmp_path / "stopped.safetensors", SHORT).train(pairs)) == []


def test_a_damaged_checkpoint_is_an_error(tmp_path: Path) -> None:
    """Half a file is not taken for a beginning."""
    path = tmp_path / "upscaler.safetensors"
    begun(path, SHORT).save()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(TrainingError, match="missing or damaged"):
        begun(path, replace(SHORT, steps=4))


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

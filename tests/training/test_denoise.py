"""`limner.training.denoise`: a run can stop anywhere and go on to the bit, and knows when it must not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from limner.errors import TrainingError
from limner.network.denoiser import Denoiser, DenoiserConfig
from limner.training.cache import CaptionStates
from limner.training.checkpoint import load_checkpoint
from limner.training.crew import Crew
from limner.training.denoise import DenoiserRun, RunConfig, RunData
from limner.training.flow import FlowConfig

SHAPES = DenoiserConfig(channels=3, grid=2, width=16, layers=3, heads=2, text_width=8, vector=4)
CONFIG = RunConfig(epochs=2, epoch_pictures=12, batch=4)
SCENES, WORDINGS = 10, 3


def data() -> RunData:
    """Latents and prompt vectors that tell their scene's number; thing 2's part 1 stands in each first cell."""
    scene_K = np.arange(SCENES)
    things_K3hw = np.zeros((SCENES, 3, 2, 2), dtype=np.uint16)
    things_K3hw[:, :, 0, 0] = 2, 1, 0
    start_M = np.concatenate([[0], np.cumsum(1 + np.arange(SCENES * WORDINGS) % 5)])
    states = CaptionStates(
        states_ND=np.random.default_rng(0).normal(size=(start_M[-1], 8)).astype(np.float16),
        vectors_MV=np.repeat(scene_K, WORDINGS)[:, None].repeat(4, 1).astype(np.float16),
        start_M=start_M,
    )
    latents_KChw = np.broadcast_to(scene_K[:, None, None, None] / 10, (SCENES, 3, 2, 2))
    return RunData(
        latents_KChw=latents_KChw.astype(np.float16),
        things_K3hw=things_K3hw,
        vectors_KV=-np.repeat(scene_K[:, None], 4, 1).astype(np.float16),
        states=states,
        wordings=WORDINGS,
    )


def begin(
    folder: Path, config: RunConfig = CONFIG, shapes: DenoiserConfig = SHAPES, crew: Crew | None = None
) -> DenoiserRun:
    """A run from the same first weights, or from the folder's checkpoint."""
    torch.manual_seed(0)
    return DenoiserRun(folder, config, Denoiser(shapes), data(), crew)


def train(run: DenoiserRun, steps: int) -> list[dict[str, float]]:
    """So many steps, whatever epochs they are in."""
    records: list[dict[str, float]] = []
    while len(records) < steps:
        for record in run.train_epoch():
            records.append(record)
            if len(records) == steps:
                break
    return records


def same_weights(one: DenoiserRun, other: DenoiserRun) -> bool:
    """Whether model, average and lesson are the same to the bit."""
    pairs = [
        (one.model.state_dict(), other.model.state_dict()),
        (one.average.weights, other.average.weights),
        (one.lesson.state_dict(), other.lesson.state_dict()),
    ]
    return all(torch.equal(mine[name], theirs[name]) for mine, theirs in pairs for name in mine)


def test_a_stopped_run_goes_on_to_the_bit(tmp_path: Path) -> None:
    """Saved in the middle of an epoch and begun anew, it ends with the weights of a run in one piece."""
    whole = begin(tmp_path / "whole")
    losses = [record["loss"] for record in train(whole, 6)]
    stopped = begin(tmp_path / "parts")
    train(stopped, 2)
    stopped.save()
    resumed = begin(tmp_path / "parts")
    assert resumed.step == 2
    assert [record["loss"] for record in train(resumed, 4)] == losses[2:]
    assert same_weights(whole, resumed)


def test_each_epoch_leaves_the_averaged_weights(tmp_path: Path) -> None:
    """After an epoch its snapshot holds the average, and the checkpoint its last step."""
    run = begin(tmp_path)
    assert [record["step"] for record in run.train_epoch()] == [1, 2, 3]
    tensors, facts = load_checkpoint(run.snapshot(1))
    assert facts["step"] == load_checkpoint(run.checkpoint)[1]["step"] == 3
    assert all(torch.equal(tensors[name], value) for name, value in run.average.weights.items())
    Denoiser(SHAPES).load_state_dict(tensors)


def test_a_longer_run_goes_on_from_before_the_cooldown(tmp_path: Path) -> None:
    """The copy from the step at which the rates began to fall is what a run of more epochs would have."""
    short, long = replace(CONFIG, cooldown=0.5), replace(CONFIG, epochs=4, cooldown=0.5)
    train(begin(tmp_path / "short", short), 6)
    (tmp_path / "long").mkdir()
    (tmp_path / "short" / "before-cooldown.safetensors").rename(tmp_path / "long" / "checkpoint.safetensors")
    longer, whole = begin(tmp_path / "long", long), begin(tmp_path / "whole", long)
    assert longer.step == 3
    train(whole, 6)
    train(longer, 3)
    assert same_weights(longer, whole)


def test_a_checkpoint_of_other_shapes_is_refused(tmp_path: Path) -> None:
    """The error names the file and says what to do."""
    begin(tmp_path).save()
    with pytest.raises(TrainingError, match=r"checkpoint\.safetensors holds .* other shapes: choose another"):
        begin(tmp_path, shapes=replace(SHAPES, width=32))


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    """The weights stay as they were, and the error says at which step and what to lower."""
    run = begin(tmp_path)
    run.data.latents_KChw[:] = np.nan
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    with pytest.raises(TrainingError, match="nan at step 0: lower the learning rates"):
        list(run.train_epoch())
    assert all(torch.equal(value, before[name]) for name, value in run.model.state_dict().items())
    assert not run.checkpoint.exists()


def test_the_rate_goes_up_stays_and_falls_to_zero() -> None:
    """Straight up in the warm-up, level at 1, straight down in the cooldown, always above 0."""
    config = RunConfig(epochs=10, epoch_pictures=100, batch=10, warmup=0.1, cooldown=0.2)
    rates = [config.rate(step) for step in range(config.steps)]
    assert rates[:10] == pytest.approx(np.linspace(0.1, 1, 10))
    assert set(rates[9:81]) == {1.0}
    assert rates[80:] == pytest.approx(np.linspace(1, 0.05, 20))
    assert RunConfig(epochs=1, epoch_pictures=1, batch=1, warmup=0, cooldown=0).rate(0) == 1


def test_both_optimizers_follow_the_rate(tmp_path: Path) -> None:
    """Each has its own peak, and the share of it that the step has."""
    run = begin(tmp_path, replace(CONFIG, cooldown=1.0, warmup=0.0))
    train(run, 4)
    assert run.muon.param_groups[0]["lr"] == pytest.approx(CONFIG.muon_rate * 0.5)
    assert run.adam.param_groups[0]["lr"] == pytest.approx(CONFIG.adam_rate * 0.5)


def test_a_batch_is_determined_by_seed_and_step(tmp_path: Path) -> None:
    """Asked for twice it is the same, whatever was trained meanwhile; another step or seed has another."""
    run, other = begin(tmp_path), begin(tmp_path / "other", replace(CONFIG, seed=1))
    batch = run.batch(1)
    train(run, 1)
    again = run.batch(1)
    assert all(torch.equal(one, same) for one, same in zip(batch.condition, again.condition, strict=True))
    for name in batch._fields:
        assert torch.equal(getattr(batch, name), getattr(again, name))
    assert not torch.equal(batch.t_B, run.batch(2).t_B)
    assert not torch.equal(batch.t_B, other.batch(1).t_B)


def test_pictures_get_their_own_captions(tmp_path: Path) -> None:
    """Prompts are those of the picture's scene, in all wordings."""
    run = begin(tmp_path, replace(CONFIG, batch=300, epoch_pictures=300, flow=FlowConfig(drop=0)))
    batch = run.batch(0)
    _, mask, vectors = batch.condition
    assert torch.equal(vectors[:, 0], (batch.x0_BChw[:, 0, 0, 0] * 10).round())
    assert mask.shape == (300, 8)
    first = vectors[:, 0] == 0
    assert set(mask[first].sum(1).tolist()) == {1, 2, 3}


@pytest.mark.parametrize("drop", [0.0, 0.3, 1.0])
def test_dropped_prompts_are_no_prompts_at_all(tmp_path: Path, drop: float) -> None:
    """The stated share of pictures has neither tokens nor a vector; no picture has only one of them."""
    run = begin(tmp_path, replace(CONFIG, batch=1000, epoch_pictures=1000, flow=FlowConfig(drop=drop)))
    run.data.states.vectors_MV[:] = 1
    _, mask, vectors = run.batch(0).condition
    assert torch.equal(mask.any(1), vectors.any(1))
    assert (~mask.any(1)).float().mean().item() == pytest.approx(drop, abs=0.04)


def test_things_weigh_more(tmp_path: Path) -> None:
    """A cell with a thing counts `thing_weight` times as much as another, and a picture 1 on average."""
    weight = begin(tmp_path).batch(0).weight_B1hw
    torch.testing.assert_close(weight[:, 0, 0, 0] / weight[:, 0, 1, 1], torch.full((4,), 4.0))
    torch.testing.assert_close(weight.mean(), torch.tensor(1.0))


@pytest.mark.parametrize(("lesson", "taught"), [(0.0, False), (0.2, True)])
def test_the_lesson_teaches_the_layers_before_it(tmp_path: Path, *, lesson: float, taught: bool) -> None:
    """The first layers learn from the head alone, which starts at zero, unless the lesson counts."""
    run = begin(tmp_path, replace(CONFIG, flow=FlowConfig(lesson=lesson)))
    run._train_step()
    gradients = [parameter.grad for parameter in run.model.layers[0].parameters()]
    assert any(gradient is not None and gradient.any().item() for gradient in gradients) == taught


def test_the_lesson_is_learned(tmp_path: Path) -> None:
    """What stands where is the same in all pictures here: soon there is little left to be wrong about."""
    run = begin(tmp_path, replace(CONFIG, epoch_pictures=160, epochs=1))
    lessons = [record["lesson"] for record in run.train_epoch()]
    assert lessons[-1] < 0.5 * lessons[0]


def test_the_log_tells_of_each_step_once(tmp_path: Path) -> None:
    """Of a step that was made twice, after a crash, the last record counts; epochs are kept apart."""
    run = begin(tmp_path)
    train(run, 2)
    run = begin(tmp_path)
    records = train(run, 4)
    assert run.logged(1) == records[:3]
    assert run.logged(2) == records[3:]
    assert run.logged(0) == []


def test_an_epoch_must_be_whole_batches() -> None:
    """Else the error tells both numbers."""
    with pytest.raises(TrainingError, match=r"epoch_pictures \(10\) must be a multiple of batch \(4\)"):
        RunConfig(epoch_pictures=10, batch=4)


def test_it_learns(tmp_path: Path) -> None:
    """On a few scenes the loss falls to less than half of what it was."""
    config = replace(CONFIG, epoch_pictures=16 * 60, batch=16, epochs=1, flow=FlowConfig(drop=0))
    losses = [record["loss"] for record in begin(tmp_path, config).train_epoch()]
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:5])


def test_some_pictures_are_learned_from_their_own_vectors(tmp_path: Path) -> None:
    """Then there is no token of a caption; without a vector, nothing is told at all."""
    flow = FlowConfig(drop=0.5, shown=1.0)
    batch = begin(tmp_path, replace(CONFIG, epoch_pictures=64, batch=64, flow=flow)).batch(0)
    scene_B = (batch.x0_BChw[:, 0, 0, 0] * 10).round()
    told_B = (batch.vectors_BV == -scene_B[:, None]).all(1)
    silent_B = (batch.vectors_BV == 0).all(1)
    assert not batch.mask_BT.any()
    assert bool((told_B | silent_B).all())
    assert 16 < int((told_B & (scene_B > 0)).sum()) < 48

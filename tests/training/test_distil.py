"""`limner.training.distil`: a student's one step becomes its teacher's several, and the student becomes the model."""

from __future__ import annotations

import copy
import itertools
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import Tensor

from limner.diffusion.guidance import guide
from limner.diffusion.sampler import Euler
from limner.diffusion.schedule import timesteps
from limner.models import read_manifest
from limner.network.denoiser import Denoiser
from limner.network.weights import widened
from limner.training.checkpoint import load_checkpoint
from limner.training.crew import Crew
from limner.training.denoise import Batch
from limner.training.distil import (
    STUDENT,
    DistilConfig,
    DistilRun,
    distil_loss,
    steps_from,
    straightened,
    student_sampling,
)
from limner.training.evaluate import SamplingConfig, denoised
from limner.training.finish import export_run
from limner.training.run import TrainingRun
from limner.training.stages import Workshop
from tests.training.test_denoise import CONFIG, SHAPES, data

SHIFT, GUIDANCE = 12.0, 3.0
DISTIL = DistilConfig(steps=4, batch=4, draws=4, teacher_draws=3)
SAMPLING = SamplingConfig(steps=12, guidance=GUIDANCE, time_shift=SHIFT)


def trained(*, inpaints: bool = False) -> Denoiser:
    """A teacher that makes something of every prompt and time, in eight cells."""
    torch.manual_seed(0)
    model = Denoiser(replace(SHAPES, inpaints=inpaints))
    for layer in (model.head, model.modulate, model.know):
        if layer is not None:
            torch.nn.init.normal_(layer.weight, std=0.3)
    return model.eval()


def begin(folder: Path, config: DistilConfig = DISTIL, crew: Crew | None = None) -> DistilRun:
    """A distillation of the same teacher, or what is in the folder of it."""
    return DistilRun(folder, config, SAMPLING, CONFIG, trained(), data(), crew)


def long_step(teacher: Denoiser, batch: Batch, times_SB: Tensor, guidance: float) -> Tensor:
    """Where users' own sampler and guidance take each noised scene, (B, C, h, w)."""
    states, mask, vectors = batch.condition
    t_B111 = batch.t_B[:, None, None, None]
    x_BChw = ((1 - t_B111) * batch.x0_BChw + t_B111 * batch.noise_BChw).numpy()
    for t_B, next_B in itertools.pairwise(times_SB):
        x = torch.from_numpy(x_BChw)
        with torch.no_grad():
            told, _ = teacher(x, t_B, states, mask, vectors)
            untold, _ = teacher(x, t_B, states, torch.zeros_like(mask), torch.zeros_like(vectors))
        x0_BChw = guide(told.numpy(), untold.numpy(), np.full(len(t_B), guidance))
        steps = zip(x_BChw, x0_BChw, t_B.tolist(), next_B.tolist(), strict=True)
        x_BChw = np.stack([Euler().step(*step) for step in steps]).astype(np.float32)
    return torch.from_numpy(x_BChw)


class Knowing(Denoiser):
    """A student whose estimate of each picture is given."""

    def __init__(self, x0_BChw: Tensor) -> None:
        super().__init__(SHAPES)
        self.x0_BChw = x0_BChw

    def output(self, x_BChw: Tensor, t_B: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor, Tensor]:
        """What makes the estimate be that."""
        skip, out, into = (factor[..., None, None] for factor in self.preconditioning(t_B))
        return (self.x0_BChw - skip * x_BChw / into) / out, torch.zeros(()), torch.zeros(())


@pytest.mark.parametrize("place", range(4))
def test_the_teacher_divides_the_students_steps_as_the_schedule_would(place: int) -> None:
    """Four steps of three are the schedule of twelve."""
    t_B = torch.from_numpy(timesteps(4, SHIFT)[place : place + 1]).float()
    times_S = steps_from(t_B, DISTIL, SHIFT)[:, 0]
    expected = torch.from_numpy(timesteps(12, SHIFT)[3 * place : 3 * place + 4]).float()
    torch.testing.assert_close(times_S, expected, rtol=0, atol=2e-6)


def test_from_elsewhere_a_step_is_as_long_or_leads_to_the_end() -> None:
    """In the schedule's even time it takes a quarter; from the last quarter on it ends in the clean picture."""
    t_B = torch.tensor([0.99, 0.9, 0.7, 0.05])
    times_SB = steps_from(t_B, DISTIL, SHIFT)
    even_SB = times_SB / (SHIFT - (SHIFT - 1) * times_SB)
    torch.testing.assert_close(times_SB[0], t_B)
    assert (times_SB.diff(dim=0) < 0).all()
    torch.testing.assert_close(even_SB[0, :2] - even_SB[-1, :2], torch.full((2,), 0.25))
    assert times_SB[-1].tolist()[2:] == [0, 0]


def test_one_step_towards_the_straightened_picture_ends_where_it_should() -> None:
    """Euler's step from x to x', and the noise from which x comes; at the end the picture is x' itself."""
    torch.manual_seed(0)
    x, goal = torch.randn(2, 3, 3, 2, 2)
    t_B, next_B = torch.tensor([1.0, 0.9, 0.4]), torch.tensor([0.97, 0.5, 0.0])
    x0, noise = straightened(x, goal, t_B, next_B)
    for one in range(3):
        t, t_next = t_B[one].item(), next_B[one].item()
        stepped = Euler().step(x[one].numpy(), x0[one].numpy(), t, t_next)
        np.testing.assert_allclose(stepped, goal[one].numpy(), rtol=0, atol=1e-5)
        torch.testing.assert_close((1 - t) * x0[one] + t * noise[one], x[one])
    assert torch.equal(x0[2], goal[2])


def test_a_student_that_makes_the_teachers_long_step_has_no_loss(tmp_path: Path) -> None:
    """The target is where the sampler and the guidance that users have would take the teacher."""
    batch, teacher = begin(tmp_path).batch(0), trained()
    times_SB = steps_from(batch.t_B, DISTIL, SHIFT)
    goal_BChw = long_step(teacher, batch, times_SB, GUIDANCE)
    t_B111, r_B111 = (value[:, None, None, None] for value in (batch.t_B, times_SB[-1] / batch.t_B))
    x_BChw = (1 - t_B111) * batch.x0_BChw + t_B111 * batch.noise_BChw
    perfect = Knowing((goal_BChw - r_B111 * x_BChw) / (1 - r_B111))
    with torch.no_grad():
        loss_B = distil_loss(perfect, teacher, batch, times_SB, GUIDANCE)
        assert (distil_loss(teacher, teacher, batch, times_SB, GUIDANCE) > 1e-3).any()
    torch.testing.assert_close(loss_B, torch.zeros(4), rtol=0, atol=1e-6)


def test_no_prompt_stays_no_prompt(tmp_path: Path) -> None:
    """Where there is none the teacher's guidance changes nothing; where there is one, it does."""
    batch, teacher = begin(tmp_path).batch(0), trained()
    untold = batch._replace(
        mask_BT=torch.zeros_like(batch.mask_BT), vectors_BV=torch.zeros_like(batch.vectors_BV)
    )
    times_SB = steps_from(batch.t_B, DISTIL, SHIFT)
    with torch.no_grad():
        for pictures, same in ((untold, True), (batch, False)):
            free, strict = (distil_loss(teacher, teacher, pictures, times_SB, w) for w in (1.0, 9.0))
            assert torch.allclose(free, strict, rtol=1e-3, atol=1e-7) is same


def test_both_are_told_what_is_known(tmp_path: Path) -> None:
    """Networks that inpaint see the known cells in every pass, guided or not."""
    batch, teacher = begin(tmp_path).batch(0), trained(inpaints=True)
    mask_B1hw = torch.ones(4, 1, 2, 2)
    mask_B1hw[..., 0, 0] = 0
    told = batch._replace(known_B1hw=mask_B1hw)
    known_BKhw = teacher.known(batch.x0_BChw, mask_B1hw)
    seen: list[Tensor | None] = []

    class Watching(Denoiser):
        """Notes what it is told."""

        def output(self, *given: Any) -> tuple[Tensor, Tensor, Tensor]:
            """As ever."""
            seen.append(given[5])
            return super().output(*given)

    watching = Watching(teacher.config)
    times_SB = steps_from(batch.t_B, DISTIL, SHIFT)
    distil_loss(watching, watching, told, times_SB, GUIDANCE)
    guided, own = [torch.cat([known_BKhw, known_BKhw])] * 3, [known_BKhw]
    assert len(seen) == 4
    for mine, theirs in zip(seen, guided + own, strict=True):
        assert mine is not None
        assert torch.equal(mine, theirs)


def test_most_pictures_are_where_the_student_looks(tmp_path: Path) -> None:
    """The share `elsewhere` keeps the flow's own times; step and seed alone say which, however many processes."""
    config = replace(DISTIL, batch=1000)
    batch = begin(tmp_path, config).batch(3)
    grid = torch.from_numpy(timesteps(4, SHIFT)[:-1]).float()
    counts = (batch.t_B[:, None] == grid).float().mean(0)
    torch.testing.assert_close(counts, torch.full((4,), 0.7 / 4), rtol=0, atol=0.05)
    shares = [begin(tmp_path / str(rank), config, Crew(rank, 2)).batch(3) for rank in range(2)]
    for name in batch._fields:
        assert torch.equal(torch.cat([getattr(share, name) for share in shares]), getattr(batch, name))


def test_one_step_of_the_student_comes_nearer_to_the_teachers(tmp_path: Path) -> None:
    """After some steps it ends far nearer to where the teacher's three guided ones lead than the teacher's own one."""
    config = DistilConfig(
        steps=50, batch=16, draws=4, teacher_draws=3, average=0.9, muon_rate=0.01, adam_rate=3e-3
    )
    run, teacher = begin(tmp_path, config), trained()
    assert len(list(run.train())) == 50
    student = Denoiser(SHAPES)
    student.load_state_dict(load_checkpoint(tmp_path / STUDENT)[0])
    batch = run.batch(1_000)
    times_SB = steps_from(batch.t_B, config, SHIFT)
    goal_BChw = long_step(teacher, batch, times_SB, GUIDANCE)
    t_B111 = batch.t_B[:, None, None, None]
    x_BChw = (1 - t_B111) * batch.x0_BChw + t_B111 * batch.noise_BChw
    before, after = (
        (denoised(model, x_BChw, times_SB[[0, -1]], batch.condition, 1.0) - goal_BChw).square().mean()
        for model in (teacher, student)
    )
    assert after < 0.5 * before


def test_a_stopped_distillation_goes_on_to_the_bit(tmp_path: Path) -> None:
    """Saved after two steps and begun anew, it ends with the weights of one in one piece; then it is done."""
    whole = begin(tmp_path / "whole")
    losses = [record["loss"] for record in whole.train()]
    stopped = begin(tmp_path / "parts")
    steps = stopped.train()
    next(steps), next(steps)
    stopped.save()
    resumed = begin(tmp_path / "parts")
    assert resumed.step == 2
    assert [record["loss"] for record in resumed.train()] == losses[2:]
    mine, theirs = (load_checkpoint(tmp_path / name / STUDENT)[0] for name in ("parts", "whole"))
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)
    assert list(begin(tmp_path / "parts").train()) == []


def test_a_shorter_distillation_ends_where_a_longer_one_stands(tmp_path: Path) -> None:
    """Stopped after two of four steps, and then told to make two, it is done."""
    run = begin(tmp_path)
    steps = run.train()
    next(steps), next(steps)
    run.save()
    assert not (tmp_path / STUDENT).exists()
    assert list(begin(tmp_path, replace(DISTIL, steps=2)).train()) == []
    assert all(
        torch.equal(value, run.average.weights[name])
        for name, value in load_checkpoint(tmp_path / STUDENT)[0].items()
    )


def test_the_teacher_stays_as_it_is(tmp_path: Path) -> None:
    """No step changes its weights."""
    teacher = trained()
    before = copy.deepcopy(teacher.state_dict())
    list(DistilRun(tmp_path, DISTIL, SAMPLING, CONFIG, teacher, data()).train())
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())


@pytest.fixture
def distilled(rehearsal: Workshop, tmp_path: Path) -> Workshop:
    """The finished run once more, with a recipe for a student."""
    shutil.copytree(rehearsal.folder, tmp_path / "run")
    config = DistilConfig(steps=2, batch=4, draws=3, teacher_draws=1)
    return replace(rehearsal, folder=tmp_path / "run", recipe=replace(rehearsal.recipe, distil=config))


def exported(workshop: Workshop, folder: Path, *, teacher: bool = False) -> dict[str, Any]:
    """The model's denoiser, how it draws, and its score."""
    export_run(workshop.folder, folder, teacher=teacher, tokenizer=workshop.tokenizer, data=workshop.data)
    manifest = read_manifest(folder)
    return {
        "weights": widened(load_file(folder / "denoiser.safetensors")),
        "drawing": (manifest.steps, manifest.guidance, manifest.timestep_shift),
        "score": manifest.scores["prompt_match"],
    }


def is_like(stored: dict[str, Any], path: Path) -> bool:
    """Whether a model's weights are a snapshot's, up to their rounding."""
    tensors, _ = load_checkpoint(path)
    learned = tensors.keys() - {"memory.looks"}  # which is stored in 8 bits
    return all(torch.allclose(stored[name], tensors[name], rtol=1e-3, atol=1e-6) for name in learned)


def test_the_model_is_the_student_or_on_demand_the_teacher(distilled: Workshop, tmp_path: Path) -> None:
    """Each with its own number of steps, guidance and score; the seams are mended for the student."""
    training, sampling = TrainingRun(distilled), distilled.recipe.sampling
    verdict = training.distil()
    assert verdict is not None
    kept = json.loads((distilled.folder / "distilled-002.json").read_text(encoding="utf-8"))
    assert kept == {"loss": round(verdict.loss, 4), "accuracy": round(verdict.accuracy, 4)}
    student = exported(distilled, tmp_path / "student")
    assert student["drawing"] == (3, 1.0, sampling.time_shift)
    assert student["score"] == kept
    assert is_like(student["weights"], distilled.folder / "distilled-002" / STUDENT)
    mended = training.deblock()
    assert exported(distilled, tmp_path / "mended")["score"]["loss"] == round(mended.loss, 4)
    teacher = exported(distilled, tmp_path / "teacher", teacher=True)
    assert teacher["drawing"] == (sampling.steps, sampling.guidance, sampling.time_shift)
    assert teacher["score"]["loss"] == training.trace[-1].loss
    assert is_like(teacher["weights"], distilled.folder / "denoiser" / "epoch-002.safetensors")
    assert not is_like(teacher["weights"], distilled.folder / "distilled-002" / STUDENT)


def test_a_recipe_without_a_student_has_none(rehearsal: Workshop, tmp_path: Path) -> None:
    """Nothing is trained, and the teacher is the model, asked for or not."""
    assert TrainingRun(rehearsal).distil() is None
    assert not (rehearsal.folder / "distilled-002").exists()
    plain, teacher = exported(rehearsal, tmp_path / "a"), exported(rehearsal, tmp_path / "b", teacher=True)
    assert (plain["drawing"], plain["score"]) == (teacher["drawing"], teacher["score"])


def test_who_stops_a_distillation_loses_nothing(distilled: Workshop) -> None:
    """What was trained when the report was refused is saved, and the next start goes on from there."""

    def stop(stage: str, *_: Any) -> None:
        if stage == "distillation":
            raise KeyError(stage)

    with pytest.raises(KeyError):
        TrainingRun(replace(distilled, report=stop)).distil()
    _, facts = load_checkpoint(distilled.folder / "distilled-002" / "checkpoint.safetensors")
    assert facts["step"] == 1
    assert TrainingRun(distilled).distil() is not None


def test_the_student_draws_in_its_own_steps_unguided() -> None:
    """The time shift stays."""
    assert student_sampling(DISTIL, SAMPLING) == SamplingConfig(steps=4, guidance=1.0, time_shift=SHIFT)

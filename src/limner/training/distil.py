"""The distillation: a student learns to go in one unguided step where the teacher goes in several guided ones.

Both are the same network, and the student starts from the teacher's weights. A scene is noised to some time, and
the teacher draws it from there to where the student's next step is to lead. The straight line through both ends comes
from some noise and leads to some clean picture, and on these the student is trained as its teacher was on noise and
scenes. This is progressive distillation (Salimans and Ho 2022) with the guidance folded in (Meng et al. 2023,
section 3).

Axes in names: B batch, C latent channels, h, w latent grid, S + 1 times, K = 1 + C a mask and what it shows.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from limner.diffusion.schedule import timesteps
from limner.network.denoiser import Denoiser
from limner.training.crew import Crew
from limner.training.denoise import Batch, DenoiserRun, RunConfig, RunData
from limner.training.evaluate import SamplingConfig, denoised
from limner.training.flow import flow_loss

__all__ = [
    "STUDENT",
    "DistilConfig",
    "DistilRun",
    "distil_loss",
    "steps_from",
    "straightened",
    "student_sampling",
]

STUDENT = "epoch-001.safetensors"
"""The student's weights in the folder of its run: the average after its one epoch."""

_WARMUP = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class DistilConfig:
    """How the student is trained. Its guidance and time shift are the recipe's sampling's; all else is its run's.

    Attributes:
        steps, batch: how long; 0 steps are no distillation.
        muon_rate, adam_rate: the first learning rates; they fall to zero.
        average: decay of the moving average of the weights, which are the student's own.
        draws: in how many steps the student draws.
        teacher_draws: how many the teacher makes for each of them.
        elsewhere: share of pictures whose time is the flow's own, instead of one at which the student looks when it
            draws from noise. Pictures that start from pictures, and other numbers of steps, look there.
    """

    steps: int = 0
    batch: int = 32
    muon_rate: float = 0.004
    adam_rate: float = 4e-4
    average: float = 0.99
    draws: int = 4
    teacher_draws: int = 4
    elsewhere: float = 0.3


def student_sampling(config: DistilConfig, sampling: SamplingConfig) -> SamplingConfig:
    """How the student draws: in its few steps, without a second pass for guidance."""
    return replace(sampling, steps=config.draws, guidance=1.0)


def steps_from(t_B: Tensor, config: DistilConfig, shift: float) -> Tensor:
    """(S + 1, B): the teacher's times, from t to where one of the student's steps leads from there.

    A step takes 1 / draws of the schedule's even time u, or what is left of it, and the teacher divides it evenly::

        t = shift u / (1 + (shift - 1) u)

    The network is not told how far it is to go. So there is one length of step for each time: of two, it would learn
    the mean, and from a time between two of the schedule's it goes as far as from those.

    Source: Esser et al. 2024, eq. 23; see `timesteps`.
    """
    t_B = t_B.double()
    u_B = t_B / (shift - (shift - 1) * t_B)
    done_S1 = torch.linspace(0, 1, config.teacher_draws + 1, dtype=torch.float64, device=t_B.device)[:, None]
    u_SB = u_B - done_S1 * u_B.clamp(max=1 / config.draws)
    return (shift * u_SB / (1 + (shift - 1) * u_SB)).float()


def straightened(x_BChw: Tensor, next_BChw: Tensor, t_B: Tensor, next_B: Tensor) -> tuple[Tensor, Tensor]:
    """The clean picture and the noise between which x at t and x' at t' < t lie on a straight line.

    ::

        x0 = (x' - r x) / (1 - r)        eps = (x - (1 - t) x0) / t        r = t' / t

    Euler's step from x towards this x0 ends in x'. Source: Salimans and Ho 2022, algorithm 2, with alpha = 1 - t and
    sigma = t.
    """
    t_B111, r_B111 = (value[:, None, None, None] for value in (t_B, next_B / t_B))
    x0_BChw = (next_BChw - r_B111 * x_BChw) / (1 - r_B111)
    return x0_BChw, (x_BChw - (1 - t_B111) * x0_BChw) / t_B111


def distil_loss(
    student: Denoiser, teacher: Denoiser, batch: Batch, times_SB: Tensor, guidance: float
) -> Tensor:
    """(B,): the `flow_loss` of the student's one step from the batch's noised scenes to where the teacher goes.

    Pictures without a prompt have none for the teacher either, and then guidance changes nothing: the student still
    knows what no prompt looks like.

    Args:
        student, teacher: both networks.
        batch: the scenes, at the first of the times.
        times_SB: the teacher's times.
        guidance: the teacher's.
    """
    t_B111 = batch.t_B[:, None, None, None]
    x_BChw = (1 - t_B111) * batch.x0_BChw + t_B111 * batch.noise_BChw
    known_BKhw = teacher.known(batch.x0_BChw, batch.known_B1hw) if teacher.config.inpaints else None
    next_BChw = denoised(teacher, x_BChw, times_SB, batch.condition, guidance, known_BKhw)
    x0_BChw, noise_BChw = straightened(x_BChw, next_BChw, batch.t_B, times_SB[-1])
    loss_B, _ = flow_loss(
        student, x0_BChw, noise_BChw, batch.t_B, batch.condition, batch.weight_B1hw, known_BKhw
    )
    return loss_B


class _Step(nn.Module):
    """What a step computes, as one module, as in the run that made the teacher; there is no lesson any more."""

    def __init__(
        self, student: Denoiser, teacher: Denoiser, config: DistilConfig, sampling: SamplingConfig
    ) -> None:
        super().__init__()
        self.student, self.teacher, self.config, self.sampling = student, teacher, config, sampling

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        times_SB = steps_from(batch.t_B, self.config, self.sampling.time_shift)
        loss_B = distil_loss(self.student, self.teacher, batch, times_SB, self.sampling.guidance)
        return loss_B.mean(), torch.zeros(())


class DistilRun(DenoiserRun):
    """One distillation in one folder: a denoiser's run of one epoch, with a teacher. What is in the folder goes on.

    Args:
        folder: of the student's checkpoint, log and snapshot.
        config: how.
        sampling: how the teacher draws.
        run: of the teacher. What it learned from, and in which shares, the student learns from too.
        teacher: its averaged weights; they stay.
        data: the scenes.
        crew: the processes that train it together.
    """

    def __init__(
        self,
        folder: Path,
        config: DistilConfig,
        sampling: SamplingConfig,
        run: RunConfig,
        teacher: Denoiser,
        data: RunData,
        crew: Crew | None = None,
    ) -> None:
        super().__init__(folder, _one_epoch(config, run), copy.deepcopy(teacher), data, crew)
        self._distil = config
        looked_at = timesteps(config.draws, sampling.time_shift)[:-1]
        self._grid = torch.from_numpy(looked_at).float()
        teacher = teacher.requires_grad_(requires_grad=False).to(self.device)
        if self.config.compile:
            teacher.output = torch.compile(teacher.output, dynamic=False)  # type: ignore[method-assign]
        self._losses = self.crew.together(_Step(self.model, teacher, config, sampling))

    def train(self) -> Iterator[dict[str, float]]:
        """Train to the end; yields step, loss, pictures per second after each step."""
        if self.step < self.config.steps:
            yield from self.train_epoch()
        elif not (self.folder / STUDENT).is_file():  # it was further than it now has to go
            self._save_average(self.folder / STUDENT)

    def batch(self, step: int) -> Batch:
        """A batch as the teacher's run has them, most of it at the times at which the student draws."""
        batch, generator = super().batch(step), torch.Generator().manual_seed(step)
        place_B = torch.randint(len(self._grid), (self.config.batch,), generator=generator)
        elsewhere_B = torch.rand(self.config.batch, generator=generator) < self._distil.elsewhere
        mine = self.share
        return batch._replace(t_B=torch.where(elsewhere_B[mine], batch.t_B, self._grid[place_B[mine]]))


def _one_epoch(config: DistilConfig, run: RunConfig) -> RunConfig:
    """The student's run: the teacher's, but for how long and how fast; and it sees other pictures of the same."""
    return replace(
        run,
        epochs=1,
        epoch_pictures=config.steps * config.batch,
        batch=config.batch,
        muon_rate=config.muon_rate,
        adam_rate=config.adam_rate,
        average=config.average,
        warmup=_WARMUP,
        cooldown=1.0,
        flow=replace(run.flow, lesson=0.0),
        seed=run.seed + 1,
    )

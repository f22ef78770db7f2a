"""The denoiser's training run: steps, epochs, checkpoints, a log; it can stop anywhere and go on to the bit.

Axes in names: B batch, C latent channels, h, w latent grid, N picture tokens.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limner.errors import TrainingError
from limner.network.denoiser import Denoiser
from limner.training.cache import CaptionStates
from limner.training.checkpoint import load_checkpoint, load_optimizer, optimizer_tensors, save_checkpoint
from limner.training.crew import Crew
from limner.training.device import mixed_precision, training_device
from limner.training.flow import FlowConfig, flow_loss, sample_known, sample_times
from limner.training.lesson import Lesson, cell_weights
from limner.training.optimizer import Average, Muon, split_parameters
from limner.training.scenes.cells import PAINTS

__all__ = ["Batch", "DenoiserRun", "RunConfig", "RunData", "Scenes"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunConfig:
    """A whole denoiser run.

    Attributes:
        epochs, epoch_pictures: how long; an epoch is a fixed number of pictures.
        batch: pictures a step, of all processes together.
        muon_rate, adam_rate: peak learning rates.
        decay: Muon's weight decay.
        warmup, cooldown: shares of the run in which the rates rise to the peak and fall to zero.
        average: decay of the moving average of the weights, which are the ones that draw.
        clip: the largest norm of the gradient.
        flow: what is learned.
        shaped: share of the steps whose pictures are wide or high.
        seed: step s draws everything random from (seed, s).
        compile: let torch.compile fuse the network; worth its start-up in runs of over ten minutes.
    """

    epochs: int = 20
    epoch_pictures: int = 12_800
    batch: int = 64
    muon_rate: float = 0.02
    adam_rate: float = 2e-3
    decay: float = 0.2
    warmup: float = 0.01
    cooldown: float = 0.2
    average: float = 0.997
    clip: float = 1.0
    flow: FlowConfig = field(default_factory=FlowConfig)
    shaped: float = 0.0
    seed: int = 0
    compile: bool = False

    def __post_init__(self) -> None:
        if self.epoch_pictures % self.batch:
            raise TrainingError(
                f"epoch_pictures ({self.epoch_pictures}) must be a multiple of batch ({self.batch})"
            )

    @property
    def epoch_steps(self) -> int:
        """Steps in an epoch."""
        return self.epoch_pictures // self.batch

    @property
    def steps(self) -> int:
        """Steps in the run."""
        return self.epochs * self.epoch_steps

    def rate(self, step: int) -> float:
        """Share of the peak learning rate at a step: up, level, down to zero (Hu et al. 2024, WSD)."""
        up = (step + 1) / max(1.0, self.warmup * self.steps)
        down = (self.steps - step) / max(1.0, self.cooldown * self.steps)
        return min(1.0, up, down)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenes:
    """Cached latents of scenes of one shape, and what stands where in them."""

    latents_KChw: NDArray[np.float16]
    things_K3hw: NDArray[np.uint16]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunData(Scenes):
    """All that a run learns from.

    Attributes:
        latents_KChw, things_K3hw: of square scenes.
        vectors_KV: their vectors.
        states: `wordings` captions' states for each.
        wordings: how many.
        shaped: the first of these scenes in other shapes.
    """

    vectors_KV: NDArray[np.float16]
    states: CaptionStates
    wordings: int
    shaped: tuple[Scenes, ...] = ()


class Batch(NamedTuple):
    """What a step learns from."""

    x0_BChw: Tensor
    noise_BChw: Tensor
    t_B: Tensor
    states_BTD: Tensor
    mask_BT: Tensor
    vectors_BV: Tensor
    things_B3hw: Tensor
    weight_B1hw: Tensor
    known_B1hw: Tensor

    @property
    def condition(self) -> tuple[Tensor, Tensor, Tensor]:
        """The prompts, as the denoiser takes them."""
        return self.states_BTD, self.mask_BT, self.vectors_BV


class _Step(nn.Module):
    """What a step computes, as one module, so that the gradients of several processes can be brought together."""

    def __init__(self, model: Denoiser, lesson: Lesson) -> None:
        super().__init__()
        self.model, self.lesson = model, lesson

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        inpaints = self.model.config.inpaints
        known_BKhw = self.model.known(batch.x0_BChw, batch.known_B1hw) if inpaints else None
        noisy = batch.x0_BChw, batch.noise_BChw, batch.t_B
        loss_B, middle_BNW = flow_loss(self.model, *noisy, batch.condition, batch.weight_B1hw, known_BKhw)
        memory = self.model.memory
        named = None if memory is None else memory.names(middle_BNW)
        return loss_B.mean(), self.lesson(middle_BNW, batch.things_B3hw, batch.weight_B1hw, named).mean()


class DenoiserRun:
    """One run in one folder, by one process or a crew of them, who learn the same from the same pictures."""

    def __init__(
        self, folder: Path, config: RunConfig, model: Denoiser, data: RunData, crew: Crew | None = None
    ) -> None:
        self.folder, self.config, self.data, self.device = folder, config, data, training_device()
        self.crew = crew or Crew()
        self.share = self.crew.share(config.batch)
        self.model = model.to(self.device)
        untold = 0 if model.config.things else int(data.things_K3hw[:, 0].max())
        unpainted = 0 if model.config.painted else PAINTS
        self.lesson = Lesson(model.config.width, untold, unpainted).to(self.device)
        hidden, rest = split_parameters(model)
        rest += self.lesson.parameters()
        self.muon = Muon(hidden, lr=config.muon_rate, weight_decay=config.decay)
        self.adam = torch.optim.AdamW(rest, lr=config.adam_rate, betas=(0.9, 0.95), weight_decay=0.0)
        self.average = Average(model, config.average)
        self.step = 0
        self.width = -(-data.states.longest // 8) * 8
        if config.compile:
            model.output = torch.compile(model.output, dynamic=False)  # type: ignore[method-assign]
        folder.mkdir(parents=True, exist_ok=True)
        if self.checkpoint.is_file():
            self._resume()
        self._losses = self.crew.together(_Step(model, self.lesson))

    @property
    def checkpoint(self) -> Path:
        """The file that the run goes on from."""
        return self.folder / "checkpoint.safetensors"

    def train_epoch(self, save_every: float = 300.0) -> Iterator[dict[str, float]]:
        """Train to the end of the running epoch; yields step, loss, pictures per second after each step."""
        last_save = time.monotonic()
        end = (self.step // self.config.epoch_steps + 1) * self.config.epoch_steps
        while self.step < end:
            began = time.monotonic()
            loss, lesson = self._train_step()
            self.step += 1
            pace = round(self.config.batch / (time.monotonic() - began), 1)
            record = {"step": self.step, "loss": loss, "lesson": lesson, "pictures_per_second": pace}
            self._log(record)
            if self.step == round((1 - self.config.cooldown) * self.config.steps):
                self.save(self.folder / "before-cooldown.safetensors")
            if time.monotonic() - last_save > save_every or self.step == end:
                self.save()
                last_save = time.monotonic()
            yield record
        self._save_average(self.snapshot(self.step // self.config.epoch_steps))

    def snapshot(self, epoch: int) -> Path:
        """The averaged weights as they were at the end of an epoch: what the training trace judges."""
        return self.folder / f"epoch-{epoch:03d}.safetensors"

    def _train_step(self) -> tuple[float, float]:
        for group in (*self.muon.param_groups, *self.adam.param_groups):
            peak = self.config.muon_rate if group in self.muon.param_groups else self.config.adam_rate
            group["lr"] = peak * self.config.rate(self.step)
        batch = Batch(*(tensor.to(self.device) for tensor in self.batch(self.step)))
        with mixed_precision(self.device):
            loss, lesson = self._losses(batch)
        told = self.crew.mean([loss.item(), lesson.item()])
        if not math.isfinite(told[0]):
            raise TrainingError(
                f"the loss is {told[0]} at step {self.step}: lower the learning rates and resume"
            )
        self.muon.zero_grad()
        self.adam.zero_grad()
        (loss + self.config.flow.lesson * lesson).backward()
        nn.utils.clip_grad_norm_([*self.model.parameters(), *self.lesson.parameters()], self.config.clip)
        with mixed_precision(self.device):
            self.muon.step()
        self.adam.step()
        self.average.update(self.model, self.step)
        return round(told[0], 5), round(told[1], 5)

    def batch(self, step: int) -> Batch:
        """What this process learns from in a step, on the CPU: its share of a batch that (seed, step) alone make."""
        config, random = self.config, np.random.Generator(np.random.Philox(key=[self.config.seed, step]))
        generator = torch.Generator().manual_seed(int(random.integers(2**62)))
        scenes = self._scenes(random)
        rows_B = random.integers(len(scenes.latents_KChw), size=config.batch)
        captions_B = rows_B * self.data.wordings + random.integers(self.data.wordings, size=config.batch)
        dropped_B = torch.rand(config.batch, generator=generator) < config.flow.drop
        t_B = sample_times(config.batch, config.flow, generator)
        noise_BChw = torch.randn((config.batch, *scenes.latents_KChw.shape[1:]), generator=generator)
        shown_B = torch.rand(config.batch, generator=generator) < config.flow.shown
        known_B1hw = sample_known(noise_BChw[:, :1].shape, config.flow, generator)
        things_B3hw = torch.from_numpy(scenes.things_K3hw[rows_B].astype(np.int64))
        # Cells weigh by what stands in the whole batch.
        weight_B1hw = cell_weights(things_B3hw, config.flow.thing_weight)
        mine, kept_B1, shown_B1 = self.share, ~dropped_B[self.share, None], shown_B[self.share, None]
        states, mask, vectors = self.data.states.batch(captions_B[mine], self.width)
        own = torch.from_numpy(self.data.vectors_KV[rows_B[mine]].astype(np.float32))
        return Batch(
            x0_BChw=torch.from_numpy(scenes.latents_KChw[rows_B[mine]].astype(np.float32)),
            noise_BChw=noise_BChw[mine],
            t_B=t_B[mine],
            states_BTD=states,
            mask_BT=mask & kept_B1 & ~shown_B1,
            vectors_BV=torch.where(shown_B1, own, vectors) * kept_B1,
            things_B3hw=things_B3hw[mine],
            weight_B1hw=weight_B1hw[mine],
            known_B1hw=known_B1hw[mine],
        )

    def _scenes(self, random: np.random.Generator) -> Scenes:
        """Those of the shape that a step is about."""
        shaped = self.data.shaped
        if shaped and random.random() < self.config.shaped:
            return shaped[int(random.integers(len(shaped)))]
        return self.data

    def save(self, path: Path | None = None) -> None:
        """Write the checkpoint; before the cooldown a copy is kept, from which a longer run can go on.

        It does not tell how many processes there were, and any number can go on from it. The first one writes.
        """
        if not self.crew.is_first:
            return
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.weights.items()}
        tensors |= {f"lesson.{name}": value for name, value in self.lesson.state_dict().items()}
        tensors |= optimizer_tensors(self.muon, "muon") | optimizer_tensors(self.adam, "adam")
        save_checkpoint(path or self.checkpoint, tensors, self._facts())

    def _save_average(self, path: Path) -> None:
        if self.crew.is_first:
            save_checkpoint(path, self.average.weights, self._facts())

    def _facts(self) -> dict[str, Any]:
        return {"step": self.step, "config": asdict(self.config), "shapes": asdict(self.model.config)}

    def _resume(self) -> None:
        tensors, facts = load_checkpoint(self.checkpoint)
        if facts["shapes"] != asdict(self.model.config):
            raise TrainingError(f"{self.checkpoint} holds a denoiser of other shapes: choose another folder")
        self.model.load_state_dict(_named(tensors, "model."))
        self.lesson.load_state_dict(_named(tensors, "lesson."))
        averaged = _named(tensors, "average.")
        self.average.weights = {name: tensor.to(self.device) for name, tensor in averaged.items()}
        load_optimizer(self.muon, tensors, "muon")
        load_optimizer(self.adam, tensors, "adam")
        self.step = facts["step"]

    def logged(self, epoch: int) -> list[dict[str, float]]:
        """The log's records of an epoch's steps; of a step that was made twice, after a crash, the last one."""
        first, last = (epoch - 1) * self.config.epoch_steps, epoch * self.config.epoch_steps
        if epoch == 0 or not self._log_path.is_file():
            return []
        records = list(_whole_lines(self._log_path))
        return list({record["step"]: record for record in records if first < record["step"] <= last}.values())

    @property
    def _log_path(self) -> Path:
        return self.folder / "log.jsonl"

    def _log(self, record: dict[str, float]) -> None:
        if not self.crew.is_first:
            return
        with self._log_path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def _whole_lines(path: Path) -> Iterator[dict[str, float]]:
    """The log's records, but for a line that a crash has torn."""
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def _named(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

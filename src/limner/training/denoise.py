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
from limner.training.flow import FlowConfig, flow_loss, sample_times
from limner.training.lesson import Lesson, cell_weights
from limner.training.optimizer import Average, Muon, split_parameters

__all__ = ["Batch", "DenoiserRun", "RunConfig", "RunData"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunConfig:
    """A whole denoiser run.

    Attributes:
        epochs, epoch_pictures: how long; an epoch is a fixed number of pictures.
        batch: pictures a step.
        muon_rate, adam_rate: peak learning rates.
        decay: Muon's weight decay.
        warmup, cooldown: shares of the run in which the rates rise to the peak and fall to zero.
        average: decay of the moving average of the weights, which are the ones that draw.
        clip: the largest norm of the gradient.
        flow: what is learned.
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
class RunData:
    """Cached latents of scenes, what stands where in them, and `wordings` captions' states for each."""

    latents_KChw: NDArray[np.float16]
    things_K2hw: NDArray[np.uint8]
    states: CaptionStates
    wordings: int


class Batch(NamedTuple):
    """What a step learns from."""

    x0_BChw: Tensor
    noise_BChw: Tensor
    t_B: Tensor
    condition: tuple[Tensor, Tensor, Tensor]
    things_B2hw: Tensor
    weight_B1hw: Tensor


class DenoiserRun:
    """One run in one folder."""

    def __init__(self, folder: Path, config: RunConfig, model: Denoiser, data: RunData) -> None:
        self.folder, self.config, self.model, self.data = folder, config, model, data
        self.lesson = Lesson(model.config.width, int(data.things_K2hw[:, 0].max()))
        hidden, rest = split_parameters(model)
        rest += self.lesson.parameters()
        self.muon = Muon(hidden, lr=config.muon_rate, weight_decay=config.decay)
        self.adam = torch.optim.AdamW(rest, lr=config.adam_rate, betas=(0.9, 0.95), weight_decay=0.0)
        self.average = Average(model, config.average)
        self.step = 0
        self.width = -(-data.states.longest // 8) * 8
        if config.compile:
            model.residual = torch.compile(model.residual)  # type: ignore[method-assign]
        folder.mkdir(parents=True, exist_ok=True)
        if self.checkpoint.is_file():
            self._resume()

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
        save_checkpoint(
            self.snapshot(self.step // self.config.epoch_steps), self.average.weights, self._facts()
        )

    def snapshot(self, epoch: int) -> Path:
        """The averaged weights as they were at the end of an epoch: what the training trace judges."""
        return self.folder / f"epoch-{epoch:03d}.safetensors"

    def _train_step(self) -> tuple[float, float]:
        for group in (*self.muon.param_groups, *self.adam.param_groups):
            peak = self.config.muon_rate if group in self.muon.param_groups else self.config.adam_rate
            group["lr"] = peak * self.config.rate(self.step)
        x0, noise, t, condition, things, weight = self.batch(self.step)
        loss_B, middle_BNW = flow_loss(self.model, x0, noise, t, condition, weight)
        loss, lesson = loss_B.mean(), self.lesson(middle_BNW, things, weight).mean()
        if not math.isfinite(loss.item()):
            raise TrainingError(
                f"the loss is {loss.item()} at step {self.step}: lower the learning rates and resume"
            )
        self.muon.zero_grad()
        self.adam.zero_grad()
        (loss + self.config.flow.lesson * lesson).backward()
        nn.utils.clip_grad_norm_([*self.model.parameters(), *self.lesson.parameters()], self.config.clip)
        self.muon.step()
        self.adam.step()
        self.average.update(self.model, self.step)
        return round(loss.item(), 5), round(lesson.item(), 5)

    def batch(self, step: int) -> Batch:
        """What step learns from: by (seed, step) alone."""
        config, random = self.config, np.random.Generator(np.random.Philox(key=[self.config.seed, step]))
        generator = torch.Generator().manual_seed(int(random.integers(2**62)))
        rows_B = random.integers(len(self.data.latents_KChw), size=config.batch)
        x0_BChw = torch.from_numpy(self.data.latents_KChw[rows_B].astype(np.float32))
        captions_B = rows_B * self.data.wordings + random.integers(self.data.wordings, size=config.batch)
        states, mask, vectors = self.data.states.batch(captions_B, self.width)
        dropped_B = torch.rand(config.batch, generator=generator) < config.flow.drop
        mask = mask & ~dropped_B[:, None]
        vectors = vectors * ~dropped_B[:, None]
        t_B = sample_times(config.batch, config.flow, generator)
        noise_BChw = torch.randn(x0_BChw.shape, generator=generator)
        things_B2hw = torch.from_numpy(self.data.things_K2hw[rows_B]).long()
        return Batch(
            x0_BChw=x0_BChw,
            noise_BChw=noise_BChw,
            t_B=t_B,
            condition=(states, mask, vectors),
            things_B2hw=things_B2hw,
            weight_B1hw=cell_weights(things_B2hw, config.flow.thing_weight),
        )

    def save(self, path: Path | None = None) -> None:
        """Write the checkpoint; before the cooldown a copy is kept, from which a longer run can go on."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.weights.items()}
        tensors |= {f"lesson.{name}": value for name, value in self.lesson.state_dict().items()}
        tensors |= optimizer_tensors(self.muon, "muon") | optimizer_tensors(self.adam, "adam")
        save_checkpoint(path or self.checkpoint, tensors, self._facts())

    def _facts(self) -> dict[str, Any]:
        return {"step": self.step, "config": asdict(self.config), "shapes": asdict(self.model.config)}

    def _resume(self) -> None:
        tensors, facts = load_checkpoint(self.checkpoint)
        if facts["shapes"] != asdict(self.model.config):
            raise TrainingError(f"{self.checkpoint} holds a denoiser of other shapes: choose another folder")
        self.model.load_state_dict(_named(tensors, "model."))
        self.lesson.load_state_dict(_named(tensors, "lesson."))
        self.average.weights = _named(tensors, "average.")
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

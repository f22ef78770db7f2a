"""A whole training run, from the art to a model that draws. It can be stopped anywhere and started again."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from limner.errors import TrainingError
from limner.files import write_atomic
from limner.network.denoiser import Denoiser
from limner.training.denoise import DenoiserRun, RunData
from limner.training.evaluate import EpochRecord, judge_epoch, observe
from limner.training.stages import Workshop

__all__ = ["TrainingRun"]


class TrainingRun:
    """Carries out a recipe in a folder, stage by stage; `epochs` then trains the denoiser.

    Attributes:
        ceiling: the judge's loss and accuracy on real held-out scenes: no generator can be told to do better.
        trace: one record for each finished epoch.
    """

    def __init__(self, workshop: Workshop) -> None:
        self.workshop, recipe = workshop, workshop.recipe
        workshop.folder.mkdir(parents=True, exist_ok=True)
        self._check_recipe()
        torch.manual_seed(recipe.seed)
        self.autoencoder, deviation = workshop.autoencoder()
        latents = workshop.latents(self.autoencoder)
        questions = workshop.examination("questions", recipe.scenes, held_out=False)
        self.examination = workshop.examination("examination", recipe.examined, held_out=True)
        self.text_encoder, self.image_tower = workshop.text_and_image(latents, questions)
        states = workshop.states("states", workshop.training_captions, self.text_encoder)
        self.held_out = workshop.states("held-out", self._held_out_captions, self.text_encoder)
        self.judge = workshop.judge(latents, questions, self.autoencoder)
        self.ceiling = workshop.ceiling(self.judge, self.examination)
        torch.manual_seed(recipe.seed)
        denoiser = Denoiser(recipe.denoiser)
        denoiser.deviation.copy_(deviation)
        data = RunData(latents_KChw=latents, states=states, wordings=recipe.wordings)
        self.run = DenoiserRun(workshop.folder / "denoiser", recipe.run, denoiser, data)
        self.trace = self._read_trace()

    def _held_out_captions(self) -> list[str]:
        return [row[0].text for row in self.examination.choices]

    def _check_recipe(self) -> None:
        """A folder belongs to one recipe; only how long the denoiser trains may change between starts."""
        path, mine = self.workshop.folder / "recipe.json", asdict(self.workshop.recipe)
        mine = json.loads(json.dumps(mine))
        if path.is_file():
            theirs = json.loads(path.read_text(encoding="utf-8"))
            differing = [
                name for name in mine if name not in {"run", "sampling"} and mine[name] != theirs.get(name)
            ]
            if differing:
                raise TrainingError(
                    f"{self.workshop.folder} was begun with another recipe ({', '.join(differing)} differ): "
                    "choose another folder"
                )
        write_atomic(path, json.dumps(mine, indent=2).encode())

    def epochs(self) -> None:
        """Train until the recipe's last epoch, judging each; goes on where the last start stopped."""
        config = self.run.config
        if not self.trace:
            self._judge(0, self.run.model, 0.0, 0.0)
        while self.run.step < config.steps:
            epoch, began, losses = self.run.step // config.epoch_steps + 1, time.monotonic(), []
            for record in self.run.train_epoch():
                losses.append(record["loss"])
                pace = record["pictures_per_second"]
                note = f"epoch {epoch}, loss {record['loss']:.3f}, {pace:.0f} pictures/s"
                self.workshop.report("denoiser", int(record["step"]), config.steps, note)
            self._judge(epoch, self.averaged(), sum(losses) / len(losses), time.monotonic() - began)

    def averaged(self) -> Denoiser:
        """The denoiser with the averaged weights: the one that draws."""
        model = Denoiser(self.workshop.recipe.denoiser)
        model.load_state_dict(self.run.average.weights)
        return model.eval()

    def _judge(self, epoch: int, model: Denoiser, denoising_loss: float, seconds: float) -> None:
        sampling = self.workshop.recipe.sampling
        verdict = judge_epoch(model, self.autoencoder, self.judge, self.held_out, self.examination, sampling)
        record = EpochRecord(
            epoch=epoch,
            loss=round(verdict.loss, 4),
            accuracy=round(verdict.accuracy, 4),
            observation=observe(verdict),
            denoising_loss=round(denoising_loss, 5),
            pictures=epoch * self.run.config.epoch_pictures,
            seconds=round(seconds, 1),
        )
        self.trace.append(record)
        rows: list[dict[str, Any]] = [asdict(record) for record in self.trace]
        write_atomic(self._trace_path, json.dumps(rows, indent=1).encode())
        note = f"loss {record.loss:.2f}, accuracy {record.accuracy:.2f}; {record.observation}"
        self.workshop.report("trace", epoch, self.run.config.epochs, note)

    @property
    def _trace_path(self) -> Path:
        return self.workshop.folder / "trace.json"

    def _read_trace(self) -> list[EpochRecord]:
        if not self._trace_path.is_file():
            return []
        return [EpochRecord(**row) for row in json.loads(self._trace_path.read_text(encoding="utf-8"))]

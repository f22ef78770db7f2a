"""A whole training run, from the art to a model that draws. It can be stopped anywhere and started again."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from limner.errors import TrainingError
from limner.files import write_json_atomic
from limner.network.denoiser import Denoiser
from limner.network.upscaler import Upscaler
from limner.text.tokenizer import Tokenizer
from limner.training.checkpoint import load_checkpoint, read_json
from limner.training.crew import Crew
from limner.training.deblocking import DeblockingRun
from limner.training.denoise import DenoiserRun, RunData, Scenes
from limner.training.distil import STUDENT, DistilRun, student_sampling
from limner.training.evaluate import EpochRecord, SamplingConfig, judge_epoch, observe
from limner.training.examination import Verdict
from limner.training.looks import begin_memory
from limner.training.recipe import OLDEST
from limner.training.stages import Workshop
from limner.training.start import keep_start, started
from limner.training.upscaler import Painter, UpscalerRun, draw_pairs

__all__ = ["TrainingRun"]

_CHANGEABLE = frozenset({"epochs", "warmup", "cooldown", "compile"})
"""What of a denoiser run may be another at the next start: how long it is."""


class TrainingRun:
    """Carries out a recipe in a folder, stage by stage; `epochs` then trains the denoiser.

    Attributes:
        ceiling: the judge's loss and accuracy on real held-out scenes: no generator can be told to do better.
        trace: one record for each finished epoch.
    """

    def __init__(self, workshop: Workshop, crew: Crew | None = None) -> None:
        self.workshop, self.crew, recipe = workshop, crew or Crew(), workshop.recipe
        self.crew.share(recipe.run.batch)
        self.crew.share(recipe.distil.batch if recipe.distil.steps else 0)
        with self.crew.first_goes_ahead():
            self._check_recipe()
            keep_start(workshop.folder, recipe)
            torch.manual_seed(recipe.seed)
            data, deviation = self._prepare()
        torch.manual_seed(recipe.seed)
        self._born = self._new_denoiser(data, deviation)
        self.run = DenoiserRun(
            workshop.folder / "denoiser", recipe.run, copy.deepcopy(self._born), data, self.crew
        )
        self.trace = self._read_trace()

    def _new_denoiser(self, data: RunData, deviation: torch.Tensor) -> Denoiser:
        """The denoiser before its first step: that of the model to start from, or a new one."""
        start = started(self.workshop.recipe)
        denoiser = start.denoiser if start else Denoiser(self.workshop.recipe.denoiser)
        denoiser.deviation.copy_(deviation)
        if denoiser.memory is not None:
            begin_memory(denoiser.memory, data, deviation, is_learned=start is not None)
        return denoiser

    def _prepare(self) -> tuple[RunData, torch.Tensor]:
        """All that comes before the denoiser: what it learns from, and the deviation (C,) of its channels."""
        workshop, recipe = self.workshop, self.workshop.recipe
        self.autoencoder, deviation = workshop.autoencoder()
        latents = workshop.latents(self.autoencoder)
        self.examination = workshop.examination("examination", recipe.examined, held_out=True)
        self.text_encoder, self.image_tower = workshop.text_and_image(latents)
        states = workshop.states("states", workshop.training_captions, self.text_encoder)
        self.held_out = workshop.states("held-out", self._held_out_captions, self.text_encoder)
        self.judge = workshop.judge(latents, self.autoencoder)
        self.ceiling = workshop.ceiling(self.judge, self.examination)
        data = RunData(
            latents_KChw=latents,
            things_K3hw=workshop.things(),
            vectors_KV=workshop.vectors(self.image_tower, latents),
            states=states,
            wordings=recipe.wordings,
            shaped=tuple(
                Scenes(
                    latents_KChw=workshop.latents(self.autoencoder, shape), things_K3hw=workshop.things(shape)
                )
                for shape in recipe.shapes
            ),
        )
        return data, deviation

    def _held_out_captions(self) -> list[str]:
        return [row[0] for row in self.examination.texts]

    def _check_recipe(self) -> None:
        """A folder belongs to one recipe; how long the denoiser trains may change, and what comes after it."""
        self.workshop.folder.mkdir(parents=True, exist_ok=True)
        path = self.workshop.folder / "recipe.json"
        mine = json.loads(json.dumps(asdict(self.workshop.recipe)))
        if path.is_file():
            theirs = {**OLDEST, **read_json(path)}
            fixed = mine.keys() - {"run", "sampling", "distil", "deblocking", "upscaler", "upscaling"}
            differing = sorted(name for name in fixed if mine[name] != theirs.get(name))
            differing += _differing_runs(mine["run"], theirs.get("run", {}))
            if differing:
                raise TrainingError(
                    f"{self.workshop.folder} was begun with another recipe ({', '.join(differing)} differ): "
                    "choose another folder"
                )
        elif not self.crew.is_first:
            raise TrainingError(
                f"{path} is not here, but where the first process is: processes on several machines need one "
                "folder that all of them see"
            )
        if self.crew.is_first:
            write_json_atomic(path, mine)

    def epochs(self) -> Iterator[EpochRecord]:
        """Train until the recipe's last epoch; yields each epoch's record, the untrained model's first.

        What an interrupted start has trained but not judged is judged first. Of several processes the first one
        judges and yields the records, while the others wait.
        """
        config = self.run.config
        yield from self._judge_outstanding()
        while self.run.step < config.steps:
            for record in self.run.train_epoch():
                pace = record["pictures_per_second"]
                note = f"loss {record['loss']:.3f}, {pace:.0f} pictures/s"
                self.workshop.report("denoiser", int(record["step"]), config.steps, note)
            yield from self._judge_outstanding()

    def distil(self) -> Verdict | None:
        """After the last epoch: train a student that draws in fewer steps, and ask the judge about its pictures.

        Of several processes, which train it together, the first one asks.

        Returns:
            The verdict; None for the others, and if the recipe has no student.
        """
        recipe, teacher = self.workshop.recipe, self._as_of(self.run.config.epochs)
        if not recipe.distil.steps:
            return None
        run = DistilRun(
            self._distilled, recipe.distil, recipe.sampling, recipe.run, teacher, self.run.data, self.crew
        )
        for record in run.train():
            note = f"loss {record['loss']:.3f}, {record['pictures_per_second']:.0f} pictures/s"
            try:
                self.workshop.report("distillation", int(record["step"]), recipe.distil.steps, note)
            except Exception:  # who stops a run does it here, between two steps
                run.save()
                raise
        verdict = None
        if self.crew.is_first:
            verdict = self._verdict(*self._drawer())
            write_json_atomic(self._distilled.with_suffix(".json"), _score(verdict))
        self.crew.wait()
        return verdict

    @property
    def _distilled(self) -> Path:
        return self.workshop.folder / f"distilled-{self.run.config.epochs:03d}"

    def _drawer(self) -> tuple[Denoiser, SamplingConfig]:
        """Who draws for users, and how: the student, where there is one."""
        recipe, model = self.workshop.recipe, self._as_of(self.run.config.epochs)
        if not recipe.distil.steps:
            return model, recipe.sampling
        model.load_state_dict(load_checkpoint(self._distilled / STUDENT)[0])
        return model, student_sampling(recipe.distil, recipe.sampling)

    def deblock(self) -> Verdict:
        """After that: train the deblocking on what is drawn now, and ask the judge about the pictures it mends.

        One that has been trained to its end stays, also where there was no student yet.
        """
        recipe, folder, epoch = self.workshop.recipe, self.workshop.folder, self.run.config.epochs
        model, sampling = self._drawer()
        model = model.cpu()
        run = DeblockingRun(
            folder / f"deblocking-{epoch:03d}.safetensors",
            self.autoencoder,
            model,
            self.run.data,
            self.workshop.stream(),
            recipe.deblocking,
            sampling.guidance,
        )
        for loss in run.train(self.workshop.workers):
            self.workshop.report("deblocking", run.step, recipe.deblocking.steps, f"loss {loss:.4f}")
        verdict = self._verdict(model, sampling)
        write_json_atomic(folder / f"deblocked-{epoch:03d}.json", _score(verdict))
        return verdict

    def upscale(self) -> None:
        """After the deblocking: train the upscaler on what this model draws."""
        workshop, recipe, epoch = self.workshop, self.workshop.recipe, self.run.config.epochs
        start = started(recipe)
        torch.manual_seed(recipe.seed)
        run = UpscalerRun(
            workshop.folder / f"upscaler-{epoch:03d}.safetensors",
            (start and start.upscaler) or Upscaler(recipe.upscaler),
            recipe.upscaling,
        )
        model, sampling = self._drawer()
        painter = Painter(
            autoencoder=self.autoencoder,
            denoiser=model.cpu(),
            text_encoder=self.text_encoder,
            tokenizer=Tokenizer(workshop.tokenizer),
            guidance=sampling.guidance,
        )
        if run.step < recipe.upscaling.steps:
            workshop.report("upscaler", run.step, recipe.upscaling.steps, "composing and drawing scenes")
            pairs = draw_pairs(painter, workshop.stream(), recipe.upscaling, workshop.workers)
            for loss in run.train(pairs):
                workshop.report("upscaler", run.step, recipe.upscaling.steps, f"loss {loss:.4f}")

    def _judge_outstanding(self) -> Iterator[EpochRecord]:
        if self.crew.is_first:
            yield from self._judged()
        self.crew.wait()

    def _judged(self) -> Iterator[EpochRecord]:
        finished = self.run.step // self.run.config.epoch_steps
        for epoch in range(len(self.trace), finished + 1):
            record = self._judge(epoch)
            self.trace.append(record)
            write_json_atomic(self._trace_path, [asdict(record) for record in self.trace])
            yield record

    def _judge(self, epoch: int) -> EpochRecord:
        """Draw the held-out captions as the model was after an epoch, and ask the judge."""
        config, sampling = self.run.config, self.workshop.recipe.sampling
        verdict = self._verdict(self._as_of(epoch), sampling)
        steps = self.run.logged(epoch)
        return EpochRecord(
            epoch=epoch,
            loss=round(verdict.loss, 4),
            accuracy=round(verdict.accuracy, 4),
            observation=observe(verdict),
            denoising_loss=round(sum(step["loss"] for step in steps) / max(1, len(steps)), 5),
            pictures=epoch * config.epoch_pictures,
            seconds=round(sum(config.batch / step["pictures_per_second"] for step in steps), 1),
        )

    def _as_of(self, epoch: int) -> Denoiser:
        """The denoiser with the averaged weights as they were after an epoch."""
        model = copy.deepcopy(self._born)
        if epoch:
            model.load_state_dict(load_checkpoint(self.run.snapshot(epoch))[0])
        return model.eval().to(self.run.device)

    def _verdict(self, model: Denoiser, sampling: SamplingConfig) -> Verdict:
        return judge_epoch(model, self.autoencoder, self.judge, self.held_out, self.examination, sampling)

    @property
    def _trace_path(self) -> Path:
        return self.workshop.folder / "trace.json"

    def _read_trace(self) -> list[EpochRecord]:
        if not self._trace_path.is_file():
            return []
        return [EpochRecord(**row) for row in read_json(self._trace_path)]


def _score(verdict: Verdict) -> dict[str, float]:
    return {"loss": round(verdict.loss, 4), "accuracy": round(verdict.accuracy, 4)}


def _differing_runs(mine: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    return [f"run.{name}" for name in sorted(mine.keys() - _CHANGEABLE) if mine[name] != theirs.get(name)]

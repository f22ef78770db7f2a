"""A whole training run as one value: what `recipes/*.py` return and `limner train` carries out."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, get_type_hints

from limner.errors import TrainingError
from limner.network.autoencoder import AutoencoderConfig
from limner.network.denoiser import DenoiserConfig
from limner.network.image_tower import ImageTowerConfig
from limner.network.judge import JudgeConfig
from limner.network.text_encoder import TextEncoderConfig
from limner.network.upscaler import UpscalerConfig
from limner.training.contrast import ContrastConfig
from limner.training.deblocking import DeblockingConfig
from limner.training.denoise import RunConfig
from limner.training.distil import DistilConfig
from limner.training.evaluate import SamplingConfig
from limner.training.judge import JudgeTraining
from limner.training.scenes.canvas import Shape
from limner.training.scenes.cells import PAINTS, PARTS
from limner.training.scenes.spec import PAINTED
from limner.training.upscaler import UpscalerTraining

__all__ = ["OLDEST", "Recipe", "load_recipe", "read_recipe"]

T = TypeVar("T")

OLDEST: Mapping[str, str] = MappingProxyType({"vocabulary": "limner-1"})
"""What the recipes of old runs do not say, for there was nothing else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """Everything that a training run depends on, besides the art.

    Attributes:
        name: of the model that comes out.
        vocabulary: what it is taught: "" for the newest table of things, places and words in `data`, else the name of
            an older model, whose tables lie in a folder there.
        seed: of the training scenes; the held-out ones take the next.
        start: a model, by name or folder, whose networks the run goes on with; "" for new ones. Its latent space
            and both its encoders stay as they are.
        scenes: how many scenes are composed and cached.
        painted: share of the things that come in several colours and are shown in another than their own,
            in training scenes.
        autoencoder_scenes: how many scenes the autoencoder is fitted to.
        shapes: wide and high grids (rows, columns) that are learned as well, besides the square one.
        shaped_scenes: how many of the scenes are composed in each of them too.
        wordings: captions of each scene.
        examined: how many held-out captions are drawn and judged after each epoch.
        judge_scenes: how many scenes the judge learns from, an even number, half of them held-out ones in the art of
            the training scenes, half by another artist; 0 for the training scenes themselves.
        from_minilm: start the text encoder from all-MiniLM-L6-v2, else from random weights.
        autoencoder, text_encoder, image_tower, judge, denoiser, upscaler: shapes of the networks.
        contrast, judge_training, run, sampling, distil, deblocking, upscaling: how each stage goes.
    """

    name: str
    vocabulary: str = ""
    seed: int = 0
    start: str = ""
    scenes: int = 60_000
    painted: float = PAINTED
    autoencoder_scenes: int = 2_500
    shapes: tuple[Shape, ...] = ()
    shaped_scenes: int = 0
    wordings: int = 2
    examined: int = 300
    judge_scenes: int = 0
    from_minilm: bool = True
    autoencoder: AutoencoderConfig = field(default_factory=AutoencoderConfig)
    text_encoder: TextEncoderConfig = field(default_factory=TextEncoderConfig)
    image_tower: ImageTowerConfig = field(default_factory=ImageTowerConfig)
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    denoiser: DenoiserConfig = field(default_factory=DenoiserConfig)
    contrast: ContrastConfig = field(default_factory=ContrastConfig)
    judge_training: JudgeTraining = field(default_factory=JudgeTraining)
    run: RunConfig = field(default_factory=RunConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    distil: DistilConfig = field(default_factory=DistilConfig)
    deblocking: DeblockingConfig = field(default_factory=DeblockingConfig)
    upscaler: UpscalerConfig = field(default_factory=UpscalerConfig)
    upscaling: UpscalerTraining = field(default_factory=UpscalerTraining)

    def __post_init__(self) -> None:
        if not self.autoencoder.channels == self.image_tower.channels == self.denoiser.channels:
            raise TrainingError("autoencoder, image_tower and denoiser must have the same number of channels")
        if not self.text_encoder.width == self.denoiser.text_width:
            raise TrainingError("denoiser.text_width must be the text encoder's width")
        if self.denoiser.things and self.denoiser.parts != PARTS:
            raise TrainingError(f"denoiser.parts must be {PARTS}: so many does the composer tell apart")
        if self.denoiser.painted and self.denoiser.paints != PAINTS:
            raise TrainingError(f"denoiser.paints must be {PAINTS}: so many does the composer tell apart")
        if self.judge_scenes % 2:
            raise TrainingError("judge_scenes must be even: half of them are by another artist")
        if max(map(max, self.shapes), default=0) > self.denoiser.reach:
            raise TrainingError("denoiser.reach must be as long as the longest side of `shapes`")


def read_recipe(path: Path) -> Recipe:
    """The recipe that a run's folder keeps as JSON.

    Raises:
        TrainingError: there is none, or it was written by another version.
    """
    try:
        return _rebuilt(Recipe, {**OLDEST, **json.loads(path.read_text(encoding="utf-8"))})
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise TrainingError(
            f"{path} is not a recipe of this version ({error}): is this a run's folder?"
        ) from error


def _rebuilt(kind: type[T], values: dict[str, Any]) -> T:
    """A dataclass, and the dataclasses in it, from what `asdict` made of them."""
    types = get_type_hints(kind)
    inner = {
        name: _rebuilt(types[name], value) for name, value in values.items() if is_dataclass(types[name])
    }
    tuples = {name: _as_tuple(value) for name, value in values.items() if isinstance(value, list)}
    return kind(**(values | inner | tuples))


def _as_tuple(value: Any) -> Any:
    """JSON's lists, as the recipe had them."""
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


def load_recipe(path: Path) -> Recipe:
    """Run a recipe file's `recipe()` function.

    Raises:
        TrainingError: there is no such file, or it has no such function.
    """
    spec = importlib.util.spec_from_file_location("limner_recipe", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise TrainingError(f"no recipe at {path}: name a Python file with a function recipe() -> Recipe")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    recipe = module.recipe() if hasattr(module, "recipe") else None
    if not isinstance(recipe, Recipe):
        raise TrainingError(
            f"{path} must have a function recipe() that returns a limner.training.recipe.Recipe"
        )
    return recipe

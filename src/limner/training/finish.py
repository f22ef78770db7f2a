"""The way out of a training run: its averaged weights, its scores and its trace become a model folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from limner.errors import TrainingError
from limner.network.autoencoder import PatchAutoencoder
from limner.network.denoiser import Denoiser
from limner.network.image_tower import ImageTower
from limner.network.text_encoder import TextEncoder
from limner.network.upscaler import Upscaler
from limner.training.checkpoint import load_checkpoint, read_json
from limner.training.distil import STUDENT, student_sampling
from limner.training.evaluate import SamplingConfig
from limner.training.export import ModelParts, export_model
from limner.training.recipe import Recipe, read_recipe
from limner.training.scenes.concepts import data_folder
from limner.training.stages import tokenizer_file
from limner.training.start import read_start, with_start
from limner.training.vocabulary import lexicon_of

__all__ = ["export_run"]


def export_run(
    run: Path,
    model: Path,
    *,
    teacher: bool = False,
    tokenizer: Path | None = None,
    data: Path | None = None,
) -> None:
    """Write the last judged epoch of a run as a model folder, or the student that was distilled from it.

    Args:
        run, model: the folders.
        teacher: take the epoch itself, also where there is a student. Of deblocking and upscaler there is one each,
            which have then learned from the student; they come with it.
        tokenizer, data: what the run's `Workshop` had, if not the project's own.

    Raises:
        TrainingError: the run has not finished an epoch, or a file of it is missing or damaged.
        OutputError: `model` exists already, or cannot be written.
    """
    recipe = read_recipe(run / "recipe.json")
    data = data or data_folder(recipe.vocabulary)
    path = run / "trace.json"
    trace = read_json(path) if path.is_file() else []
    if len(trace) < 2:  # the first record is the untrained model's
        raise TrainingError(f"{run} has no training trace yet: let `limner train` finish an epoch first")
    ceiling = read_json(run / "ceiling.json")
    encoder, tower = TextEncoder(recipe.text_encoder), ImageTower(recipe.image_tower)
    nn.ModuleDict({"text": encoder, "image": tower}).load_state_dict(
        load_checkpoint(run / "text-image.safetensors")[0]
    )
    autoencoder, denoiser = PatchAutoencoder(recipe.autoencoder), Denoiser(recipe.denoiser)
    tensors, _ = load_checkpoint(run / "autoencoder.safetensors")
    autoencoder.load_state_dict({name: tensor for name, tensor in tensors.items() if name != "deviation"})
    start, drawer = read_start(run), _drawer(run, trace[-1], recipe, teacher=teacher)
    denoiser.load_state_dict(load_checkpoint(drawer.weights)[0])
    _mend(run, trace[-1]["epoch"], autoencoder)
    export_model(
        model,
        ModelParts(
            name=recipe.name,
            text_encoder=encoder,
            image_tower=tower,
            autoencoder=autoencoder,
            denoiser=denoiser,
            tokenizer=tokenizer or tokenizer_file(),
            upscaler=_upscaler(run, trace[-1]["epoch"], recipe),
            lexicon=lexicon_of(read_json(run / "states" / "captions.json"), data),
            shapes=recipe.shapes,
            steps=drawer.sampling.steps,
            guidance=drawer.sampling.guidance,
            timestep_shift=drawer.sampling.time_shift,
            scores={"prompt_match": drawer.score, "prompt_match_of_real_scenes": ceiling},
            training_trace=with_start(start["trace"], trace),
            recipe=asdict(recipe) | ({"started": start["recipe"]} if recipe.start else {}),
        ),
    )


class _Drawer(NamedTuple):
    """Whose weights are exported, how they draw, and the judge's score of what they draw."""

    weights: Path
    sampling: SamplingConfig
    score: Mapping[str, float]


def _drawer(run: Path, last: Mapping[str, Any], recipe: Recipe, *, teacher: bool) -> _Drawer:
    """The student of the last epoch, where there is one, else the epoch itself."""
    student, mended = (run / f"{name}-{last['epoch']:03d}.json" for name in ("distilled", "deblocked"))
    distilled = recipe.distil.steps > 0 and student.is_file()
    if distilled and not teacher:
        score = read_json(mended if mended.is_file() else student)
        return _Drawer(
            student.with_suffix("") / STUDENT, student_sampling(recipe.distil, recipe.sampling), score
        )
    weights = run / "denoiser" / f"epoch-{last['epoch']:03d}.safetensors"
    # With its seams mended a teacher is judged only where it has no student.
    if mended.is_file() and not distilled:
        return _Drawer(weights, recipe.sampling, read_json(mended))
    return _Drawer(weights, recipe.sampling, {name: last[name] for name in ("loss", "accuracy")})


def _mend(run: Path, epoch: int, autoencoder: PatchAutoencoder) -> None:
    """Give the autoencoder the deblocking that was trained after this epoch, if any."""
    if not (run / f"deblocked-{epoch:03d}.json").is_file():
        return
    tensors, _ = load_checkpoint(run / f"deblocking-{epoch:03d}.safetensors")
    network = autoencoder.deblocking
    network.load_state_dict({name: tensors[name] for name in network.state_dict()})


def _upscaler(run: Path, epoch: int, recipe: Recipe) -> Upscaler | None:
    """The upscaler that was trained after this epoch, if any."""
    path = run / f"upscaler-{epoch:03d}.safetensors"
    if not path.is_file():
        return None
    network, (tensors, _) = Upscaler(recipe.upscaler), load_checkpoint(path)
    network.load_state_dict({name: tensors[name] for name in network.state_dict()})
    return network

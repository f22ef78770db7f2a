"""The way out of a training run: its averaged weights, its scores and its trace become a model folder."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from limner.errors import TrainingError
from limner.network.autoencoder import PatchAutoencoder
from limner.network.denoiser import Denoiser
from limner.network.image_tower import ImageTower
from limner.network.text_encoder import TextEncoder
from limner.network.upscaler import Upscaler
from limner.training.checkpoint import load_checkpoint, read_json
from limner.training.export import ModelParts, export_model
from limner.training.recipe import Recipe, read_recipe
from limner.training.scenes.concepts import data_folder
from limner.training.stages import tokenizer_file
from limner.training.start import read_start, with_start
from limner.training.vocabulary import names_of_things, words_of

__all__ = ["export_run"]


def export_run(run: Path, model: Path, *, tokenizer: Path | None = None, data: Path | None = None) -> None:
    """Write the last judged epoch of a run as a model folder.

    Args:
        run, model: the folders.
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
    drawn = {name: trace[-1][name] for name in ("loss", "accuracy")}
    start = read_start(run)
    snapshot = run / "denoiser" / f"epoch-{trace[-1]['epoch']:03d}.safetensors"
    denoiser.load_state_dict(load_checkpoint(snapshot)[0])
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
            words=words_of(read_json(run / "states" / "captions.json"), data),
            names=names_of_things(data),
            shapes=recipe.shapes,
            steps=recipe.sampling.steps,
            guidance=recipe.sampling.guidance,
            timestep_shift=recipe.sampling.time_shift,
            scores={
                "prompt_match": _deblocked(run, trace[-1]["epoch"], autoencoder) or drawn,
                "prompt_match_of_real_scenes": ceiling,
            },
            training_trace=with_start(start["trace"], trace),
            recipe=asdict(recipe) | ({"started": start["recipe"]} if recipe.start else {}),
        ),
    )


def _deblocked(run: Path, epoch: int, autoencoder: PatchAutoencoder) -> Any:
    """Give the autoencoder the deblocking that was trained after this epoch; the judge's score with it, if any."""
    score = run / f"deblocked-{epoch:03d}.json"
    if not score.is_file():
        return None
    tensors, _ = load_checkpoint(run / f"deblocking-{epoch:03d}.safetensors")
    network = autoencoder.deblocking
    network.load_state_dict({name: tensors[name] for name in network.state_dict()})
    return read_json(score)


def _upscaler(run: Path, epoch: int, recipe: Recipe) -> Upscaler | None:
    """The upscaler that was trained after this epoch, if any."""
    path = run / f"upscaler-{epoch:03d}.safetensors"
    if not path.is_file():
        return None
    network, (tensors, _) = Upscaler(recipe.upscaler), load_checkpoint(path)
    network.load_state_dict({name: tensors[name] for name in network.state_dict()})
    return network

"""A model that a run goes on with: its networks, and what its own run has told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from limner.errors import TrainingError
from limner.files import write_json_atomic
from limner.models import find
from limner.models.manifest import read_manifest
from limner.network.denoiser import Denoiser, DenoiserConfig
from limner.network.folder import Networks, open_networks
from limner.training.checkpoint import read_json
from limner.training.recipe import Recipe

__all__ = ["keep_start", "read_start", "started", "with_start"]

_START = "start.json"


def started(recipe: Recipe) -> Networks | None:
    """The networks that the recipe starts from; None if it starts anew.

    Raises:
        ModelError: there is no such model, or it is damaged.
        TrainingError: the recipe's networks have other shapes.
    """
    if not recipe.start:
        return None
    folder = find(recipe.start)
    networks = open_networks(folder, read_manifest(folder).networks)
    networks = networks._replace(denoiser=_with_tints(networks.denoiser, recipe.denoiser))
    differing = [
        name
        for name, network in networks._asdict().items()
        if network is not None and network.config != getattr(recipe, name)
    ]
    if differing:
        raise TrainingError(
            f"{recipe.start} has other shapes than the recipe ({', '.join(differing)}): take its own"
        )
    return networks


def _with_tints(denoiser: Denoiser, config: DenoiserConfig) -> Denoiser:
    """The denoiser with a table of paints, if the recipe wants one that it has not, and nothing else; or as it is."""
    if (
        replace(denoiser.config, painted=config.painted, paints=config.paints) != config
        or denoiser.config.painted
    ):
        return denoiser
    grown = Denoiser(config)
    grown.load_state_dict(denoiser.state_dict(), strict=False)
    return grown


def keep_start(run: Path, recipe: Recipe) -> None:
    """Write down recipe and trace of the model that a run starts from: there may be another by that name later."""
    if recipe.start and not (run / _START).is_file():
        manifest = read_manifest(find(recipe.start))
        write_json_atomic(
            run / _START, {"recipe": dict(manifest.recipe), "trace": list(manifest.training_trace)}
        )


def read_start(run: Path) -> dict[str, Any]:
    """What `keep_start` wrote: "recipe" and "trace"; both are empty for a run that started anew."""
    path = run / _START
    kept: dict[str, Any] = read_json(path) if path.is_file() else {"recipe": {}, "trace": []}
    return kept


def with_start(before: list[dict[str, Any]], trace: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A run's trace as the continuation of that of the model that it started from."""
    if not before:
        return trace
    last = before[-1]
    after = [
        record | {"epoch": last["epoch"] + record["epoch"], "pictures": last["pictures"] + record["pictures"]}
        for record in trace[1:]
    ]
    return [*before, *after]

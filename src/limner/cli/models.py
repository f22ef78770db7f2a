"""`limner models`: what ships, and how it was trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limner.cli.console import print_json, reported
from limner.models import Manifest, available, find, read_manifest
from limner.settings import Settings

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["app", "models"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_CEILING = "prompt_match_of_real_scenes"


@app.command()
@reported
def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the models that ship, their scores and their training traces."""
    default = find(Settings().model)
    # The default may be a folder of the user's own: it is listed with those that ship.
    folders = dict.fromkeys([*map(find, available()), default])
    manifests = {folder: read_manifest(folder) for folder in folders}
    if as_json:
        print_json(
            {
                "models": [_facts(manifest) for manifest in manifests.values()],
                "training_trace": _trace(manifests[default]),
            }
        )
        return
    for manifest in manifests.values():
        _print(manifest)


def _facts(manifest: Manifest) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "licence": manifest.licence,
        "picture_size": list(manifest.picture_size),
        "steps": manifest.steps,
        "guidance": manifest.guidance,
        "scores": dict(manifest.scores),
        "training_trace": _trace(manifest),
    }


def _trace(manifest: Manifest) -> list[dict[str, Any]]:
    wanted = ("epoch", "loss", "accuracy", "observation")
    return [{name: row[name] for name in wanted} for row in manifest.training_trace]


def _print(manifest: Manifest) -> None:
    from rich.console import Console

    console = Console(markup=False, highlight=False)
    width, height = manifest.picture_size
    console.print(f"{manifest.name}  {width}x{height}, {manifest.steps} steps, {manifest.licence}")
    if manifest.training_trace:
        console.print(_table(manifest))
    for name, value in manifest.scores.items():
        console.print(f"{name.replace('_', ' ')}: {_readable(value)}")


def _readable(score: object) -> str:
    if isinstance(score, Mapping):
        return "; ".join(f"{name} {_readable(value)}" for name, value in score.items())
    return f"{score:.4g}" if isinstance(score, float) else str(score)


def _table(manifest: Manifest) -> Table:
    """The training trace, and the ceiling below it."""
    from rich.table import Table
    from rich.text import Text

    table = Table("epoch", "loss", "accuracy", "observation", box=None, padding=(0, 2, 0, 0))
    ceiling = manifest.scores.get(_CEILING)
    told = "the ceiling: what the judge says of real scenes"
    last = [{"epoch": "real", "observation": told} | ceiling] if ceiling else []
    for row in [*manifest.training_trace, *last]:
        # As Text, so that brackets in an observation stay brackets.
        table.add_row(
            str(row["epoch"]), f"{row['loss']:.2f}", f"{row['accuracy']:.2f}", Text(row["observation"])
        )
    return table

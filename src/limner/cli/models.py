"""`limner models`: what ships, and how it was trained."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from limner.cli.console import print_json, reported
from limner.models import Manifest, available, find, read_manifest
from limner.settings import Settings

__all__ = ["app", "models"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@reported
def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the models that ship, their scores and their training traces."""
    manifests = [read_manifest(find(name)) for name in available()]
    if as_json:
        default = read_manifest(find(Settings().model))
        print_json(
            {
                "models": [_facts(manifest) for manifest in manifests],
                "training_trace": _trace(default),
            }
        )
        return
    for manifest in manifests:
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
    from rich.table import Table

    console = Console()
    width, height = manifest.picture_size
    console.print(
        f"[bold]{manifest.name}[/bold]  {width}x{height}, {manifest.steps} steps, {manifest.licence}"
    )
    table = Table("epoch", "loss", "accuracy", "observation", box=None, padding=(0, 2, 0, 0))
    for row in manifest.training_trace:
        table.add_row(str(row["epoch"]), f"{row['loss']:.2f}", f"{row['accuracy']:.2f}", row["observation"])
    console.print(table)
    for name, value in manifest.scores.items():
        console.print(f"{name}: {value}", highlight=False)

"""`limner data`: the art, and the scenes composed from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limner.cli.console import counting, parse_format, reported
from limner.settings import Settings

__all__ = ["app", "art_folder", "fetch", "preview"]

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Fetch the art; look at the scenes.",
)


def art_folder(chosen: Path | None) -> Path:
    """The folder of the art, fetched if it is not there yet."""
    from limner.training.scenes.art import fetch_art

    return fetch_art(chosen or Settings().cache_dir / "art")


@app.command()
@reported
def fetch(
    art: Annotated[Path | None, typer.Option(help="Where to put it; by default the cache folder.")] = None,
) -> None:
    """Bring the art that scenes are composed from."""
    typer.echo(art_folder(art))


@app.command()
@reported
def preview(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file.")] = Path("scenes.png"),
    scenes: Annotated[int, typer.Option(min=1, max=400, help="How many scenes.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives other scenes.")] = 0,
    held_out: Annotated[bool, typer.Option("--held-out", help="Only what training never sees.")] = False,
    vocabulary: Annotated[
        str, typer.Option(help="What a recipe calls its vocabulary, like limner-1; by default the newest.")
    ] = "",
    art: Annotated[Path | None, typer.Option(help="Where the art is; by default the cache folder.")] = None,
) -> None:
    """Write a contact sheet of scenes with their captions."""
    parse_format(output)
    from limner.training.dataset import SceneStream, StreamConfig
    from limner.training.preview import contact_sheet
    from limner.training.scenes.concepts import data_folder

    data = data_folder(vocabulary)
    stream = SceneStream(StreamConfig(art=art_folder(art), data=data, seed=seed, held_out=held_out))
    with counting("Composing") as progress:
        contact_sheet(stream, scenes, progress).save(output)
    typer.echo(output)

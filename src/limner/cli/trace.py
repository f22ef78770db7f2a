"""`limner trace`: how a picture comes about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.cli.console import collected_warnings, counting, open_pipeline, parse_format, print_json, reported
from limner.settings import Settings

if TYPE_CHECKING:
    from limner.imaging.picture import Picture

__all__ = ["app", "trace"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@reported
def trace(
    prompt: Annotated[str, typer.Argument(help="What the picture shows.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Keep the picture in this file.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed draws the same picture.")] = 0,
    steps: Annotated[int | None, typer.Option(help="Denoising steps.")] = None,
    model: Annotated[str | None, typer.Option(help="A shipped model's name, or a model folder.")] = None,
    engine: Annotated[
        str | None, typer.Option(help="Who computes: openvino, torch, diffusers or fake.")
    ] = None,
    page: Annotated[
        Path | None, typer.Option("--html", help="Tell it all in this file, one page with pictures.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show a prompt become a vector, noise become a picture, and a picture become a file."""
    chosen = parse_format(output)
    with collected_warnings(), counting("Drawing") as on_step:
        [picture] = open_pipeline(model, engine).generate(
            prompt, seed=seed, steps=steps, trace=True, format=chosen, on_step=on_step
        )
    if output is not None:
        picture.save(output)
    if page is not None:
        _write_page(page, picture, engine)
    if as_json:
        print_json(picture.trace.to_json() if picture.trace else {})
        return
    from limner.cli.story import tell_trace

    tell_trace(picture)


def _write_page(path: Path, picture: Picture, engine: str | None) -> None:
    from limner.files import write_atomic
    from limner.report import report

    write_atomic(path, report(picture, engine=engine or Settings().engine).encode())

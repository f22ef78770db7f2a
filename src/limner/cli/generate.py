"""`limner generate`: pictures of a prompt, as files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limner.cli.console import (
    collected_warnings,
    counting,
    open_pipeline,
    parse_format,
    parse_size,
    print_json,
    reported,
)
from limner.errors import InvalidRequestError
from limner.types import FileFormat, SamplerName

if TYPE_CHECKING:
    from limner.imaging.codec import FileOptions
    from limner.imaging.picture import Picture

__all__ = ["app", "generate"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

# File systems end names at 255 bytes; what follows the slug has at most 30.
_SLUG_CHARACTERS, _SLUG_BYTES = 60, 200


@app.command()
@reported
def generate(
    prompt: Annotated[str, typer.Argument(help="What the picture shows.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file; its suffix says the format.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed draws the same picture.")] = None,
    n: Annotated[int, typer.Option("--n", "-n", help="How many pictures, 1 to 10.")] = 1,
    steps: Annotated[int | None, typer.Option(help="Denoising steps.")] = None,
    guidance: Annotated[float | None, typer.Option(help="How strictly to follow the prompt, from 1.")] = None,
    sampler: Annotated[SamplerName, typer.Option(help="Which way from noise to picture.")] = "euler",
    file_format: Annotated[FileFormat | None, typer.Option("--format", help="The file's format.")] = None,
    quality: Annotated[
        int | None, typer.Option(help="JPEG and WebP: 1 (smallest file) to 100 (best picture).")
    ] = None,
    size: Annotated[str | None, typer.Option(help="Pixels, like 512x256.")] = None,
    model: Annotated[str | None, typer.Option(help="A shipped model's name, or a model folder.")] = None,
    engine: Annotated[
        str | None, typer.Option(help="Who computes: openvino, torch, diffusers or fake.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    trace: Annotated[bool, typer.Option("--trace", help="Show how the picture came about.")] = False,
) -> None:
    """Draw pictures of a prompt."""
    chosen, pixels = parse_format(output, file_format), parse_size(size)
    options = _options(quality, trace=trace)
    with collected_warnings() as told, counting("Drawing") as on_step:
        pictures = open_pipeline(model, engine).generate(
            prompt,
            n=n,
            seed=seed,
            size=pixels,
            steps=steps,
            guidance=guidance,
            sampler=sampler,
            trace=trace,
            format=chosen,
            on_step=on_step,
        )
    target = output or Path(f"{_slug(prompt)}-{pictures[0].seed}.{chosen}")
    paths = _paths(target, len(pictures))
    for picture, path in zip(pictures, paths, strict=True):
        picture.save(path, **options)
    _tell(pictures, paths, chosen, told, as_json=as_json)


def _options(quality: int | None, *, trace: bool) -> FileOptions:
    if quality is None:
        return {}
    if trace:
        raise InvalidRequestError(
            "the trace tells of a file in the default quality: leave out --quality or --trace",
            param="quality",
        )
    return {"quality": quality}


def _slug(prompt: str) -> str:
    words = "-".join(re.findall(r"\w+", prompt.lower()))[:_SLUG_CHARACTERS]
    return words.encode()[:_SLUG_BYTES].decode(errors="ignore").strip("-") or "picture"


def _paths(target: Path, count: int) -> list[Path]:
    if count == 1:
        return [target]
    return [target.with_stem(f"{target.stem}-{number}") for number in range(1, count + 1)]


def _tell(
    pictures: list[Picture], paths: list[Path], file_format: FileFormat, told: list[str], *, as_json: bool
) -> None:
    if as_json:
        print_json(
            {
                "pictures": [_facts(*pair, file_format) for pair in zip(pictures, paths, strict=True)],
                "warnings": told,
            }
        )
        return
    for picture, path in zip(pictures, paths, strict=True):
        height, width = picture.pixels_HWC.shape[:2]
        seconds = picture.timings["total"]
        typer.echo(f"{path}  {width}x{height}, seed {picture.seed}, {seconds:.2f} s")
    if pictures[0].revised_prompt:
        typer.echo(f"read as: {pictures[0].revised_prompt}")
    if pictures[0].trace is not None:
        from limner.cli.story import tell_trace

        for picture in pictures:
            tell_trace(picture)


def _facts(picture: Picture, path: Path, file_format: FileFormat) -> dict[str, Any]:
    height, width = picture.pixels_HWC.shape[:2]
    facts = {
        "path": str(path),
        "seed": picture.seed,
        "width": width,
        "height": height,
        "format": file_format,
        "bytes": path.stat().st_size,
        "model": picture.model,
        "prompt": picture.prompt,
        "revised_prompt": picture.revised_prompt,
        "timings": dict(picture.timings),
    }
    return facts | ({"trace": picture.trace.to_json()} if picture.trace else {})

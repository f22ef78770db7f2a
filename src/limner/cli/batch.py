"""`limner batch`: a picture for every line of a file."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limner.cli.console import chosen_model, counting, print_json, reported
from limner.errors import InvalidRequestError
from limner.settings import Settings

if TYPE_CHECKING:
    from limner.bulk.filling import Tally
    from limner.bulk.making import Maker
    from limner.bulk.wishes import Read, Wish
    from limner.engines.base import Capabilities

__all__ = ["app", "batch"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@reported
def batch(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="PROMPTS",
            help='A file of JSON lines: {"prompt": "..."}, with seed, n, size, steps, guidance, sampler, '
            "negative_prompt, format, quality and id where wanted; or lines of OpenAI's Batch API.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder for the pictures.")],
    model: Annotated[str | None, typer.Option(help="A shipped model's name, or a model folder.")] = None,
    engine: Annotated[
        str | None, typer.Option(help="Who computes: openvino, torch, diffusers or fake.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    on_ray: Annotated[
        bool, typer.Option("--ray", help="Draw with engines that Ray runs, here or on a cluster.")
    ] = False,
    replicas: Annotated[
        int | None, typer.Option(help="With --ray: how many engines; by default one.")
    ] = None,
    cpus: Annotated[
        int | None, typer.Option(help="With --ray: processor cores that each takes; by default one.")
    ] = None,
    gpus: Annotated[
        float | None, typer.Option(help="With --ray: GPUs, or the share of one, that each takes.")
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(help="With --ray: a cluster's address, or `auto`; by default Ray starts here."),
    ] = None,
) -> None:
    """Draw every line of a file, several at a time.

    Stopped at any moment, the same command goes on: what is drawn stays, what failed is tried again. The folder's
    results.jsonl tells of each line that is drawn, failures.jsonl of each that could not be; then the exit code is 1.
    """
    began = time.monotonic()
    wanted = {"replicas": replicas, "cpus": cpus, "gpus": gpus, "address": address}
    given: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    settings = chosen_model(model, engine)
    if on_ray:
        tally = _drawn_on_ray(settings, source, output, **given)
    else:
        _refuse_without_ray(given)
        tally = _drawn(settings, source, output)
    _tell(tally, output, time.monotonic() - began, as_json=as_json)
    if tally.failed:
        raise typer.Exit(1)


def _refuse_without_ray(given: Mapping[str, Any]) -> None:
    for name in given:
        raise InvalidRequestError(
            f"--{name} is about engines that Ray runs: add --ray, or leave it out", param=name
        )


def _drawn(settings: Settings, source: Path, output: Path) -> Tally:
    from limner.batching.choosing import loop_for
    from limner.batching.loop import LoopConfig
    from limner.bulk.easel import Easel
    from limner.bulk.making import EaselMaker
    from limner.loading import load_chosen

    pipeline = load_chosen(settings)
    width = _width(settings)
    loop = loop_for(pipeline, LoopConfig(queue_size=width, batch_max=settings.batch_max))
    loop.start()
    try:
        return _filled(source, output, EaselMaker(Easel(loop)), pipeline.engine.capabilities, settings, width)
    finally:
        loop.close()


def _drawn_on_ray(
    settings: Settings, source: Path, output: Path, *, address: str | None = None, **plan: Any
) -> Tally:
    from limner.cluster.painters import painters
    from limner.cluster.plan import Plan

    width, wanted = _width(settings), Plan(**plan)
    with painters(settings, wanted, width, address) as maker:
        return _filled(source, output, maker, maker.able(), settings, width * wanted.replicas)


def _width(settings: Settings) -> int:
    """Lines under way in an engine: as many are encoded or wait for their turn as are drawn."""
    return 2 * settings.batch_max


def _filled(
    source: Path, output: Path, maker: Maker, able: Capabilities, settings: Settings, width: int
) -> Tally:
    from limner.bulk.filling import fill

    with counting("Drawing") as on_line:
        return fill(
            output,
            source,
            read=_reader(able, settings),
            maker=maker,
            model=able.model,
            width=width,
            on_line=on_line,
        )


def _reader(able: Capabilities, settings: Settings) -> Read:
    """Reads both kinds of lines; what OpenAI's need is imported when the first of them comes."""
    from limner.bulk.wishes import wish_of

    @cache
    def read_openai() -> Read:
        from limner.server.batches.lines import wish_of_line
        from limner.server.services import model_table

        return partial(
            wish_of_line, models=model_table(settings, able.model), able=able, strict=settings.strict
        )

    def read(line: Mapping[str, Any]) -> Wish:
        is_openai = {"custom_id", "url", "body"} & set(line)
        return read_openai()(line) if is_openai else wish_of(line)

    return read


def _tell(tally: Tally, output: Path, seconds: float, *, as_json: bool) -> None:
    from limner.bulk.folder import FAILURES

    if tally.unread:
        typer.echo(f"limner: the end of {tally.unread} prompts was not read, being too long", err=True)
    if tally.failed:
        told = f"{tally.failed} of {tally.lines} lines failed: see {output / FAILURES}, and run this again"
        typer.echo(f"limner: {told}", err=True)
    if as_json:
        print_json({"folder": str(output)} | asdict(tally) | {"seconds": round(seconds, 3)})
        return
    before = f", {tally.kept} were there before" if tally.kept else ""
    done = tally.kept + tally.drawn
    typer.echo(f"{output}  {done} of {tally.lines} lines drawn{before}, {seconds:.1f} s")

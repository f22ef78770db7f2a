"""`limner train`: carry out a recipe."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from limner.cli.console import reported
from limner.cli.data import art_folder
from limner.errors import EngineUnavailableError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["app", "train"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@reported
def train(
    recipe: Annotated[
        Path, typer.Argument(help="A file with a function recipe(), like recipes/limner_1.py.")
    ],
    run: Annotated[Path, typer.Option(help="The run's folder; an unfinished run in it goes on.")],
    art: Annotated[Path | None, typer.Option(help="Where the art is; by default the cache folder.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that compose scenes; 0: one per core.")] = 0,
) -> None:
    """Train a model. Stop it with Ctrl-C at any time; the same command goes on."""
    try:
        from limner.training.recipe import load_recipe
        from limner.training.run import TrainingRun
        from limner.training.stages import Workshop, tokenizer_file
    except ImportError as error:
        raise EngineUnavailableError(
            f"Training needs torch ({error}): pip install 'limner[train]'"
        ) from error
    plan = load_recipe(recipe)
    reporter = _Reporter()
    workshop = Workshop(
        folder=run,
        recipe=plan,
        art=art_folder(art),
        tokenizer=tokenizer_file(),
        workers=workers or os.cpu_count() or 1,
        report=reporter,
    )
    with reporter:
        training = TrainingRun(workshop)
        typer.echo(
            f"the judge on real pictures: loss {training.ceiling['loss']:.2f}, "
            f"accuracy {training.ceiling['accuracy']:.2f} (the ceiling)"
        )
        for record in training.epochs():
            typer.echo(
                f"epoch {record.epoch:3}  loss {record.loss:.2f}  accuracy {record.accuracy:.2f}  {record.observation}"
            )
    typer.echo(f"done; next: limner export {run} MODEL_FOLDER")


class _Reporter:
    """Progress: a bar for each stage on a terminal, a line every half minute elsewhere."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._told: dict[str, float] = {}

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            self._progress = Progress(
                *columns, TextColumn("{task.fields[note]}"), console=Console(stderr=True)
            )
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, stage: str, done: int, total: int, note: str) -> None:
        if self._progress is not None:
            if stage not in self._tasks:
                self._tasks[stage] = self._progress.add_task(stage, total=total, note="")
            self._progress.update(self._tasks[stage], completed=done, total=total, note=note)
        elif done == total or time.monotonic() - self._told.get(stage, 0) > 30:
            self._told[stage] = time.monotonic()
            typer.echo(f"{stage}: {done}/{total} {note}", err=True)

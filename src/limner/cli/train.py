"""`limner train`: carry out a recipe."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from limner.cli.console import reported
from limner.cli.data import art_folder
from limner.errors import EngineUnavailableError, TrainingError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from limner.training.evaluate import EpochRecord
    from limner.training.run import TrainingRun

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
        for record in training.trace:
            _tell(record)
        _train(training, reporter)
    typer.echo(f"done; next: limner export {run} MODEL_FOLDER")


def _train(training: TrainingRun, reporter: _Reporter) -> None:
    """Train to the end; Ctrl-C stops between two steps, where a checkpoint goes on to the bit."""
    try:
        with reporter.stopping_gently():
            for record in training.epochs():
                _tell(record)
    except _StoppedError as error:
        training.run.save()
        raise TrainingError(
            f"stopped after step {training.run.step} of {training.run.config.steps}, all is saved: "
            "the same command goes on"
        ) from error


def _tell(record: EpochRecord) -> None:
    typer.echo(
        f"epoch {record.epoch:3}  loss {record.loss:.2f}  accuracy {record.accuracy:.2f}  {record.observation}"
    )


class _StoppedError(Exception):
    """The user wants to stop, and this is a good moment."""


class _Reporter:
    """Progress: a bar for each stage on a terminal, a line every half minute elsewhere."""

    def __init__(self) -> None:
        self._stop = False
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
                *columns,
                TextColumn("{task.fields[note]}"),
                console=Console(stderr=True),
                # A trace that goes into a file must not end up among the bars.
                redirect_stdout=sys.stdout.isatty(),
            )
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    @contextmanager
    def stopping_gently(self) -> Iterator[None]:
        """Let the first Ctrl-C raise `_StoppedError` at the next report; a second one stops at once."""

        def note(*_: object) -> None:
            self._stop = True
            signal.signal(signal.SIGINT, signal.default_int_handler)

        before = signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def __call__(self, stage: str, done: int, total: int, note: str) -> None:
        if self._progress is not None:
            if stage not in self._tasks:
                self._tasks[stage] = self._progress.add_task(stage, total=total, note="")
            self._progress.update(self._tasks[stage], completed=done, total=total, note=note)
        elif done == total or time.monotonic() - self._told.get(stage, 0) > 30:
            self._told[stage] = time.monotonic()
            typer.echo(f"{stage}: {done}/{total} {note}", err=True)
        if self._stop:
            raise _StoppedError

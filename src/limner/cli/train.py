"""`limner train`: carry out a recipe."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from limner.cli.console import reported
from limner.cli.data import art_folder
from limner.errors import EngineUnavailableError, TrainingError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from limner.training.crew import Crew
    from limner.training.evaluate import EpochRecord
    from limner.training.recipe import Recipe
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
    """Train a model. Stop it with Ctrl-C at any time; the same command goes on.

    On several devices, started by torchrun: torchrun --nproc-per-node 8 --no-python -- limner train ...
    """
    try:
        from limner.training.crew import joined_crew
        from limner.training.recipe import load_recipe
    except ImportError as error:
        raise EngineUnavailableError(
            f"Training needs torch ({error}): pip install 'limner[train]'"
        ) from error
    plan = load_recipe(recipe)
    with joined_crew() as crew, _Reporter(quiet=not crew.is_first, agreed=crew.any) as reporter:
        training = _begun(plan, run, art, workers or os.cpu_count() or 1, crew, reporter)
        reporter.say(
            f"the judge on real pictures: loss {training.ceiling['loss']:.2f}, "
            f"accuracy {training.ceiling['accuracy']:.2f} (the ceiling)"
        )
        for record in training.trace:
            _tell(record, reporter)
        _train(training, reporter)
        reporter.say(f"done; next: limner export {run} MODEL_FOLDER")


def _begun(
    plan: Recipe, run: Path, art: Path | None, workers: int, crew: Crew, reporter: _Reporter
) -> TrainingRun:
    from limner.training.run import TrainingRun
    from limner.training.stages import Workshop, tokenizer_file

    with crew.first_goes_ahead():
        art = art_folder(art)
    workshop = Workshop(
        folder=run, recipe=plan, art=art, tokenizer=tokenizer_file(), workers=workers, report=reporter
    )
    return TrainingRun(workshop, crew)


def _train(training: TrainingRun, reporter: _Reporter) -> None:
    """Train to the end; Ctrl-C stops between two steps, where a checkpoint goes on to the bit."""
    try:
        with reporter.stopping_gently():
            for record in training.epochs():
                _tell(record, reporter)
            if student := training.distil():
                reporter.say(
                    f"the student, in fewer steps: loss {student.loss:.2f}, accuracy {student.accuracy:.2f}"
                )
            if training.crew.is_first:
                verdict = training.deblock()
                reporter.say(
                    f"with the seams mended: loss {verdict.loss:.2f}, accuracy {verdict.accuracy:.2f}"
                )
                training.upscale()
    except _StoppedError as error:
        training.run.save()
        raise TrainingError(
            f"stopped after step {training.run.step} of {training.run.config.steps}, all is saved: "
            "the same command goes on"
        ) from error


def _tell(record: EpochRecord, reporter: _Reporter) -> None:
    reporter.say(
        f"epoch {record.epoch:3}  loss {record.loss:.2f}  accuracy {record.accuracy:.2f}  {record.observation}"
    )


class _StoppedError(Exception):
    """The user wants to stop, and this is a good moment."""


class _Reporter:
    """Progress: a bar for each stage on a terminal, a line every half minute elsewhere.

    Args:
        quiet: say nothing, for there is another process that does.
        agreed: whether somebody wants to stop -> whether anybody does. Processes that train together must stop
            after the same step.
    """

    def __init__(self, *, quiet: bool = False, agreed: Callable[[bool], bool] = bool) -> None:
        self._quiet, self._agreed = quiet, agreed
        self._stop = False
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._told: dict[str, float] = {}

    def __enter__(self) -> Self:
        if sys.stderr.isatty() and not self._quiet:
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

    def say(self, text: str) -> None:
        """A line on stdout."""
        if not self._quiet:
            typer.echo(text)

    def __call__(self, stage: str, done: int, total: int, note: str) -> None:
        if not self._quiet:
            self._show(stage, done, total, note)
        # Of all other stages only one process has a part.
        together = stage in {"denoiser", "distillation"}
        stop = self._agreed(self._stop) if together else self._stop
        if stop:
            raise _StoppedError

    def _show(self, stage: str, done: int, total: int, note: str) -> None:
        if self._progress is not None:
            if stage not in self._tasks:
                self._tasks[stage] = self._progress.add_task(stage, total=total, note="")
            self._progress.update(self._tasks[stage], completed=done, total=total, note=note)
        elif done == total or time.monotonic() - self._told.get(stage, 0) > 30:
            self._told[stage] = time.monotonic()
            typer.echo(f"{stage}: {done}/{total} {note}", err=True)

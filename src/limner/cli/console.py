"""What all commands share: errors as one line, settings with options on top, progress on a terminal."""

from __future__ import annotations

import functools
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import typer

from limner.errors import InvalidRequestError, LimnerError, PromptWarning
from limner.settings import Settings

if TYPE_CHECKING:
    from limner.pipeline import Pipeline

__all__ = ["collected_warnings", "counting", "open_pipeline", "parse_size", "print_json", "reported"]

P = ParamSpec("P")
R = TypeVar("R")


def reported(command: Callable[P, R]) -> Callable[P, R]:
    """Tell a `LimnerError` in one line on stderr and exit with its code; Ctrl-C exits with 130."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except LimnerError as error:
            typer.echo(f"limner: {' '.join(str(error).split())}", err=True)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as error:
            typer.echo("limner: stopped", err=True)
            raise typer.Exit(130) from error

    return run


def open_pipeline(model: str | None, engine: str | None) -> Pipeline:
    """The pipeline that the settings describe; what is given here goes before them."""
    from limner.loading import load

    settings = Settings()
    return load(
        model or settings.model,
        engine=engine or settings.engine,
        threads=settings.threads,
        precision=settings.precision,
        cache_dir=settings.cache_dir,
    )


def parse_size(text: str | None) -> tuple[int, int] | None:
    """'512x256' -> (512, 256).

    Raises:
        InvalidRequestError: it is written in another way.
    """
    if text is None:
        return None
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()):
        raise InvalidRequestError(f"size must be written like 512x256, not {text!r}", param="size")
    return int(width), int(height)


def print_json(value: object) -> None:
    """One JSON object on stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False))


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """Warnings about the prompt, each told on stderr and kept for the JSON."""
    told: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PromptWarning)
        yield told
    told += [str(warning.message) for warning in caught if issubclass(warning.category, PromptWarning)]
    for message in told:
        typer.echo(f"limner: {message}", err=True)


@contextmanager
def counting(title: str) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on stderr that is told (done, of all); None where stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=None)

        def update(done: int, total: int, **_: Any) -> None:
            progress.update(task, completed=done, total=total)

        yield update

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
    from pathlib import Path

    from limner.pipeline import Pipeline
    from limner.types import FileFormat

__all__ = [
    "chosen_model",
    "collected_warnings",
    "counting",
    "open_pipeline",
    "parse_format",
    "parse_size",
    "print_json",
    "reported",
]

P = ParamSpec("P")
R = TypeVar("R")

_MOST_DIGITS = 9


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


def chosen_model(model: str | None, engine: str | None) -> Settings:
    """The settings; what is given here goes before them."""
    given = {"model": model, "engine": engine}
    return Settings(**{name: value for name, value in given.items() if value})


def open_pipeline(model: str | None, engine: str | None) -> Pipeline:
    """The pipeline that the settings describe; what is given here goes before them."""
    from limner.loading import load_chosen

    return load_chosen(chosen_model(model, engine))


def parse_size(text: str | None) -> tuple[int, int] | None:
    """'512x256' -> (512, 256).

    Raises:
        InvalidRequestError: it is written in another way.
    """
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    if not all(side.isdecimal() and len(side) <= _MOST_DIGITS for side in (width, height)):
        raise InvalidRequestError(f"size must be written like 512x256, not {text[:40]!r}", param="size")
    return int(width), int(height)


def parse_format(output: Path | None, chosen: FileFormat | None = None) -> FileFormat:
    """The format that the file's suffix or the choice names; PNG if neither is there.

    Raises:
        InvalidRequestError: they name different ones, or the suffix is unknown.
    """
    suffix = output.suffix.lower().lstrip(".") if output else ""
    known: dict[str, FileFormat] = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "webp": "webp"}
    named = known.get(suffix)
    if output and named is None:
        raise InvalidRequestError(
            f"{output} does not end in .png, .jpg, .jpeg or .webp: name the file so", param="output"
        )
    if named and chosen and named != chosen:
        raise InvalidRequestError(f"{output} is not a name for {chosen}: change one of them", param="format")
    return chosen or named or "png"


def print_json(value: object) -> None:
    """One JSON object on stdout, in ASCII, which every pipe can carry."""
    typer.echo(json.dumps(value))


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """Warnings about the prompt, each told on stderr and kept for the JSON; all others pass."""
    told: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PromptWarning)
        yield told
    for warning in caught:
        if issubclass(warning.category, PromptWarning):
            told.append(str(warning.message))
            typer.echo(f"limner: {warning.message}", err=True)
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


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

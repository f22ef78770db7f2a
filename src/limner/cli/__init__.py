"""The command line. Each command is a file of its own, imported only when it runs."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from limner import __version__

__all__ = ["SUMMARIES", "app", "main"]

SUMMARIES: Mapping[str, str] = MappingProxyType(
    {
        "generate": "Draw pictures of a prompt.",
        "batch": "Draw every line of a file, several at a time.",
        "trace": "Show a prompt become a vector, noise become a picture, and a picture become a file.",
        "models": "List the models that ship, their scores and their training traces.",
        "data": "Fetch the art; look at the scenes.",
        "train": "Train a model. Stop it with Ctrl-C at any time; the same command goes on.",
        "eval": "Measure a model: composition, prompt match, fidelity, memory, edits, variations, speed.",
        "serve": "Answer OpenAI's Images API, for every program that speaks it.",
        "deploy": "Answer OpenAI's Images API with many replicas of the server.",
        "studio": "Make pictures in a browser, and see how they come about.",
        "keys": "Make, list and revoke API keys, and tell how much each has had drawn.",
        "export": "Turn a training run's averaged weights into a model folder, for `--model`.",
    }
)
"""What the help page says of each command, so that it need import none of them."""


class _Commands(TyperGroup):
    """A group whose commands are modules of this package, known by name and summary until one of them runs."""

    def __init__(self, **attributes: Any) -> None:
        known = {name: TyperCommand(name=name, help=summary) for name, summary in SUMMARIES.items()}
        super().__init__(**attributes | {"commands": known})

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Import the command that was asked for."""
        name, known, rest = super().resolve_command(ctx, args)
        if name is None or known is None:
            return name, known, rest
        command = typer.main.get_command(import_module(f"limner.cli.{name}").app)
        command.name = name
        return name, command, rest


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"limner {__version__}")
        raise typer.Exit


@app.callback()
def _limner(
    version: bool = typer.Option(
        False,
        "--version",
        callback=_print_version,
        is_eager=True,
        help="Print the version.",
    ),
) -> None:
    """Turn words into pictures on your own machine."""


def main() -> None:
    """Run the command line; the entry point of the `limner` program."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        # A file name or a block character that the terminal's encoding lacks is no reason to fail.
        sys.stdout.reconfigure(errors="backslashreplace")
    app()

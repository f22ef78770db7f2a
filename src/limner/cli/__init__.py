"""The command line. Each command is a file of its own, imported only when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from limner import __version__

__all__ = ["app", "main"]

_COMMANDS = ("generate", "trace", "models", "data", "train", "export")


class _Commands(TyperGroup):
    """A group whose commands are modules of this package."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 (the framework's signature)
        """The commands' names, in the order of the help page."""
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 (the framework's signature)
        """Import the command, or None if there is none of that name."""
        if cmd_name not in _COMMANDS:
            return None
        command = typer.main.get_command(import_module(f"limner.cli.{cmd_name}").app)
        command.name = cmd_name
        return command


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
    app()

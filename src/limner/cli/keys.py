"""`limner keys`: who may use the server."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from limner.cli.console import print_json, reported
from limner.server.access.keys import KeyFile
from limner.settings import Settings

if TYPE_CHECKING:
    from limner.server.access.keys import ApiKey

__all__ = ["app", "list_keys", "new", "revoke"]

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Make, list and revoke API keys.",
)


def _file() -> KeyFile:
    return KeyFile(Settings().keys_file)


@app.command()
@reported
def new(name: Annotated[str, typer.Argument(help="What the key is for.")]) -> None:
    """Make a key and print it, this once."""
    known, key = _file().new(name)
    typer.echo(key)
    typer.echo(f"limner: {known.id} is made; the key is not kept and not shown again", err=True)


@app.command(name="list")
@reported
def list_keys(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List all keys, revoked ones included; never the keys themselves."""
    keys = _file().all()
    if as_json:
        facts = ("id", "name", "created", "revoked")
        print_json({"keys": [{fact: asdict(key)[fact] for fact in facts} for key in keys]})
        return
    for key in keys:
        typer.echo(_line(key))


@app.command()
@reported
def revoke(key_id: Annotated[str, typer.Argument(help="As `limner keys list` shows it: key-...")]) -> None:
    """End a key for good; a running server refuses it from the next request on."""
    typer.echo(_line(_file().revoke(key_id)))


def _line(key: ApiKey) -> str:
    state = f"revoked {_day(key.revoked)}" if key.revoked is not None else "good"
    return f"{key.id}  made {_day(key.created)}  {state}  {key.name}"


def _day(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d}"

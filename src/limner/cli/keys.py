"""`limner keys`: who may use the server."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from limner.cli.console import print_json, reported
from limner.errors import SettingsError
from limner.server.access.keys import KeyFile
from limner.settings import Settings

if TYPE_CHECKING:
    from limner.server.access.keys import ApiKey
    from limner.storage.database.use import Used

__all__ = ["app", "list_keys", "new", "revoke", "usage"]

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Make, list and revoke API keys, and tell how much each has had drawn.",
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


@app.command()
@reported
def usage(
    days: Annotated[
        int, typer.Option(min=1, help="How many days back, today included; days are of UTC.")
    ] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell how much each key has had drawn on each day, by all servers of LIMNER_DATABASE_URL."""
    from limner.server.shared import shared_database

    database = shared_database(Settings())
    if database is None:
        raise SettingsError(
            "use is counted in a database: set LIMNER_DATABASE_URL for the servers and for this command",
            param="LIMNER_DATABASE_URL",
        )
    from limner.storage.database.use import used_since

    with closing(database):
        found = used_since(database, datetime.now(UTC).date() - timedelta(days=days - 1))
    if as_json:
        print_json({"usage": [asdict(used) | {"day": used.day.isoformat()} for used in found]})
        return
    names = {key.id: key.name for key in _file().all()}
    for used in found:
        typer.echo(_used(used, names.get(used.key, "")))


def _used(used: Used, name: str) -> str:
    told = f"{used.requests:,} requests  {used.pictures:,} pictures  {used.pixels / 1e6:,.1f} megapixels"
    return f"{used.day}  {used.key}  {told}  {name}".rstrip()


def _line(key: ApiKey) -> str:
    state = f"revoked {_day(key.revoked)}" if key.revoked is not None else "good"
    return f"{key.id}  made {_day(key.created)}  {state}  {key.name}"


def _day(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d}"

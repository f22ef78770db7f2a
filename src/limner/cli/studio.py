"""`limner studio`: the web page, on the same server as the API."""

from __future__ import annotations

import typer

from limner.cli.console import reported
from limner.cli.serve import Data, EngineName, Host, Keys, Models, Port, chosen, models_of, run

__all__ = ["app", "studio"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@reported
def studio(
    host: Host = None,
    port: Port = None,
    model: Models = None,
    engine: EngineName = None,
    key_file: Keys = None,
    data_dir: Data = None,
) -> None:
    """Make pictures in a browser, and see how they come about.

    The API is served as well: this is `limner serve --studio`, which has more options. Ctrl-C stops it.
    """
    settings = chosen(
        host=host, port=port, engine=engine, keys_file=key_file, data_dir=data_dir, **models_of(model)
    )
    run(settings, studio=True)

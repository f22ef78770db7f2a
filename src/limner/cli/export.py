"""`limner export`: from a training run to a model that draws."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limner.cli.console import reported
from limner.errors import EngineUnavailableError

__all__ = ["app", "export"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@reported
def export(
    run: Annotated[Path, typer.Argument(help="The folder of a training run.")],
    model: Annotated[Path, typer.Argument(help="The model folder to write; it must not exist yet.")],
    teacher: Annotated[
        bool, typer.Option("--teacher", help="Of a distilled run: the teacher, with its steps and guidance.")
    ] = False,
) -> None:
    """Turn a training run's averaged weights into a model folder, for `--model`."""
    try:
        from limner.training.finish import export_run
    except ImportError as error:
        raise EngineUnavailableError(
            f"Exporting needs torch ({error}): pip install 'limner[train]'"
        ) from error
    export_run(run, model, teacher=teacher)
    typer.echo(model)

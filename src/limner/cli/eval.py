"""`limner eval`: every figure of a model, with the judge of the run that trained it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limner.cli.console import open_pipeline, print_json, reported
from limner.cli.data import art_folder
from limner.errors import EngineUnavailableError, InvalidRequestError
from limner.files import write_json_atomic
from limner.models import find, is_foreign, read_manifest

if TYPE_CHECKING:
    from limner.training.evaluation.run import Evaluation

__all__ = ["app", "evaluate"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@reported
def evaluate(
    model: Annotated[str, typer.Argument(help="A model that ships, or a model folder.")],
    run: Annotated[Path, typer.Option(help="The folder of the run that trained it: the judge is there.")],
    out: Annotated[
        Path | None, typer.Option(help="A folder for evaluation.json and two pages of pictures.")
    ] = None,
    pictures: Annotated[
        int, typer.Option(min=1, help="Pictures for each task; 32 take about ten minutes on two cores.")
    ] = 32,
    art: Annotated[Path | None, typer.Option(help="Where the art is; by default the cache folder.")] = None,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Write the scores into the model's manifest, where they are read again."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure a model: composition, prompt match, fidelity, memory, edits, variations, speed."""
    try:
        from limner.training.evaluation.run import Evaluation, EvaluationConfig
        from limner.training.evaluation.yardstick import Yardstick
        from limner.training.export import add_scores
    except ImportError as error:
        raise EngineUnavailableError(
            f"Evaluating needs torch ({error}): pip install 'limner[train]'"
        ) from error
    if is_foreign(model):
        raise InvalidRequestError(f"{model} is not one of limner's own models: name one", param="model")
    folder = find(model)
    manifest = read_manifest(folder)
    yardstick = Yardstick.open(run, art_folder(art))
    evaluation = Evaluation(
        open_pipeline(model, None),
        yardstick,
        EvaluationConfig(pictures=pictures),
        lambda stage: typer.echo(stage, err=True),
    )
    results = evaluation.measure(manifest, folder)
    if out is not None:
        _write(evaluation, results, out)
    if keep:
        add_scores(
            folder, {"evaluation": {goal["what"]: round(goal["value"], 4) for goal in results["goals"]}}
        )
    if as_json:
        print_json(results)
    else:
        _tell(results)


def _write(evaluation: Evaluation, results: dict[str, Any], out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidRequestError(
            f"{out} cannot be made ({error}): name another folder", param="out"
        ) from error
    write_json_atomic(out / "evaluation.json", results)
    evaluation.page.save(out / "page.webp", quality=85)
    evaluation.neighbours.save(out / "neighbours.webp", quality=85)


def _tell(results: dict[str, Any]) -> None:
    """The goals, and the curve."""
    for goal in results["goals"]:
        bound = "at least" if goal["at_least"] else "at most"
        verdict = "reached" if goal["reached"] else f"missed by {goal['missed_by']:.3g}"
        typer.echo(
            f"{goal['what']:34} {goal['value']:8.3f} {goal['unit']:2} {bound} {goal['goal']:.3g}, {verdict}"
        )
    typer.echo(f"\n{'steps':>5}  composition  match  Frechet distance  seconds")
    for steps, seconds in results["seconds"].items():
        composition = results["composition"]["by_steps"][steps]["overall"]
        match = results["match"]["by_steps"][steps]["accuracy"]
        distance = results["fidelity"]["by_steps"][steps]
        typer.echo(f"{steps:>5}  {composition:11.2f}  {match:5.2f}  {distance:16.2f}  {seconds:7.3f}")
    composition, match = (results[name]["ceiling"] for name in ("composition", "match"))
    floor = results["fidelity"]["floor"]
    typer.echo(f" real  {composition['overall']:11.2f}  {match['accuracy']:5.2f}  {floor:16.2f}")

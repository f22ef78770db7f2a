"""Way 4: how the shipped model was trained, epoch by epoch, out of its own manifest."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from limner.models import Manifest, find, read_manifest
from limner.report.drawings import data_url
from limner.report.markup import Html, tag
from limner.studio.learn.charts import Line, line_chart
from limner.studio.learn.framing import chapter, scrolling
from limner.studio.learn.running import model_name
from limner.studio.shown import Shown

__all__ = ["CHOICES", "TARGETS", "epoch_pictures", "training_of", "training_trace"]

CHOICES = 10
"""How many captions the judge chooses from."""

TARGETS = {"loss": 0.30, "accuracy": 0.90}
"""What twenty epochs are to reach."""

_FOLDER = "epochs"


def training_trace(shown: Shown | None) -> Html:
    """The training of the model that drew the picture on screen, or would draw it."""
    name = model_name(shown)
    other = shown.picture.model if shown and shown.picture.model != name else ""
    return training_of(find(name), other=other)


def training_of(folder: Path, *, other: str = "") -> Html:
    """The training of one model.

    Args:
        folder: the model's.
        other: the model of the picture on screen, where it is none that ships.

    Raises:
        ModelError: the folder holds no model, or a damaged one.
    """
    manifest = read_manifest(folder)
    rows = manifest.training_trace
    return chapter(
        4,
        *_idea(),
        tag("p", f"The picture on screen is of {other}. What follows is of {manifest.name}, which ships.")
        if other
        else Html(),
        *(_told(manifest, rows) if rows else [_not_judged(manifest)]),
        *_pictures(epoch_pictures(folder)),
    )


def _idea() -> list[Html]:
    return [
        tag(
            "p",
            "In training, the model is shown pictures with noise mixed in, and has to say what the clean "
            "picture was. Its weights are moved a little, so that it would have been less wrong; then come the next "
            "pictures. A round of this is an epoch.",
        ),
        tag(
            "p",
            f"After an epoch it draws pictures for captions that it has never seen. A judge, which learns "
            f"nothing from them, is given each picture with {CHOICES} captions and picks the one that it was "
            f"drawn from. Accuracy is how often the judge is right; training raises it. Loss is how surprised "
            f"the judge is by the truth; training lowers it. Guessing gives accuracy {1 / CHOICES:.2f} and loss "
            f"{math.log(CHOICES):.2f}.",
        ),
    ]


def _not_judged(manifest: Manifest) -> Html:
    return tag(
        "p",
        f"The model {manifest.name} that ships has not been judged: its manifest holds no training trace, so "
        "there is no curve to show. As soon as a model with a trace is installed, it stands here.",
        class_="note",
    )


def _told(manifest: Manifest, rows: Sequence[Mapping[str, Any]]) -> list[Html]:
    first, last = rows[0], rows[-1]
    return [
        tag(
            "p",
            f"{manifest.name}: loss went from {first['loss']:.2f} to {last['loss']:.2f}, accuracy from "
            f"{first['accuracy']:.2f} to {last['accuracy']:.2f}, over {last['epoch']} epochs.",
        ),
        tag("div", *(line_chart(line) for line in _lines(rows)), class_="charts"),
        scrolling(_table(rows), label="The training trace, epoch by epoch"),
    ]


def _lines(rows: Sequence[Mapping[str, Any]]) -> list[Line]:
    losses = [(row["epoch"], float(row["loss"])) for row in rows]
    chance = math.log(CHOICES)
    return [
        Line(
            title="Loss",
            points=losses,
            marks={"chance": chance, "target": TARGETS["loss"]},
            top=math.ceil(max(chance, *(value for _, value in losses)) + 0.1),
        ),
        Line(
            title="Accuracy",
            points=[(row["epoch"], float(row["accuracy"])) for row in rows],
            marks={"chance": 1 / CHOICES, "target": TARGETS["accuracy"]},
            top=1.0,
        ),
    ]


def _table(rows: Sequence[Mapping[str, Any]]) -> Html:
    heads = [tag("th", title, scope="col") for title in ("Epoch", "Loss", "Accuracy", "Observation")]
    lines = [
        tag(
            "tr",
            tag("th", str(row["epoch"]), scope="row"),
            tag("td", f"{row['loss']:.2f}"),
            tag("td", f"{row['accuracy']:.2f}"),
            tag("td", str(row["observation"]), class_="words-cell"),
        )
        for row in rows
    ]
    caption = tag("caption", "Epoch 0 is the model before it has learned anything.")
    return tag("table", caption, tag("thead", tag("tr", *heads)), tag("tbody", *lines), class_="training")


def epoch_pictures(folder: Path) -> list[tuple[int, Path]]:
    """The pictures that a model's folder keeps of its epochs, in order: `epochs/epoch-05.webp`."""
    found = [
        (int(named[1]), path)
        for path in (folder / _FOLDER).glob("epoch-*.webp")
        if (named := re.fullmatch(r"epoch-(\d+)", path.stem))
    ]
    return sorted(found)


def _pictures(pictures: list[tuple[int, Path]]) -> list[Html]:
    if not pictures:
        return []
    return [
        tag("h3", "The same prompt and seed, drawn by the weights of several epochs"),
        tag("ol", *(_picture(epoch, path) for epoch, path in pictures), class_="film"),
    ]


def _picture(epoch: int, path: Path) -> Html:
    image = tag(
        "img",
        src=data_url(path.read_bytes(), "webp"),
        alt=f"What the weights drew after epoch {epoch}.",
        width=128,
        height=128,
    )
    return tag("li", tag("figure", image, tag("figcaption", f"epoch {epoch}")))

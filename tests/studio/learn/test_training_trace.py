"""The training trace is the manifest's own, or says that there is none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from limner.imaging.codec import encode
from limner.models import find, read_manifest
from limner.studio.learn.charts import Line, line_chart
from limner.studio.learn.training_trace import epoch_pictures, training_of, training_trace
from limner.studio.shown import Shown
from tests.pages import Page

ROWS = (
    {"epoch": 0, "loss": 2.31, "accuracy": 0.1, "observation": "Noise."},
    {"epoch": 1, "loss": 1.2, "accuracy": 0.55, "observation": "Places <b>appear</b>."},
    {"epoch": 2, "loss": 0.25, "accuracy": 0.93, "observation": "Things too."},
)

Trained: TypeAlias = Callable[[Sequence[Mapping[str, Any]]], Path]


@pytest.fixture
def trained(tmp_path: Path) -> Trained:
    """Makes a folder with the shipped model's manifest, and this training trace in it."""

    def write(rows: Sequence[Mapping[str, Any]]) -> Path:
        path = shutil.copy(find("limner-2") / "manifest.json", tmp_path)
        manifest = json.loads(Path(path).read_text(encoding="utf-8"))
        Path(path).write_text(json.dumps(manifest | {"training_trace": list(rows)}), encoding="utf-8")
        return tmp_path

    return write


def test_each_epoch_is_a_row(trained: Trained) -> None:
    """With its loss, accuracy and observation, as text."""
    page = Page(training_of(trained(ROWS)))
    assert len(page.all("tr")) == 1 + len(ROWS)
    assert all(f"{row['loss']:.2f}" in page.told for row in ROWS)
    assert "Places <b>appear</b>." in page.told


def test_loss_and_accuracy_are_drawn(trained: Trained) -> None:
    """One line each, which says in words where it begins and ends."""
    loss, accuracy = Page(training_of(trained(ROWS))).all("svg")
    assert loss["aria-label"] == "Loss by epoch: 2.31 at first, 0.25 after epoch 2."
    assert accuracy["aria-label"] == "Accuracy by epoch: 0.10 at first, 0.93 after epoch 2."


def test_a_model_that_was_not_judged_says_so(trained: Trained) -> None:
    """Without a trace there is no curve, and no table."""
    page = Page(training_of(trained(())))
    assert "has not been judged" in page.told
    assert page.all("svg") == page.all("table") == []


def test_the_shipped_model_is_told_of_as_it_is() -> None:
    """What ships today shows its trace if it has one, and else admits that it has none."""
    told = Page(training_trace(None)).told
    assert ("has not been judged" in told) != bool(read_manifest(find("limner-2")).training_trace)


def test_another_models_picture_is_not_passed_off_as_the_shipped_ones(shown: Shown) -> None:
    """The instant engine was never trained: the page says whose training this is."""
    assert "The picture on screen is of fake." in Page(training_trace(shown)).told


def test_pictures_of_epochs_are_shown_in_order(trained: Trained) -> None:
    """Those in the folder `epochs`, and nothing else that lies there."""
    folder = trained(ROWS)
    (folder / "epochs").mkdir()
    for name in ("epoch-20", "epoch-05", "epoch-x"):
        (folder / "epochs" / f"{name}.webp").write_bytes(encode(np.zeros((8, 8, 3), np.uint8), "webp"))
    assert [epoch for epoch, _ in epoch_pictures(folder)] == [5, 20]
    assert [image["alt"] for image in Page(training_of(folder)).all("img")] == [
        "What the weights drew after epoch 5.",
        "What the weights drew after epoch 20.",
    ]


def test_a_line_goes_from_the_left_to_the_right_and_down_as_values_fall() -> None:
    """SVG's y grows downwards."""
    chart = Page(line_chart(Line(title="Loss", points=[(0, 2.0), (4, 0.5)], marks={}, top=2.0)))
    [line] = chart.all("polyline")
    (x0, y0), (x1, y1) = [tuple(map(float, pair.split(","))) for pair in str(line["points"]).split()]
    assert x0 < x1
    assert y0 < y1

"""`limner data`: a look at the scenes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from limner.cli import app
from limner.training.dataset import load_vocabulary
from limner.training.scenes.art import FLUENT_3D, FLUENT_FLAT
from limner.training.scenes.concepts import data_folder
from tests.training.scenes.props import build_art


@pytest.fixture(scope="module")
def art(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Art for the project's own table, in which everything looks like the tiny table's first thing."""
    folder = build_art(tmp_path_factory.mktemp("art"))
    assets, listed = (folder / package.folder / "package" for package in (FLUENT_3D, FLUENT_FLAT))
    vocabulary = load_vocabulary(data_folder())
    clutter = [item.codepoint for place in vocabulary.places for item in place.clutter]
    codepoints = [concept.codepoint for concept in vocabulary.concepts] + clutter
    for codepoint in codepoints:
        shutil.copy(assets / "assets" / "a1.webp", assets / "assets" / f"{codepoint}.webp")
    names = json.loads((listed / "chars.json").read_text(encoding="utf-8"))
    names |= dict.fromkeys(codepoints, "a name")
    (listed / "chars.json").write_text(json.dumps(names), encoding="utf-8")
    return folder


def preview(art: Path, output: Path, *options: str) -> Result:
    """What `limner data preview` does."""
    command = ["data", "preview", "--art", str(art), "-o", str(output), "--scenes", "2", *options]
    return CliRunner().invoke(app, command)


def test_a_preview_is_written_and_named(art: Path, tmp_path: Path) -> None:
    """The sheet is under the name that was given, and the line says so."""
    result = preview(art, tmp_path / "sheet.png")
    assert (result.exit_code, result.stdout.strip()) == (0, str(tmp_path / "sheet.png"))
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")


def test_the_vocabulary_can_be_an_older_models(art: Path, tmp_path: Path) -> None:
    """limner-1's scenes are others than the newest; a vocabulary that there is not is named."""
    older = preview(art, tmp_path / "older.png", "--vocabulary", "limner-1")
    preview(art, tmp_path / "newest.png")
    assert older.exit_code == 0
    assert (tmp_path / "older.png").read_bytes() != (tmp_path / "newest.png").read_bytes()
    unknown = preview(art, tmp_path / "none.png", "--vocabulary", "limner-0")
    assert unknown.exit_code != 0
    assert "no vocabulary 'limner-0'" in unknown.stderr


def test_seed_and_share_choose_the_scenes(art: Path, tmp_path: Path) -> None:
    """Another seed, and the held-out share, show other scenes; the same ones show the same."""
    options: dict[str, list[str]] = {
        "one": [],
        "again": [],
        "seed": ["--seed", "1"],
        "held-out": ["--held-out"],
    }
    for name, chosen in options.items():
        preview(art, tmp_path / f"{name}.png", *chosen)
    one, again, seed, held_out = ((tmp_path / f"{name}.png").read_bytes() for name in options)
    assert one == again
    assert len({one, seed, held_out}) == 3


def test_a_name_that_is_none_for_a_picture_is_bad_use(art: Path, tmp_path: Path) -> None:
    """It is refused before a scene is composed."""
    result = preview(art, tmp_path / "sheet.tiff")
    assert result.exit_code == 2
    assert "does not end in" in result.stderr


def test_fetching_what_is_there_only_says_where(art: Path) -> None:
    """The folder's name goes to stdout, for `$(limner data fetch)`."""
    result = CliRunner().invoke(app, ["data", "fetch", "--art", str(art)])
    assert (result.exit_code, result.stdout.strip()) == (0, str(art))

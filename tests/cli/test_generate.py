"""`limner generate` draws, or says in one line why not."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from limner import load
from limner.cli import app

PROMPT = "A cute puppy playing with a ball in the park"


def limner(*arguments: str) -> Result:
    """What the command line does with these arguments and the engine that needs no model."""
    return CliRunner().invoke(app, ["generate", *arguments, "--engine", "fake"])


def test_a_picture_is_drawn_and_told(tmp_path: Path) -> None:
    """The file is a PNG; one line says where it is, how large, and from which seed."""
    result = limner(PROMPT, "-o", str(tmp_path / "puppy.png"), "--seed", "5")
    assert result.exit_code == 0
    assert (tmp_path / "puppy.png").read_bytes().startswith(b"\x89PNG")
    assert "256x256, seed 5" in result.stdout


def test_library_and_command_line_give_the_same_bytes(tmp_path: Path) -> None:
    """Same prompt, seed and steps: same file, twice and through both doors."""
    for name in ("one", "two"):
        limner(PROMPT, "-o", str(tmp_path / f"{name}.png"), "--seed", "5")
    load(engine="fake").generate(PROMPT, seed=5)[0].save(tmp_path / "library.png")
    files = {(tmp_path / f"{name}.png").read_bytes() for name in ("one", "two", "library")}
    assert len(files) == 1


def test_several_pictures_are_numbered(tmp_path: Path) -> None:
    """`--n 3` writes three files, each of its own seed."""
    result = limner(PROMPT, "-o", str(tmp_path / "p.webp"), "-n", "3", "--seed", "1", "--json")
    pictures = json.loads(result.stdout)["pictures"]
    assert [Path(picture["path"]).name for picture in pictures] == ["p-1.webp", "p-2.webp", "p-3.webp"]
    assert len({picture["seed"] for picture in pictures}) == 3


def test_json_is_one_object_with_the_facts(tmp_path: Path) -> None:
    """`--json` tells size, format, bytes, model and seconds of each picture."""
    result = limner(PROMPT, "-o", str(tmp_path / "p.jpg"), "--seed", "1", "--size", "320x200", "--json")
    [facts] = json.loads(result.stdout)["pictures"]
    assert (facts["width"], facts["height"], facts["format"], facts["model"]) == (320, 200, "jpeg", "fake")
    assert facts["bytes"] == (tmp_path / "p.jpg").stat().st_size


def test_without_a_name_the_prompt_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file's name is made of the prompt's words and the seed."""
    monkeypatch.chdir(tmp_path)
    assert limner("Two red cats!", "--seed", "4").exit_code == 0
    assert (tmp_path / "two-red-cats-4.png").is_file()


def test_what_was_not_read_is_told(tmp_path: Path) -> None:
    """The end of a long prompt is named on stderr and in the JSON."""
    result = limner("boat " * 600, "-o", str(tmp_path / "p.png"), "--json")
    assert "not read" in result.stderr
    assert json.loads(result.stdout)["warnings"]


@pytest.mark.parametrize("prompt", ["🐶🎾", "كلب صغير في الحديقة", "小狗"])
def test_any_script_is_a_prompt(prompt: str, tmp_path: Path) -> None:
    """Emoji and every script draw."""
    assert limner(prompt, "-o", str(tmp_path / "p.png")).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["", "-o", "p.png"], "prompt is empty"),
        (["a" * 33_000, "-o", "p.png"], "shorten it"),
        (["a\x07b", "-o", "p.png"], "control character"),
        (["a\ud800b", "-o", "p.png"], "surrogate"),
        (["a", "-o", "p.png", "--size", "0x0"], "size must be"),
        (["a", "-o", "p.png", "--size", "banana"], "like 512x256"),
        (["a", "-o", "p.png", "--n", "0"], "n must be"),
        (["a", "-o", "p.png", "--steps", "0"], "steps must be"),
        (["a", "-o", "p.png", "--guidance", "0.5"], "guidance must be"),
        (["a", "-o", "p.png", "--seed", "-1"], "seed must be"),
        (["a", "-o", "p.gif"], "does not end in"),
        (["a", "-o", "p.png", "--format", "webp"], "is not a name for webp"),
    ],
)
def test_bad_use_is_one_line_and_exit_code_2(
    arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line names what is wrong; no file is written."""
    monkeypatch.chdir(tmp_path)
    result = limner(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_a_failure(tmp_path: Path) -> None:
    """Exit code 1, and the line says what to create."""
    result = limner(PROMPT, "-o", str(tmp_path / "no" / "p.png"))
    assert result.exit_code == 1
    assert "create the folder" in result.stderr


def test_a_full_disk_leaves_no_part_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fills up while writing, the line says so and nothing stays behind."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    result = limner(PROMPT, "-o", str(tmp_path / "p.png"))
    assert result.exit_code == 1
    assert "disk is full" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_model_is_a_failure(tmp_path: Path) -> None:
    """The line lists what ships."""
    command = ["generate", PROMPT, "-o", str(tmp_path / "p.png"), "--model", "dall-e-9"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    assert "no model 'dall-e-9'" in result.stderr


def test_a_damaged_model_is_a_failure(tiny_folder: Path, tmp_path: Path) -> None:
    """A model folder without one of its files is refused by name."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "manifest.json").write_bytes((tiny_folder / "manifest.json").read_bytes())
    command = ["generate", PROMPT, "-o", str(tmp_path / "p.png"), "--model", str(folder)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    assert "is missing" in result.stderr

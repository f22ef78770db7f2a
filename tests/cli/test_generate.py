"""`limner generate` draws, or says in one line why not."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import warnings
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from limner import load
from limner.cli import app
from limner.cli.console import collected_warnings, reported
from limner.errors import PromptWarning

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


def test_a_made_up_name_is_never_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also not for letters of four bytes; a name is cut between letters."""
    monkeypatch.chdir(tmp_path)
    assert limner("\U0001d4ef" * 90, "--seed", str(2**63 - 1), "--n", "2", "--format", "webp").exit_code == 0
    assert sorted(len(path.name.encode()) for path in tmp_path.iterdir()) == [227, 227]


def test_quality_makes_files_smaller(tmp_path: Path) -> None:
    """What is saved follows `--quality`, and the JSON tells the bytes of that file."""
    sizes = []
    for quality in ("20", "95"):
        result = limner(PROMPT, "-o", str(tmp_path / "p.jpg"), "--seed", "1", "--quality", quality, "--json")
        sizes.append(json.loads(result.stdout)["pictures"][0]["bytes"])
    assert sizes[0] < sizes[1] == (tmp_path / "p.jpg").stat().st_size


def collect(*told: Warning) -> list[str]:
    """What is kept of these warnings."""
    with collected_warnings() as kept:
        for warning in told:
            warnings.warn(warning, stacklevel=1)
    return kept


def test_other_warnings_pass(capsys: pytest.CaptureFixture[str]) -> None:
    """Only what is said of the prompt is taken out of the stream of warnings."""
    with pytest.warns(UserWarning, match="something else"):
        told = collect(UserWarning("something else"), PromptWarning("the end was not read"))
    assert told == ["the end was not read"]
    assert capsys.readouterr().err == "limner: the end was not read\n"


def test_ctrl_c_is_one_line_and_exit_code_130() -> None:
    """Whoever stops a command sees no traceback."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(typer.Exit) as stopped:
        reported(interrupted)()
    assert stopped.value.exit_code == 130


def test_what_nobody_expected_keeps_its_traceback() -> None:
    """An error that limner did not raise on purpose is not dressed up as one."""

    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        reported(broken)()


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
        (["a", "-o", "p.png", "--size", "9" * 5000 + "x1"], "like 512x256"),
        (["a", "-o", "p.png", "--n", "0"], "n must be"),
        (["a", "-o", "p.png", "--steps", "0"], "steps must be"),
        (["a", "-o", "p.png", "--guidance", "0.5"], "guidance must be"),
        (["a", "-o", "p.png", "--seed", "-1"], "seed must be"),
        (["a", "-o", "p.gif"], "does not end in"),
        (["a", "-o", "p.png", "--format", "webp"], "is not a name for webp"),
        (["a", "-o", "p.png", "--quality", "80"], "quality"),
        (["a", "-o", "p.jpg", "--quality", "0"], "quality"),
        (["a", "-o", "p.jpg", "--quality", "80", "--trace"], "leave out --quality or --trace"),
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


def spoil(folder: Path, name: str, data: bytes | None, *, hashed: bool = False) -> None:
    """Replace or remove a model's file; `hashed` puts the new one's SHA-256 into the manifest."""
    if data is None:
        (folder / name).unlink()
        return
    (folder / name).write_bytes(data)
    if hashed:
        facts = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        facts["files"][name] = hashlib.sha256(data).hexdigest()
        (folder / "manifest.json").write_text(json.dumps(facts), encoding="utf-8")


def with_nan(path: Path) -> bytes:
    """The same weights, but the last of them are NaN."""
    return path.read_bytes()[:-64] + b"\xff" * 64


@pytest.mark.parametrize("fault", ["missing", "damaged", "nan"])
def test_a_faulty_model_is_one_line_and_no_picture(tiny_folder: Path, tmp_path: Path, fault: str) -> None:
    """A file that is missing, one of another hash, and weights that are NaN are refused."""
    folder, name = tmp_path / "model", "denoiser.safetensors"
    shutil.copytree(tiny_folder, folder)
    data = {"missing": None, "damaged": b"x", "nan": with_nan(folder / name)}[fault]
    spoil(folder, name, data, hashed=fault == "nan")
    command = ["generate", PROMPT, "-o", str(tmp_path / "p.png"), "--model", str(folder)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1, result.output
    assert {"missing": "is missing", "damaged": "is damaged", "nan": "NaN"}[fault] in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "p.png").exists()

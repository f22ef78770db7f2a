"""`limner.training.scenes.art`: fetched once, checked, and the right way round."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limner.errors import DataError
from limner.training.scenes import art
from limner.training.scenes.art import FLUENT_3D, FLUENT_FLAT, NOTO, PACKAGES, Art, fetch_art
from tests.training.scenes.props import build_art

FakeNpm = Callable[[str], None]


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNpm:
    """Puts a program `npm` that runs a shell script first on the PATH."""

    def install(script: str) -> None:
        program = tmp_path / "bin" / "npm"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")

    return install


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with archives of the procedural sprites, pinned in place of the real ones."""
    unpacked, folder = build_art(tmp_path / "unpacked"), tmp_path / "registry"
    folder.mkdir()
    pinned = []
    for package in PACKAGES:
        archive = folder / package.archive
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(unpacked / package.folder / "package", "package")
        pinned.append(replace(package, sha256=hashlib.sha256(archive.read_bytes()).hexdigest()))
    monkeypatch.setattr(art, "PACKAGES", tuple(pinned))
    return folder


def test_archives_are_named_as_npm_names_them() -> None:
    """`@scope/name` becomes `scope-name-version.tgz`."""
    assert [package.archive for package in PACKAGES] == [
        "lobehub-fluent-emoji-3d-1.1.0.tgz",
        "iconify-json-fluent-emoji-flat-1.2.6.tgz",
        "iconify-json-noto-1.2.9.tgz",
    ]


def test_art_is_fetched_once(tmp_path: Path, npm: FakeNpm, registry: Path) -> None:
    """The first call asks npm for each package, the second for nothing, and leaves no scratch behind."""
    npm(f'echo "$@" >> {tmp_path}/asked; cp {registry}/*.tgz .')
    folder = fetch_art(tmp_path / "art")
    assert (tmp_path / "asked").read_text(encoding="utf-8").splitlines() == [
        f"pack --silent {package.name}@{package.version}" for package in PACKAGES
    ]
    assert sorted(path.name for path in folder.iterdir()) == sorted(package.folder for package in PACKAGES)
    npm("exit 1")
    assert fetch_art(folder) == folder
    assert Art(folder).sprite("a1", 48).size == (48, 48)


def test_art_that_lacks_a_package_is_completed(tmp_path: Path, npm: FakeNpm, registry: Path) -> None:
    """A cache from before there was another artist gets what it lacks, and keeps what it has."""
    npm(f'echo "$@" >> {tmp_path}/asked; cp {registry}/*.tgz .')
    folder = build_art(tmp_path / "art")
    shutil.rmtree(folder / NOTO.folder)
    before = (folder / FLUENT_3D.folder).stat().st_mtime_ns
    fetch_art(folder)
    assert (tmp_path / "asked").read_text(encoding="utf-8") == f"pack --silent {NOTO.name}@{NOTO.version}\n"
    assert Art(folder, "noto").sprite("a1", 48).size == (48, 48)
    assert (folder / FLUENT_3D.folder).stat().st_mtime_ns == before


def test_without_npm_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without npm is told so."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match=r"needs npm: install Node\.js"):
        fetch_art(tmp_path / "art")


def test_a_failing_npm_is_quoted(tmp_path: Path, npm: FakeNpm) -> None:
    """What npm complained about is part of the error."""
    npm("echo no route to host >&2; exit 1")
    with pytest.raises(DataError, match=r"`npm pack .*fluent-emoji-3d@1\.1\.0` failed.*no route to host"):
        fetch_art(tmp_path / "art")


def test_another_archive_than_the_pinned_one_is_refused(tmp_path: Path, npm: FakeNpm) -> None:
    """A wrong hash is an error, and nothing of the archive is kept."""
    npm(f"echo something else > {FLUENT_3D.archive}")
    with pytest.raises(DataError, match="not the file that was pinned: its SHA-256 differs"):
        fetch_art(tmp_path / "art")
    assert list((tmp_path / "art").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """A file in the way is reported, with what to do."""
    (tmp_path / "art").touch()
    with pytest.raises(DataError, match="choose another folder"):
        fetch_art(tmp_path / "art")


def test_art_that_is_incomplete_is_refused(tmp_path: Path) -> None:
    """Without the list of allowed pictures nothing is opened."""
    with pytest.raises(DataError, match="incomplete: delete the folder to fetch it anew"):
        Art(tmp_path)


@pytest.mark.parametrize("px", [26, 48, 160])
def test_sprites_are_cropped_and_scaled(tiny_art: Art, px: int) -> None:
    """The longer side of what is visible is as long as asked."""
    pole = tiny_art.sprite("a4", px)
    assert pole.mode == "RGBA"
    assert pole.height == px
    assert pole.width == round(px / 3)
    assert np.asarray(pole)[..., 3].min() > 200


def test_sprites_can_be_painted(tiny_art: Art) -> None:
    """A coloured sprite has the outline of the plain one."""
    plain, red = (np.asarray(tiny_art.sprite("a1", 64, colour)) for colour in (None, "red"))
    assert (plain[..., 3] == red[..., 3]).all()
    assert (plain[..., :3] != red[..., :3]).any()


def test_a_flat_sprite_is_the_drawing(tiny_art: Art) -> None:
    """One colour, as wide as asked; painted, it keeps its outline."""
    flat, red = (np.asarray(tiny_art.sprite("a1", 48, colour, "flat")) for colour in (None, "red"))
    assert flat.shape == (48, 48, 4)
    assert tuple(np.median(flat[flat[..., 3] == 255][:, :3], axis=0)) == (0x1F, 0x8F, 0x4F)
    assert (flat[..., 3] == red[..., 3]).all()


def test_a_sticker_is_the_drawing_with_a_white_border(tiny_art: Art) -> None:
    """It is as large as any sprite, and white where the drawing ends."""
    sticker = np.asarray(tiny_art.sprite("a1", 64, None, "sticker"))
    assert sticker.shape == (64, 64, 4)
    assert sticker[61, 32].min() > 240
    assert tuple(sticker[48, 32]) == (0x1F, 0x8F, 0x4F, 255)


@pytest.mark.parametrize("style", ["3d", "flat"])
def test_another_artist_has_one_style(tiny_art: Art, other_art: Art, style: str) -> None:
    """It is drawn, whatever the word for the style, as large as the first one's, and can be painted."""
    other = np.asarray(other_art.sprite("a1", 48, None, style))
    assert tuple(np.median(other[other[..., 3] == 255][:, :3], axis=0)) == (0xC0, 0x30, 0x60)
    assert other.shape == np.asarray(tiny_art.sprite("a1", 48, None, style)).shape
    painted = np.asarray(other_art.sprite("a1", 48, "blue", style))
    assert (painted[..., 3] == other[..., 3]).all()
    assert (painted[..., :3] != other[..., :3]).any()


def test_another_artists_sticker_has_the_white_border(other_art: Art) -> None:
    """White where the drawing ends."""
    sticker = np.asarray(other_art.sprite("a1", 64, None, "sticker"))
    assert sticker[61, 32].min() > 240
    assert tuple(sticker[48, 32]) == (0xC0, 0x30, 0x60, 255)


def test_what_another_artist_lacks_is_the_first_ones_flat_drawing(tiny_art: Art, other_art: Art) -> None:
    """Whatever the style; as if it lacked them, so are things that it shows otherwise."""
    assert other_art.sprite("a3", 48) == tiny_art.sprite("a3", 48, None, "flat")
    assert other_art.sprite("a2", 48) != tiny_art.sprite("a2", 48, None, "flat")


def test_what_another_artist_shows_otherwise_is_the_first_ones(tmp_path: Path) -> None:
    """The piñata, which is a star there, is looked for in Microsoft's art."""
    folder = build_art(tmp_path / "art")
    for package in (FLUENT_FLAT, NOTO):
        (folder / package.folder / "package" / "chars.json").write_text(
            '{"1fa85": "a name", "1f9a1": "a name"}'
        )
    first, other = Art(folder), Art(folder, "noto")
    assert other.sprite("1fa85", 48) == first.sprite("1fa85", 48, None, "flat")
    assert other.sprite("1f9a1", 48) != first.sprite("1f9a1", 48, None, "flat")


@pytest.mark.parametrize("style", ["3d", "flat", "sticker"])
def test_an_enlarged_sprite_is_exactly_so_many_times_as_large(tiny_art: Art, style: str) -> None:
    """A sticker's border is, too."""
    plain, large = (tiny_art.sprite("a4", 50, None, style, enlarged) for enlarged in (1, 3))
    assert large.size == (3 * plain.width, 3 * plain.height)
    small = np.asarray(large.reduce(3), dtype=np.float32)
    assert np.abs(small - np.asarray(plain, dtype=np.float32))[..., 3].mean() < 4


def test_wrong_codepoints_are_explained(config_copy: Path) -> None:
    """A picture outside the allowed set, one without a file, and an empty one are errors."""
    found = Art(config_copy)
    assets = config_copy / FLUENT_3D.folder / "package" / "assets"
    with pytest.raises(DataError, match="zz is not in Microsoft's set"):
        found.sprite("zz", 48)
    (assets / "a1.webp").unlink()
    with pytest.raises(DataError, match="no art for a1: check the codepoint"):
        found.sprite("a1", 48)
    Image.new("RGBA", (8, 8)).save(assets / "a2.webp", lossless=True)
    with pytest.raises(DataError, match="the art for a2 is empty"):
        found.sprite("a2", 48)
    (config_copy / FLUENT_FLAT.folder / "package" / "icons.json").write_text(
        '{"icons": {}}', encoding="utf-8"
    )
    with pytest.raises(DataError, match="no flat drawing of a name"):
        found.sprite("a3", 48, None, "flat")


@pytest.fixture
def config_copy(tmp_path: Path) -> Path:
    """An art folder that a test may damage."""
    return build_art(tmp_path / "damaged")

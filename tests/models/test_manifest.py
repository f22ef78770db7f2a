"""A model folder is what its manifest says, or a clear error."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from limner.engines.base import EngineOptions
from limner.engines.openvino import load as load_openvino
from limner.engines.torch import load as load_torch
from limner.errors import ModelError
from limner.models import available, find, read_manifest, verify


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model, to be damaged."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "model"))


def change_manifest(folder: Path, **changes: object) -> None:
    """Rewrite the manifest with some fields changed; None removes one."""
    path = folder / "manifest.json"
    facts = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in facts.items() if value is not None}))


def test_what_is_written_is_what_is_read(folder: Path) -> None:
    """A manifest survives the way to the file and back."""
    manifest = read_manifest(folder)
    (folder / "manifest.json").write_text(manifest.to_json())
    assert read_manifest(folder) == manifest


def test_the_shapes_are_read_back(folder: Path, shaped_folder: Path) -> None:
    """And each has its graph; a manifest from before there were any says nothing of them."""
    manifest = read_manifest(shaped_folder)
    assert manifest.shapes == ((8, 12), (14, 8))
    assert {"denoiser.xml", "denoiser-8x12.xml", "denoiser-14x8.xml"} <= manifest.files.keys()
    assert read_manifest(folder).shapes == ()


def test_a_shape_without_its_graph_is_wrong(folder: Path) -> None:
    """The manifest must name it among the files."""
    change_manifest(folder, shapes=[[8, 12]])
    with pytest.raises(ModelError, match="wrong files"):
        read_manifest(folder)


@pytest.mark.parametrize("name", ["denoiser.safetensors", "denoiser.xml", "tokenizer.json"])
def test_a_flipped_byte_is_found(folder: Path, name: str) -> None:
    """One changed byte in any file is an error that names the file, in both engines."""
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    for load in (load_openvino, load_torch):
        with pytest.raises(ModelError, match=f"{name} is damaged"):
            load(folder, EngineOptions())


def test_a_truncated_file_is_found(folder: Path) -> None:
    """A file that ends too early is damaged."""
    data = (folder / "text_encoder.safetensors").read_bytes()
    (folder / "text_encoder.safetensors").write_bytes(data[:-100])
    with pytest.raises(ModelError, match="damaged"):
        verify(folder, read_manifest(folder))


def test_a_manifest_that_forgets_the_upscalers_files_is_wrong(folder: Path) -> None:
    """Who has an upscaler has its weights and its graph."""
    manifest = read_manifest(folder)
    files = {name: digest for name, digest in manifest.files.items() if name != "upscaler.xml"}
    (folder / "manifest.json").write_text(replace(manifest, files=files).to_json())
    with pytest.raises(ModelError, match="wrong files"):
        read_manifest(folder)


def test_a_missing_file_is_found(folder: Path) -> None:
    """A file that is not there is named."""
    (folder / "decoder.xml").unlink()
    with pytest.raises(ModelError, match=r"decoder\.xml is missing"):
        verify(folder, read_manifest(folder))


def test_a_file_outside_the_folder_is_refused(folder: Path) -> None:
    """A manifest cannot point out of its folder."""
    change_manifest(folder, files={**read_manifest(folder).files, "../secret": "0"})
    with pytest.raises(ModelError, match="missing"):
        verify(folder, read_manifest(folder))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}'])
def test_what_is_no_manifest_is_an_error(folder: Path, text: str) -> None:
    """Text that is not JSON, or of another format, is refused with the file's name."""
    (folder / "manifest.json").write_text(text)
    with pytest.raises(ModelError, match=r"manifest\.json"):
        read_manifest(folder)


def test_unknown_and_missing_fields_are_errors(folder: Path) -> None:
    """Nothing in a manifest is passed over, and nothing is made up."""
    change_manifest(folder, flavour="mint")
    with pytest.raises(ModelError, match="flavour"):
        read_manifest(folder)
    change_manifest(folder, flavour=None, window=None)
    with pytest.raises(ModelError, match="window"):
        read_manifest(folder)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("window", "48"),
        ("latent_shape", 5),
        ("picture_size", [256]),
        ("shapes", 8),
        ("shapes", [8, 12]),
        ("shapes", [[8, 0]]),
        ("steps", 0),
        ("guidance", float("nan")),
        ("timestep_shift", -1),
        ("networks", {}),
        ("files", []),
        ("files", {}),
    ],
)
def test_a_field_that_cannot_be_is_named(folder: Path, field: str, value: object) -> None:
    """Wrong types, numbers out of range and lists with too little in them are errors in both engines."""
    change_manifest(folder, **{field: value})
    for load in (load_openvino, load_torch):
        with pytest.raises(ModelError, match=f"wrong {field}"):
            load(folder, EngineOptions())


def test_a_network_that_cannot_be_is_an_error(folder: Path) -> None:
    """The torch engine refuses a shape that the network does not know."""
    networks = json.loads((folder / "manifest.json").read_text())["networks"]
    networks["denoiser"]["colour"] = 3
    change_manifest(folder, networks=networks)
    with pytest.raises(ModelError, match="colour"):
        load_torch(folder, EngineOptions())


def test_shapes_that_do_not_fit_the_weights_are_an_error(folder: Path) -> None:
    """The torch engine says which file does not fit."""
    networks = json.loads((folder / "manifest.json").read_text())["networks"]
    networks["denoiser"]["layers"] = 3
    change_manifest(folder, networks=networks)
    with pytest.raises(ModelError, match=r"denoiser\.safetensors does not fit"):
        load_torch(folder, EngineOptions())


def test_a_model_is_found_by_name_or_by_folder(folder: Path) -> None:
    """A folder with a manifest is a model; what is neither is an error that lists what ships."""
    assert find(folder) == folder
    for name in available():
        assert find(name).name == name
    with pytest.raises(ModelError, match="no model 'dall-e-9'"):
        find("dall-e-9")

"""What a model takes, before it is loaded: with files that have tables of contents, and nothing else in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from limner.engines.base import EngineOptions
from limner.errors import ModelError
from limner.hosting.estimate import estimate
from limner.loading import name_of
from limner.models import available, find, read_manifest

F32, BF16 = EngineOptions(precision="f32"), EngineOptions(precision="bf16")


def header(path: Path, *, numbers: int, dtype: str = "F16") -> None:
    """A weight file of which nothing but the table of contents is there: nobody may read further."""
    table = json.dumps({"w": {"dtype": dtype, "shape": [numbers], "data_offsets": [0, 2 * numbers]}}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(table).to_bytes(8, "little") + table)


def checkpoint(folder: Path, network: dict[str, Any], decoder: dict[str, Any]) -> Path:
    """A checkpoint in diffusers' layout with a billion numbers."""
    header(folder / "unet" / "diffusion_pytorch_model.safetensors", numbers=10**9)
    for part, config in (("unet", network), ("vae", decoder)):
        (folder / part).mkdir(exist_ok=True)
        (folder / part / "config.json").write_text(json.dumps(config))
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
    return folder


def test_a_checkpoint_is_weighed_without_being_read(tmp_path: Path) -> None:
    """Numbers in the dtype that they are loaded with, and eight maps of a picture at the decoder's first width."""
    folder = checkpoint(tmp_path, {"sample_size": 64}, {"block_out_channels": [128, 256, 512, 512]})
    found = estimate(folder, "openvino", F32)
    assert found is not None
    assert (found.weights, found.activations) == (4 * 10**9, 512 * 512 * 128 * 8 * 4)
    assert (found.total, found.side) == (found.weights + found.activations, 512)


def test_half_the_width_is_half_the_memory(tmp_path: Path) -> None:
    """Of weights and of activations."""
    folder = checkpoint(tmp_path, {"sample_size": 64}, {"block_out_channels": [128, 256, 512, 512]})
    wide, narrow = (estimate(folder, "openvino", options) for options in (F32, BF16))
    assert wide is not None
    assert narrow is not None
    assert 2 * narrow.total == wide.total


@pytest.mark.parametrize(
    ("network", "decoder", "side", "channels"),
    [
        ({}, {}, 1024, 128),
        ({"sample_size": [32, 16]}, {"decoder_block_out_channels": [64] * 6}, 1024, 64),
        ({"sample_size": None}, {"block_out_channels": []}, 1024, 128),
    ],
)
def test_a_checkpoint_that_says_little_is_taken_for_a_usual_one(
    tmp_path: Path, network: dict[str, Any], decoder: dict[str, Any], side: int, channels: int
) -> None:
    """Of 1024 pixels, decoded from 128 channels."""
    found = estimate(checkpoint(tmp_path, network, decoder), "openvino", F32)
    assert found is not None
    assert (found.side, found.activations) == (side, side * side * channels * 8 * 4)


def test_the_shipped_model_is_small() -> None:
    """Its weights once more than they are on the disk, for numbers are wider in memory; its decoder has no maps."""
    [name] = available()
    stored = sum(path.stat().st_size for path in find(name).glob("*.safetensors"))
    found = estimate(name, "openvino", F32)
    assert found is not None
    assert stored < found.weights <= 4 * stored
    assert found.activations == 256 * 256 * 3 * 8 * 4
    assert found.device == "cpu"


def test_what_is_not_here_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint on a hub that was never fetched; it is not fetched for this."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert estimate("limner-tests/nothing", "openvino", F32) is None


def test_a_model_that_is_not_there_is_told() -> None:
    """As when it is loaded."""
    with pytest.raises(ModelError, match="no-such-model"):
        estimate("no-such-model", "openvino", F32)


def test_a_model_has_its_name_before_it_is_loaded(tmp_path: Path) -> None:
    """The one that its engine tells afterwards."""
    [shipped] = available()
    assert name_of(shipped, "openvino") == read_manifest(find(shipped)).name
    assert name_of("anything", "fake") == "fake"
    folder = tmp_path / "boat-1.5"
    folder.mkdir()
    assert name_of(checkpoint(folder, {}, {}), "openvino") == "boat-1.5"
    header(tmp_path / "boat.safetensors", numbers=5)
    assert name_of(tmp_path / "boat.safetensors", "openvino") == "boat"
    assert name_of("owner/boat", "openvino") == "boat"

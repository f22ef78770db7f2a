"""Exporting writes a folder whole or not at all, and rounds weights as it says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from limner.errors import OutputError, TrainingError
from limner.models import read_manifest, verify
from limner.network.weights import rounded, widened
from limner.training.export import add_scores, add_upscaler, export_model
from tests.tiny import tiny_parts, tiny_tokenizer, tiny_upscaler


def test_a_model_folder_is_complete(tiny_folder: Path) -> None:
    """Manifest, tokenizer, notice, weights and graphs are there and intact."""
    manifest = read_manifest(tiny_folder)
    verify(tiny_folder, manifest)
    assert manifest.name == "tiny"
    assert manifest.latent_shape == (12, 8, 8)
    assert {"denoiser.safetensors", "denoiser.xml", "tokenizer.json", "NOTICE"} <= set(manifest.files)
    assert {path.name for path in tiny_folder.iterdir()} == {*manifest.files, "manifest.json"}


def test_no_weight_is_stored_twice(tiny_folder: Path) -> None:
    """What the graphs add to the weights is small change."""
    for network in ("denoiser", "text_encoder", "image_tower", "autoencoder", "upscaler"):
        arrays = load_file(tiny_folder / f"{network}.safetensors")
        added = sum(array.nbytes for name, array in arrays.items() if name.startswith("graph."))
        assert added < 1_000, network


def test_all_shapes_share_the_weights(shaped_folder: Path) -> None:
    """A graph for each, over one file, to which they add small change."""
    arrays = load_file(shaped_folder / "denoiser.safetensors")
    assert sum(array.nbytes for name, array in arrays.items() if name.startswith("graph.")) < 2_000
    assert len(list(shaped_folder.glob("denoiser*.xml"))) == 3
    assert len(list(shaped_folder.glob("*.safetensors"))) == 5


def test_an_existing_folder_is_left_alone(tiny_folder: Path) -> None:
    """Exporting over something is refused; nothing is lost."""
    with pytest.raises(OutputError, match="exists already"):
        export_model(tiny_folder, tiny_parts(tiny_folder / "tokenizer.json"))


def test_a_failed_export_leaves_nothing(tmp_path: Path) -> None:
    """A weight that is NaN stops the export, and no part of it stays behind."""
    parts = tiny_parts(tiny_tokenizer(tmp_path / "tokenizer.json"))
    with torch.no_grad():
        parts.denoiser.head.weight[0, 0] = float("nan")
    with pytest.raises(TrainingError, match="NaN"):
        export_model(tmp_path / "out", parts)
    assert [path.name for path in tmp_path.iterdir()] == ["tokenizer.json"]


def test_what_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    """A score that is NaN stops the export."""
    parts = tiny_parts(tiny_tokenizer(tmp_path / "tokenizer.json"))
    with pytest.raises(TrainingError, match="JSON"):
        export_model(tmp_path / "out", replace(parts, scores={"accuracy": float("nan")}))
    assert not (tmp_path / "out").exists()


def test_a_missing_tokenizer_is_named(tmp_path: Path) -> None:
    """Without its tokenizer no model is written."""
    parts = tiny_parts(tiny_tokenizer(tmp_path / "tokenizer.json"))
    with pytest.raises(TrainingError, match=r"nowhere\.json"):
        export_model(tmp_path / "out", replace(parts, tokenizer=tmp_path / "nowhere.json"))


def test_the_same_networks_give_the_same_files(tmp_path: Path) -> None:
    """Exporting is deterministic: the weights' hashes do not change."""
    tokenizer = tiny_tokenizer(tmp_path / "tokenizer.json")
    for name in ("one", "other"):
        export_model(tmp_path / name, replace(tiny_parts(tokenizer), name="same"))
    one, other = (read_manifest(tmp_path / name).files for name in ("one", "other"))
    assert {name: digest for name, digest in one.items() if name.endswith(".safetensors")} == {
        name: digest for name, digest in other.items() if name.endswith(".safetensors")
    }


def test_rounding_to_8_bits_keeps_a_matrix_to_half_a_step() -> None:
    """Each row of a large matrix has its own scale; small tensors are not rounded."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(128, 64)
    stored = rounded(layer, int8=("",))
    assert stored["weight"].dtype == np.int8
    assert stored["bias"].dtype == np.float32
    error = (widened(stored)["weight"] - layer.weight).abs().amax(1)
    assert (error <= layer.weight.abs().amax(1) / 127 * 0.51).all()


def test_rounding_to_16_bits_keeps_a_matrix_to_a_thousandth() -> None:
    """Large matrices become float16."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(128, 64)
    stored = rounded(layer, int8=())
    assert stored["weight"].dtype == np.float16
    torch.testing.assert_close(widened(stored)["weight"], layer.weight.detach(), rtol=1e-3, atol=1e-6)


def test_a_weight_too_large_for_16_bits_is_refused() -> None:
    """Nothing becomes infinite on the way to the file."""
    layer = torch.nn.Linear(128, 64)
    with torch.no_grad():
        layer.weight[0, 0] = 1e6
    with pytest.raises(TrainingError, match="float16"):
        rounded(layer, int8=())


def test_an_upscaler_can_be_added(tmp_path: Path) -> None:
    """The folder then has its two files, the manifest tells of it, nothing else changes; another replaces it."""
    parts = tiny_parts(tiny_tokenizer(tmp_path / "tokenizer.json"))
    folder = tmp_path / "model"
    export_model(folder, replace(parts, upscaler=None))
    before = read_manifest(folder)
    for upscaler in (tiny_upscaler(), tiny_upscaler()):
        add_upscaler(folder, upscaler)
        after = read_manifest(folder)
        verify(folder, after)
        assert after.networks == {**before.networks, "upscaler": {"width": 8, "outer": 1, "inner": 1}}
        assert after.files.keys() - before.files.keys() == {"upscaler.safetensors", "upscaler.xml"}
        assert before.files.items() <= after.files.items()
        stored = load_file(folder / "upscaler.safetensors")
        np.testing.assert_allclose(stored["enter.weight"], upscaler.enter.weight.detach(), rtol=1e-3)


def test_scores_are_added_to_those_that_are_there(tmp_path: Path) -> None:
    """The same ones again take the place of the old; no other file changes, and nothing that is no number is kept."""
    folder = tmp_path / "model"
    parts = tiny_parts(tiny_tokenizer(tmp_path / "tokenizer.json"))
    export_model(folder, replace(parts, scores={"prompt_match": {"loss": 2.3}}))
    before = read_manifest(folder)
    for share in (0.5, 0.75):
        add_scores(folder, {"evaluation": {"counting": share}})
        after = read_manifest(folder)
        verify(folder, after)
        assert after.scores == {**before.scores, "evaluation": {"counting": share}}
    with pytest.raises(TrainingError, match="scores"):
        add_scores(folder, {"evaluation": {"counting": float("nan")}})
    assert read_manifest(folder) == after

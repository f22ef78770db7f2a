"""What weights take in memory, told by the tables of contents of their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from limner.errors import ModelError
from limner.models.weights import bytes_loaded, weight_files


def test_numbers_take_the_width_that_they_are_loaded_with(tmp_path: Path) -> None:
    """Whatever they have in the file; indices and packed numbers stay what they are."""
    path = tmp_path / "a.safetensors"
    tensors: dict[str, NDArray[Any]] = {
        "half": np.zeros((3, 5), np.float16),
        "full": np.zeros(7, np.float32),
        "int8": np.zeros((2, 2), np.int8),
        "scalar": np.zeros((), np.float32),
        "indices": np.zeros(4, np.int64),
        "packed": np.zeros(9, np.uint8),
    }
    save_file(tensors, path, {"format": "np"})
    assert bytes_loaded(path, 4) == 4 * (15 + 7 + 4 + 1) + 8 * 4 + 9
    assert bytes_loaded(path, 2) == 2 * (15 + 7 + 4 + 1) + 8 * 4 + 9


def test_a_pickle_counts_as_its_file(tmp_path: Path) -> None:
    """It has no table of contents, and is not opened for this."""
    path = tmp_path / "model.ckpt"
    path.write_bytes(b"x" * 100)
    assert bytes_loaded(path, 4) == 100


@pytest.mark.parametrize(
    "data", [b"", b"\xff" * 8, (5).to_bytes(8, "little") + b"{", (2).to_bytes(8, "little") + b"[]"]
)
def test_a_damaged_table_is_told(tmp_path: Path, data: bytes) -> None:
    """By the file's name and what to do; nothing huge is read."""
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"a\.safetensors is damaged .* again"):
        bytes_loaded(path, 4)


def checkpoint(folder: Path, *names: str) -> Path:
    """A folder in diffusers' layout with these empty files."""
    for name in ("model_index.json", *names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def names(folder: Path, variant: str = "") -> list[str]:
    """The files that would be read."""
    return [path.relative_to(folder).as_posix() for path in weight_files(folder, variant)]


def test_of_a_checkpoint_only_what_is_opened_counts(tmp_path: Path) -> None:
    """One set of weights, all of its parts; neither the safety checker nor a second copy as a pickle."""
    folder = checkpoint(
        tmp_path,
        "unet/diffusion_pytorch_model-00001-of-00002.safetensors",
        "unet/diffusion_pytorch_model-00002-of-00002.safetensors",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "text_encoder/model.safetensors",
        "text_encoder/pytorch_model.bin",
        "safety_checker/model.safetensors",
        "whole.safetensors",
    )
    assert names(folder) == [
        "text_encoder/model.safetensors",
        "unet/diffusion_pytorch_model-00001-of-00002.safetensors",
        "unet/diffusion_pytorch_model-00002-of-00002.safetensors",
    ]
    assert names(folder, "fp16") == [
        "text_encoder/model.safetensors",
        "unet/diffusion_pytorch_model.fp16.safetensors",
    ]


def test_a_checkpoint_of_pickles_counts_too(tmp_path: Path) -> None:
    """Where there is nothing else."""
    assert names(checkpoint(tmp_path, "unet/diffusion_pytorch_model.bin", "unet/config.json")) == [
        "unet/diffusion_pytorch_model.bin"
    ]


def test_a_file_is_itself(tmp_path: Path) -> None:
    """A checkpoint in one file has no others."""
    path = tmp_path / "a.safetensors"
    path.touch()
    assert weight_files(path) == [path]

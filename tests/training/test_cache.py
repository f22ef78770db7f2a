"""`limner.training.cache`: what is computed once is what would be computed again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from limner.errors import TrainingError
from limner.network.autoencoder import AutoencoderConfig, PatchAutoencoder, to_patches
from limner.network.text_encoder import TextEncoder
from limner.text.tokenizer import Tokenizer
from limner.training.cache import (
    CaptionStates,
    build_latents,
    build_states,
    encode_captions,
    fit_autoencoder,
    load_array,
    to_unit,
)
from limner.training.dataset import SceneStream
from limner.training.stages import Workshop
from tests.tiny import tiny_parts, tiny_tokenizer

CAPTIONS = ["a red ball", "the dog", "three cats under the tree at night", "", "a puppy"]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> tuple[TextEncoder, Tokenizer]:
    """A tiny text encoder and its tokenizer."""
    path = tiny_tokenizer(tmp_path_factory.mktemp("reader") / "tokenizer.json")
    return tiny_parts(path).text_encoder.eval(), Tokenizer(path)


def silent(done: int, total: int) -> None:
    """Tell nobody."""


def test_pixels_reach_from_minus_1_to_1() -> None:
    """0 and 255 are the ends, channels come before rows."""
    pixels = np.zeros((1, 2, 4, 3), dtype=np.uint8)
    pixels[0, 1, 3, 2] = 255
    unit = to_unit(pixels)
    assert unit.shape == (1, 3, 2, 4)
    assert unit[0, 2, 1, 3] == 1
    assert unit.sum() == 1 - 23


def test_captions_are_encoded_as_if_alone(reader: tuple[TextEncoder, Tokenizer]) -> None:
    """Sorting by length and padding change nothing beyond the rounding to 16 bits, some of them; the order is kept."""
    encoder, tokenizer = reader
    told: list[tuple[int, int]] = []
    packed = encode_captions(
        CAPTIONS, encoder, tokenizer, lambda done, total: told.append((done, total)), batch=2
    )
    states, mask, vectors = packed.batch(range(5), packed.longest)
    for row, caption in enumerate(CAPTIONS):
        text = tokenizer.encode(caption)
        alone, vector = encoder(torch.from_numpy(text.ids_T)[None], torch.from_numpy(text.mask_T)[None])
        length = int(text.mask_T.sum())
        assert int(mask[row].sum()) == length
        torch.testing.assert_close(states[row, :length], alone[0, :length], rtol=0, atol=0.03)
        torch.testing.assert_close(vectors[row], vector[0], rtol=0, atol=3e-3)
    assert told == [(2, 5), (4, 5), (5, 5)]


def test_a_batch_is_padded_with_nothing(reader: tuple[TextEncoder, Tokenizer]) -> None:
    """Rows may be asked for in any order and twice; beyond a caption's end there are zeros."""
    packed = encode_captions(CAPTIONS, *reader, silent)
    states, mask, vectors = packed.batch([4, 0, 4], 20)
    assert states.shape == (3, 20, 32)
    assert mask.sum(1).tolist() == [4, 5, 4]
    assert not states[~mask].any()
    assert torch.equal(states[0], states[2])
    assert torch.equal(vectors[0], vectors[2])


def test_states_come_back_from_disk(reader: tuple[TextEncoder, Tokenizer], tmp_path: Path) -> None:
    """What is loaded is what was encoded; the texts are kept beside it, and nothing else."""
    build_states(tmp_path / "states", CAPTIONS, *reader, silent)
    loaded, packed = CaptionStates.load(tmp_path / "states"), encode_captions(CAPTIONS, *reader, silent)
    for one, other in zip(loaded.batch(range(5), 20), packed.batch(range(5), 20), strict=True):
        assert torch.equal(one, other)
    assert json.loads((tmp_path / "states" / "captions.json").read_text(encoding="utf-8")) == CAPTIONS
    assert [path.name for path in tmp_path.iterdir()] == ["states"]


@pytest.mark.parametrize("content", [None, b"", b"not an array"])
def test_a_damaged_cache_is_told(tmp_path: Path, content: bytes | None) -> None:
    """A missing, empty or foreign file is an error that says to build the cache again."""
    if content is not None:
        (tmp_path / "states.npy").write_bytes(content)
    with pytest.raises(TrainingError, match="missing or damaged: build the cache again"):
        CaptionStates.load(tmp_path)
    with pytest.raises(TrainingError, match=r"states\.npy is missing or damaged: build the cache again"):
        load_array(tmp_path / "states.npy")


def test_the_autoencoder_is_fitted_to_the_scenes(rehearsal: Workshop) -> None:
    """Worker processes give it what the stream shows: the same fit as to the pictures themselves."""
    config = AutoencoderConfig(channels=6, patch=4)
    fitted, expected = PatchAutoencoder(config), PatchAutoencoder(config)
    deviation = fit_autoencoder(fitted, rehearsal.stream(), 3, workers=1)
    stream = SceneStream(rehearsal.stream())
    pixels = to_unit(np.stack([stream.picture(index) for index in range(3)]))
    torch.testing.assert_close(deviation, expected.fit([to_patches(pixels, 4).flatten(0, 1)]))
    torch.testing.assert_close(fitted.mean, expected.mean)


def test_latents_are_the_scenes(rehearsal: Workshop) -> None:
    """The cache has each scene's picture as the autoencoder encodes it, in 16 bits and in order."""
    autoencoder, _ = rehearsal.autoencoder()
    latents = load_array(rehearsal.folder / "latents.npy")
    stream = SceneStream(rehearsal.stream())
    pixels = to_unit(np.stack([stream.picture(index) for index in range(8)]))
    assert latents.dtype == np.float16
    expected = autoencoder.encode(pixels)
    torch.testing.assert_close(torch.tensor(latents).float(), expected, rtol=1e-3, atol=1e-3)


def test_latents_have_the_shape_of_the_scenes(rehearsal: Workshop, tmp_path: Path) -> None:
    """One latent for each cell of a wide picture, as the autoencoder tells it."""
    config = replace(rehearsal.stream(), shape=(8, 12))
    stream, autoencoder = SceneStream(config), PatchAutoencoder(AutoencoderConfig(channels=2))
    torch.nn.init.normal_(autoencoder.basis, std=0.01)
    build_latents(tmp_path / "latents.npy", autoencoder, config, 3, 1, silent)
    latents_KChw = load_array(tmp_path / "latents.npy")
    assert latents_KChw.shape == (3, 2, 8, 12)
    expected = autoencoder.encode(to_unit(np.stack([stream.picture(index) for index in range(3)])))
    torch.testing.assert_close(torch.from_numpy(latents_KChw.copy()), expected.half(), rtol=1e-2, atol=1e-2)

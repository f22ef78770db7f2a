"""What training reads again and again, computed once: latents of scenes, states of captions.

A cache is a folder of plain arrays; each file is written under another name and renamed when it is whole.

Axes in names: K scenes, C latent channels, h, w latent grid, M caption rows (several per scene), T tokens,
D token width, V vector length.
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limner.errors import TrainingError
from limner.files import write_atomic
from limner.network.autoencoder import PatchAutoencoder, to_patches
from limner.network.image_tower import ImageTower
from limner.network.text_encoder import TextEncoder
from limner.text.tokenizer import Tokenizer
from limner.training.dataset import StreamConfig, compose_many
from limner.training.device import mixed_precision

__all__ = [
    "CaptionStates",
    "build_latents",
    "build_states",
    "embed_latents",
    "encode_captions",
    "fit_autoencoder",
    "load_array",
    "save_array",
    "to_unit",
]

Progress = Callable[[int, int], None]


def to_unit(pixels: NDArray[np.uint8]) -> Tensor:
    """uint8 (K, H, W, 3) -> float32 (K, 3, H, W) from -1 to 1."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


def fit_autoencoder(autoencoder: PatchAutoencoder, stream: StreamConfig, scenes: int, workers: int) -> Tensor:
    """Fit the patch autoencoder to `scenes` scenes; returns the deviation of each latent channel."""
    return autoencoder.fit(_patch_batches(autoencoder.config.patch, stream, scenes, workers))


def _patch_batches(side: int, stream: StreamConfig, scenes: int, workers: int) -> Iterator[Tensor]:
    """All patches of the scenes, 32 scenes at a time, (K, P)."""
    pictures = compose_many(stream, range(scenes), workers)
    while batch := list(itertools.islice(pictures, 32)):
        yield to_patches(to_unit(np.stack(batch)), side).flatten(0, 1)


def build_latents(
    path: Path,
    autoencoder: PatchAutoencoder,
    stream: StreamConfig,
    scenes: int,
    workers: int,
    progress: Progress,
) -> None:
    """Write the latents of scenes 0 to `scenes` - 1 to `path`, float16 (K, C, h, w), in the stream's shape."""
    partial = path.with_suffix(".partial")
    shape = (scenes, autoencoder.config.channels, *stream.shape)
    latents = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float16, shape=shape)
    batch: list[NDArray[np.uint8]] = []
    done = 0
    for pixels in compose_many(stream, range(scenes), workers):
        batch.append(pixels)
        if len(batch) == 256 or done + len(batch) == scenes:
            x_KChw = autoencoder.encode(to_unit(np.stack(batch)))
            latents[done : done + len(batch)] = x_KChw.half().numpy()
            done += len(batch)
            batch.clear()
            progress(done, scenes)
    latents.flush()
    partial.rename(path)


@torch.no_grad()
def embed_latents(
    tower: ImageTower, latents_KChw: NDArray[np.float16], batch: int = 256
) -> NDArray[np.float16]:
    """The vector of each scene, (K, V), by the image tower."""
    rows = range(0, len(latents_KChw), batch)
    parts = [tower(torch.from_numpy(latents_KChw[at : at + batch].astype(np.float32))) for at in rows]
    vectors_KV: NDArray[np.float16] = torch.cat(parts).half().numpy()
    return vectors_KV


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array of the cache, whole or not at all."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    write_atomic(path, buffer.getvalue())


def load_array(path: Path) -> NDArray[Any]:
    """An array of the cache, mapped into memory."""
    try:
        return np.asarray(np.load(path, mmap_mode="r"))
    except (OSError, ValueError, EOFError) as error:
        raise TrainingError(f"{path} is missing or damaged: build the cache again") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class CaptionStates:
    """Encoded captions, packed: caption m's tokens are states_ND[start_M[m] : start_M[m + 1]]."""

    states_ND: NDArray[np.float16]
    vectors_MV: NDArray[np.float16]
    start_M: NDArray[np.int64]

    @property
    def longest(self) -> int:
        """Tokens of the longest caption."""
        return int(np.diff(self.start_M).max())

    def batch(self, rows: Sequence[int] | NDArray[np.int64], width: int) -> tuple[Tensor, Tensor, Tensor]:
        """States (B, T, D), mask (B, T) and vectors (B, V) of some captions, T = `width`."""
        lengths = [int(self.start_M[row + 1] - self.start_M[row]) for row in rows]
        states_BTD = torch.zeros(len(lengths), width, self.states_ND.shape[1])
        mask_BT = torch.zeros(len(lengths), width, dtype=torch.bool)
        for at, (row, length) in enumerate(zip(rows, lengths, strict=True)):
            start = int(self.start_M[row])
            states_BTD[at, :length] = torch.from_numpy(
                self.states_ND[start : start + length].astype(np.float32)
            )
            mask_BT[at, :length] = True
        vectors = torch.from_numpy(self.vectors_MV[np.asarray(rows)].astype(np.float32))
        return states_BTD, mask_BT, vectors

    @classmethod
    def load(cls, folder: Path) -> CaptionStates:
        """What `build_states` wrote."""
        try:
            arrays = {
                name: np.load(folder / f"{name}.npy", mmap_mode="r")
                for name in ("states", "vectors", "start")
            }
        except (OSError, ValueError, EOFError) as error:
            raise TrainingError(f"{folder} is missing or damaged: build the cache again") from error
        return cls(
            states_ND=arrays["states"], vectors_MV=arrays["vectors"], start_M=np.array(arrays["start"])
        )


@torch.no_grad()
def encode_captions(
    captions: Sequence[str], encoder: TextEncoder, tokenizer: Tokenizer, progress: Progress, batch: int = 256
) -> CaptionStates:
    """Encode captions, in order of length so that little is padded."""
    texts = [tokenizer.encode(text) for text in captions]
    lengths = np.array([int(text.mask_T.sum()) for text in texts])
    start_M = np.concatenate([[0], lengths.cumsum()])
    states = np.zeros((int(start_M[-1]), encoder.config.width), dtype=np.float16)
    vectors = np.zeros((len(texts), encoder.config.vector), dtype=np.float16)
    order = np.argsort(lengths, kind="stable")
    for first in range(0, len(order), batch):
        rows = order[first : first + batch]
        width = int(lengths[rows].max())
        ids = torch.from_numpy(np.stack([texts[row].ids_T[:width] for row in rows]))
        mask = torch.from_numpy(np.stack([texts[row].mask_T[:width] for row in rows]))
        with mixed_precision(ids.device):
            states_BTD, vectors_BV = encoder(ids, mask)
        vectors[rows] = vectors_BV.half().numpy()
        for at, row in enumerate(rows):
            states[start_M[row] : start_M[row + 1]] = states_BTD[at, : lengths[row]].half().numpy()
        progress(min(first + batch, len(order)), len(order))
    return CaptionStates(states_ND=states, vectors_MV=vectors, start_M=start_M)


def build_states(
    folder: Path, captions: Sequence[str], encoder: TextEncoder, tokenizer: Tokenizer, progress: Progress
) -> None:
    """Encode captions and write them to `folder`; captions.json beside the arrays keeps the texts."""
    packed = encode_captions(captions, encoder, tokenizer, progress)
    partial = folder.with_suffix(".partial")
    partial.mkdir(parents=True, exist_ok=True)
    np.save(partial / "states.npy", packed.states_ND)
    np.save(partial / "vectors.npy", packed.vectors_MV)
    np.save(partial / "start.npy", packed.start_M)
    write_atomic(partial / "captions.json", json.dumps(list(captions)).encode())
    partial.rename(folder)

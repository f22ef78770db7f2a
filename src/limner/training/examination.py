"""The examination of a picture: which of ten captions was it drawn from?

Axes in names: K scenes, T caption tokens.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limner.errors import TrainingError
from limner.files import write_atomic
from limner.network.judge import Judge
from limner.text.tokenizer import Tokenizer
from limner.training.dataset import SceneStream, StreamConfig
from limner.training.scenes.distractors import CHOICES, KINDS, Choice

__all__ = ["Examination", "Verdict", "ask_judge", "build_examination"]

_TOKENS = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Examination:
    """Ten captions for each of K scenes, the true one first.

    Attributes:
        ids_K10T: token ids, 0 where there is none.
        choices: the captions, and what is changed in each.
    """

    ids_K10T: NDArray[np.int32]
    choices: list[list[Choice]]

    def captions(
        self, rows: Sequence[int] | NDArray[np.int64], columns_BK: NDArray[np.int64] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Ids and mask (B, K, T) of some scenes: of all their captions, or of each scene's `columns_BK`."""
        chosen = np.arange(CHOICES)[None] if columns_BK is None else columns_BK
        ids_BKT = torch.from_numpy(self.ids_K10T[np.asarray(rows)[:, None], chosen].astype(np.int64))
        longest = int((ids_BKT > 0).sum(-1).max())
        return ids_BKT[..., :longest], ids_BKT[..., :longest] > 0

    def rarity(self) -> NDArray[np.float64]:
        """(K, 9) weights of the wrong captions, by which all kinds of mistakes are asked about equally often."""
        kinds_K9 = np.array([[KINDS.index(choice.kind) for choice in row[1:]] for row in self.choices])
        counts = np.bincount(kinds_K9.ravel(), minlength=len(KINDS))
        weights_K9 = 1.0 / counts[kinds_K9]
        return np.asarray(weights_K9 / weights_K9.sum())

    def save(self, path: Path) -> None:
        """Write it to one .npz file."""
        texts = json.dumps([[(choice.text, choice.kind) for choice in row] for row in self.choices])
        buffer = io.BytesIO()
        np.savez_compressed(buffer, ids=self.ids_K10T, texts=np.array(texts))
        write_atomic(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> Examination:
        """What `save` wrote."""
        try:
            with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                choices = [[Choice(*pair) for pair in row] for row in json.loads(str(file["texts"]))]
                return cls(ids_K10T=file["ids"], choices=choices)
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
            raise TrainingError(f"{path} is missing or damaged: delete it to have it made anew") from error


def build_examination(stream: StreamConfig, count: int, tokenizer: Path, workers: int) -> Examination:
    """The questions of scenes 0 to `count` - 1."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, initializer=_start_worker, initargs=(stream, tokenizer)) as pool:
        rows = pool.map(_question, range(count), chunksize=64)
    return Examination(
        ids_K10T=np.stack([ids_10T for ids_10T, _ in rows]), choices=[choices for _, choices in rows]
    )


class _Worker:
    """What a worker process holds between tasks."""

    stream: SceneStream
    tokenizer: Tokenizer


def _start_worker(stream: StreamConfig, tokenizer: Path) -> None:
    _Worker.stream, _Worker.tokenizer = SceneStream(stream), Tokenizer(tokenizer, window=_TOKENS)


def _question(index: int) -> tuple[NDArray[np.int32], list[Choice]]:
    choices = _Worker.stream.choices(index)
    encoded = [_Worker.tokenizer.encode(choice.text) for choice in choices]
    ids_10T = np.stack([text.ids_T * text.mask_T for text in encoded]).astype(np.int32)
    return ids_10T, choices


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What the judge said of a set of pictures.

    Attributes:
        loss: cross-entropy of the ten-way choice; ln 10 = 2.30 is chance.
        accuracy: share of pictures whose own caption was picked; 0.10 is chance.
        by_kind: share of wrong captions that scored below the true one, by what is changed in them.
    """

    loss: float
    accuracy: float
    by_kind: dict[str, float]


@torch.no_grad()
def ask_judge(judge: Judge, pictures_KCHW: Tensor, examination: Examination) -> Verdict:
    """Ask of every picture (from -1 to 1), the k-th drawn from the k-th scene's true caption."""
    rows = [
        judge(
            judge.look(pictures_KCHW[first : first + 50]), *examination.captions(range(first, first + count))
        )
        for first, count in _chunks(len(pictures_KCHW), 50)
    ]
    scores_K10 = torch.cat(rows)
    loss = nn.functional.cross_entropy(scores_K10, torch.zeros(len(scores_K10), dtype=torch.int64))
    below: dict[str, list[float]] = {}
    for scores_10, choices in zip(scores_K10, examination.choices, strict=False):
        for score, choice in zip(scores_10[1:], choices[1:], strict=True):
            below.setdefault(choice.kind, []).append(float(score < scores_10[0]))
    return Verdict(
        loss=loss.item(),
        accuracy=(scores_K10.argmax(1) == 0).float().mean().item(),
        by_kind={kind: float(np.mean(below[kind])) for kind in KINDS if kind in below},
    )


def _chunks(total: int, size: int) -> list[tuple[int, int]]:
    return [(first, min(size, total - first)) for first in range(0, total, size)]

"""The examination of a picture: which of ten captions was it drawn from?

Axes in names: K scenes, F facts, H, W pixels.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import zlib
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
from limner.training.dataset import SceneStream, StreamConfig
from limner.training.scenes.distractors import KINDS, Choice
from limner.training.weighing import weigh

__all__ = ["Examination", "Verdict", "ask_judge", "build_examination", "verdict_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Examination:
    """Ten captions for each of K scenes, the true one first.

    Attributes:
        facts_K10F: what each caption says, as numbers (see `Facts`).
        texts: the captions.
        kinds: what is changed in each; "" in the true one.
    """

    facts_K10F: NDArray[np.int64]
    texts: list[list[str]]
    kinds: list[list[str]]

    def save(self, path: Path) -> None:
        """Write it to one .npz file."""
        buffer = io.BytesIO()
        texts, kinds = np.array(json.dumps(self.texts)), np.array(json.dumps(self.kinds))
        np.savez_compressed(buffer, facts=self.facts_K10F, texts=texts, kinds=kinds)
        write_atomic(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> Examination:
        """What `save` wrote."""
        try:
            with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                texts, kinds = json.loads(str(file["texts"])), json.loads(str(file["kinds"]))
                return cls(facts_K10F=file["facts"], texts=texts, kinds=kinds)
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
            raise TrainingError(f"{path} is missing or damaged: delete it to have it made anew") from error


def build_examination(stream: StreamConfig, count: int, workers: int) -> Examination:
    """The questions of scenes 0 to `count` - 1."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, initializer=_start_worker, initargs=(stream,)) as pool:
        rows = pool.map(_question, range(count), chunksize=64)
    return Examination(
        facts_K10F=np.stack([facts_10F for facts_10F, _ in rows]),
        texts=[[choice.text for choice in choices] for _, choices in rows],
        kinds=[[choice.kind for choice in choices] for _, choices in rows],
    )


class _Worker:
    """What a worker process holds between tasks."""

    stream: SceneStream


def _start_worker(stream: StreamConfig) -> None:
    _Worker.stream = SceneStream(stream)


def _question(index: int) -> tuple[NDArray[np.int64], list[Choice]]:
    choices = _Worker.stream.choices(index)
    return np.stack([_Worker.stream.numbers.facts(choice.scene) for choice in choices]), choices


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What the judge said of a set of pictures.

    Attributes:
        loss: cross-entropy of the ten-way choice; ln 10 = 2.30 is chance.
        accuracy: share of pictures whose own caption was picked; 0.10 is chance.
        by_kind: share of wrong captions that were less probable than the true one, by what is changed in them.
    """

    loss: float
    accuracy: float
    by_kind: dict[str, float]


@torch.no_grad()
def ask_judge(judge: Judge, pictures_KCHW: Tensor, examination: Examination) -> Verdict:
    """Ask of every picture (from -1 to 1), the k-th drawn from the k-th scene's true caption."""
    facts_K10F = torch.from_numpy(examination.facts_K10F)
    scores_K10 = torch.cat(
        [
            weigh(judge(pictures), facts)
            for pictures, facts in zip(pictures_KCHW.split(50), facts_K10F.split(50), strict=False)
        ]
    )
    return verdict_of(scores_K10, examination.kinds)


def verdict_of(scores_K10: Tensor, kinds: list[list[str]]) -> Verdict:
    """The verdict that log-probabilities come to; a tie is lost."""
    loss = nn.functional.cross_entropy(scores_K10, torch.zeros(len(scores_K10), dtype=torch.int64))
    below: dict[str, list[float]] = {}
    for scores_10, names in zip(scores_K10, kinds, strict=False):
        for score, kind in zip(scores_10[1:], names[1:], strict=True):
            below.setdefault(kind, []).append(float(score < scores_10[0]))
    return Verdict(
        loss=loss.item(),
        accuracy=(scores_K10[:, 1:].amax(1) < scores_K10[:, 0]).float().mean().item(),
        by_kind={kind: float(np.mean(below[kind])) for kind in KINDS if kind in below},
    )

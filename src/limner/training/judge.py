"""Training the judge, and asking it: which of ten captions was this picture drawn from?

Axes in names: K scenes, B batch, C latent channels, h, w latent grid, N picture tokens, P values of a patch,
T caption tokens.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limner.errors import TrainingError
from limner.files import write_atomic
from limner.network.autoencoder import PatchAutoencoder
from limner.network.judge import Judge
from limner.text.tokenizer import Tokenizer
from limner.training.dataset import SceneStream, StreamConfig
from limner.training.optimizer import Muon
from limner.training.scenes.distractors import CHOICES, KINDS, Choice

__all__ = [
    "Examination",
    "JudgeTraining",
    "Verdict",
    "ask_judge",
    "build_examination",
    "patch_view",
    "train_judge",
]

_TOKENS = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Examination:
    """Ten captions for each of K scenes, the true one first, and what can be seen there.

    Attributes:
        ids_K10T: token ids, 0 where there is none.
        things_KS: which of the vocabulary's things each scene shows.
        choices: the captions, and what is changed in each.
    """

    ids_K10T: NDArray[np.int32]
    things_KS: NDArray[np.bool_]
    choices: list[list[Choice]]

    def captions(
        self, rows: Sequence[int] | NDArray[np.int64], columns: Sequence[int] = range(CHOICES)
    ) -> tuple[Tensor, Tensor]:
        """Ids and mask (B, K, T) of some scenes: of all their captions, or of those in `columns`."""
        ids_BKT = torch.from_numpy(self.ids_K10T[np.asarray(rows)][:, list(columns)].astype(np.int64))
        longest = int((ids_BKT > 0).sum(-1).max())
        return ids_BKT[..., :longest], ids_BKT[..., :longest] > 0

    def save(self, path: Path) -> None:
        """Write it to one .npz file."""
        texts = json.dumps([[(choice.text, choice.kind) for choice in row] for row in self.choices])
        buffer = io.BytesIO()
        np.savez_compressed(buffer, ids=self.ids_K10T, things=self.things_KS, texts=np.array(texts))
        write_atomic(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> Examination:
        """What `save` wrote."""
        try:
            with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                choices = [[Choice(*pair) for pair in row] for row in json.loads(str(file["texts"]))]
                return cls(ids_K10T=file["ids"], things_KS=file["things"], choices=choices)
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
            raise TrainingError(f"{path} is missing or damaged: delete it to have it made anew") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeTraining:
    """How the judge is trained.

    Attributes:
        steps, batch: how long, and how many scenes at a time.
        captions: how many of a scene's ten captions are told apart at a time: the true one, and others by
            turns. More scenes teach more than more captions of each.
        muon_rate, adam_rate: peak learning rates.
        lesson: weight of the lesson on the side, naming what can be seen.
        noise: pictures get noise of up to this deviation, so that the judge bears the marks of a generator.
        seed: of the order of the scenes and of the noise.
    """

    steps: int = 600
    batch: int = 64
    captions: int = 4
    muon_rate: float = 0.02
    adam_rate: float = 1e-3
    lesson: float = 1.0
    noise: float = 0.1
    seed: int = 0


def build_examination(stream: StreamConfig, count: int, tokenizer: Path, workers: int) -> Examination:
    """The questions of scenes 0 to `count` - 1."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, initializer=_start_worker, initargs=(stream, tokenizer)) as pool:
        rows = pool.map(_question, range(count), chunksize=64)
    return Examination(
        ids_K10T=np.stack([ids for ids, _, _ in rows]),
        things_KS=np.stack([things for _, things, _ in rows]),
        choices=[choices for _, _, choices in rows],
    )


class _Worker:
    """What a worker process holds between tasks."""

    stream: SceneStream
    tokenizer: Tokenizer
    number: dict[str, int]


def _start_worker(stream: StreamConfig, tokenizer: Path) -> None:
    _Worker.stream, _Worker.tokenizer = SceneStream(stream), Tokenizer(tokenizer, window=_TOKENS)
    concepts = _Worker.stream.vocabulary.concepts
    _Worker.number = {concept.noun: number for number, concept in enumerate(concepts)}


def _question(index: int) -> tuple[NDArray[np.int32], NDArray[np.bool_], list[Choice]]:
    choices = _Worker.stream.choices(index)
    encoded = [_Worker.tokenizer.encode(choice.text) for choice in choices]
    ids_10T = np.stack([text.ids_T * text.mask_T for text in encoded]).astype(np.int32)
    things_S = np.zeros(len(_Worker.number), dtype=np.bool_)
    for group in _Worker.stream.scene(index).groups:
        things_S[_Worker.number[group.concept.noun]] = True
    return ids_10T, things_S, choices


def patch_view(autoencoder: PatchAutoencoder, patch: int) -> tuple[Tensor, Tensor]:
    """Matrix (C, P) and offset (P,) that turn a latent token into its patch of the halved picture.

    Decoding and halving are both linear, so the judge's lessons need no pixels in between.
    """
    side = autoencoder.config.patch
    rows = torch.cat([autoencoder.basis * autoencoder.scale[:, None], autoencoder.mean[None]])
    small = nn.functional.avg_pool2d(rows.view(-1, 3, side, side), side // patch).flatten(1)
    return small[:-1], small[-1]


def train_judge(
    judge: Judge,
    examination: Examination,
    latents: NDArray[np.float16],
    view: tuple[Tensor, Tensor],
    config: JudgeTraining,
    report: Callable[[int, float, float], None],
) -> None:
    """Teach the judge on real scenes; `report` gets step, loss and accuracy of the choice."""
    hidden = [p for name, p in judge.named_parameters() if p.ndim == 2 and _is_hidden(name)]
    rest = [p for name, p in judge.named_parameters() if not (p.ndim == 2 and _is_hidden(name))]
    muon = Muon(hidden, lr=config.muon_rate)
    adam = torch.optim.AdamW(rest, lr=config.adam_rate, weight_decay=0.0)
    for step in range(config.steps):
        random = np.random.Generator(np.random.Philox(key=[config.seed, step]))
        rows_B = random.integers(len(examination.ids_K10T), size=config.batch)
        patches_BNP = _patches(latents, rows_B, view, random, config.noise)
        picture_BNW = judge.look_at_patches(patches_BNP)
        columns = (0, *(1 + random.permutation(CHOICES - 1)[: config.captions - 1]))
        scores_BK = judge(picture_BNW, *examination.captions(rows_B, columns))
        target_B = torch.zeros(config.batch, dtype=torch.int64)
        loss = nn.functional.cross_entropy(scores_BK, target_B)
        things_BS = torch.from_numpy(examination.things_KS[rows_B]).float()
        lesson = nn.functional.binary_cross_entropy_with_logits(judge.spot(picture_BNW), things_BS)
        muon.zero_grad()
        adam.zero_grad()
        (loss + config.lesson * 50 * lesson).backward()
        nn.utils.clip_grad_norm_(judge.parameters(), 1.0)
        rate = min(1.0, (step + 1) / 30, (config.steps - step) / (0.3 * config.steps))
        muon.param_groups[0]["lr"], adam.param_groups[0]["lr"] = (
            config.muon_rate * rate,
            config.adam_rate * rate,
        )
        muon.step()
        adam.step()
        report(step + 1, loss.item(), (scores_BK.argmax(1) == 0).float().mean().item())


def _is_hidden(name: str) -> bool:
    return name.startswith(("picture_blocks.", "caption_blocks.", "meetings.")) and name.endswith("weight")


def _patches(
    latents: NDArray[np.float16],
    rows_B: NDArray[np.int64],
    view: tuple[Tensor, Tensor],
    random: np.random.Generator,
    noise: float,
) -> Tensor:
    x_BNC = torch.from_numpy(latents[rows_B].astype(np.float32)).flatten(2).transpose(1, 2)
    patches_BNP = x_BNC @ view[0] + view[1]
    strength = torch.from_numpy(random.random((len(rows_B), 1, 1), dtype=np.float32)) * noise
    grain = torch.from_numpy(random.standard_normal(patches_BNP.shape, dtype=np.float32))
    return patches_BNP + strength * grain


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

"""`limner.training.judge`: questions of ten captions, a judge that learns them, and what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limner.errors import TrainingError
from limner.network.autoencoder import AutoencoderConfig, PatchAutoencoder, to_patches
from limner.network.judge import Judge, JudgeConfig
from limner.text.tokenizer import Tokenizer
from limner.training.dataset import SceneStream
from limner.training.examination import Examination, ask_judge
from limner.training.judge import JudgeTraining, patch_view, train_judge
from limner.training.scenes.distractors import Choice
from limner.training.stages import Workshop

SCENES = 40
TEACHING = JudgeTraining(
    words_first=5, captions=10, steps=40, batch=16, adam_rate=1e-2, match=0.1, lesson=0.1
)


def toy_autoencoder() -> PatchAutoencoder:
    """Each latent is a patch's level of red, green and blue."""
    autoencoder = PatchAutoencoder(AutoencoderConfig(channels=3))
    autoencoder.basis.copy_(torch.eye(3).repeat_interleave(32 * 32, 1))
    autoencoder.mean.fill_(0.1)
    return autoencoder


def toy() -> tuple[Examination, NDArray[np.float16], NDArray[np.uint8]]:
    """Captions of one word that name a colour, the true one first; pictures of it; the colour as a thing."""
    random = np.random.default_rng(0)
    colours_10C = np.array([[r, g, b] for r in (-0.8, 0, 0.8) for g in (-0.8, 0, 0.8) for b in (-0.8, 0.8)])
    named_K10 = np.stack([np.roll(np.arange(10), -(scene % 10)) for scene in range(SCENES)])
    ids_K10T = np.zeros((SCENES, 10, 4), dtype=np.int32)
    ids_K10T[..., 0] = named_K10 + 1
    kinds = ["", *["colour"] * 5, *["thing"] * 4]
    choices = [[Choice(str(n), kind) for n, kind in zip(row, kinds, strict=True)] for row in named_K10]
    latents_KC = colours_10C[named_K10[:, 0]] + random.normal(size=(SCENES, 3)) * 0.02
    latents_KChw = np.broadcast_to(latents_KC[..., None, None], (SCENES, 3, 2, 2)).astype(np.float16)
    things_K2hw = np.ones((SCENES, 2, 2, 2), dtype=np.uint8)
    things_K2hw[:, 0] += named_K10[:, 0, None, None].astype(np.uint8)
    return Examination(ids_K10T=ids_K10T, choices=choices), latents_KChw, things_K2hw


def pictures(latents: NDArray[np.float16]) -> Tensor:
    """The toy's pictures, (K, 3, 64, 64)."""
    decoded: Tensor = toy_autoencoder()(torch.from_numpy(latents.astype(np.float32)))
    return decoded


def beginner() -> Judge:
    """An untrained judge of pictures of 64 x 64."""
    torch.manual_seed(0)
    shapes = JudgeConfig(vocabulary=11, word_width=16, tokens=4, grid=2, width=32, heads=2, picture_layers=1)
    judge = Judge(shapes)
    judge.words.normal_()
    return judge


def taught(config: JudgeTraining = TEACHING) -> tuple[Judge, list[tuple[int, float, float]]]:
    """A judge after its lessons, and what was reported."""
    judge, told = beginner(), []
    view = patch_view(toy_autoencoder(), judge.config.patch)
    train_judge(judge, *toy(), view, config, lambda *record: told.append(record))
    return judge.eval(), told


def test_the_judge_learns_to_tell_colours() -> None:
    """On pictures, of which it has only seen latents, its loss falls from chance to little."""
    examination, latents, _ = toy()
    before = ask_judge(beginner(), pictures(latents), examination)
    after = ask_judge(taught()[0], pictures(latents), examination)
    assert before.loss > np.log(10) - 0.3
    assert after.loss < 0.5
    assert after.accuracy > 0.9


def test_lessons_are_determined_by_their_seed() -> None:
    """Reports tell each step once, and are the same in every run but another seed's."""
    runs = [taught(JudgeTraining(words_first=1, steps=3, batch=4, seed=seed))[1] for seed in (0, 0, 1)]
    assert [step for step, _, _ in runs[0]] == [1, 2, 3, 4]
    assert runs[0] == runs[1] != runs[2]


def test_the_verdict_is_by_what_was_changed() -> None:
    """Each kind has the share of its captions that scored below the true one; accuracy asks for all nine."""
    examination, latents, _ = toy()
    judge = beginner()
    verdict = ask_judge(judge, pictures(latents), examination)
    scores = judge(judge.look(pictures(latents)), *examination.captions(range(SCENES)))
    below = (scores[:, 1:] < scores[:, :1]).float()
    assert verdict.by_kind == pytest.approx(
        {"thing": below[:, 5:].mean().item(), "colour": below[:, :5].mean().item()}
    )
    assert list(verdict.by_kind) == ["thing", "colour"]
    assert verdict.accuracy == pytest.approx(below.all(1).float().mean().item())
    loss = nn.functional.cross_entropy(scores, torch.zeros(SCENES, dtype=torch.int64)).item()
    assert verdict.loss == pytest.approx(loss, rel=1e-4)


def test_patches_of_latents_are_those_of_the_halved_picture() -> None:
    """Decoding and halving in one matrix give what doing both gives."""
    torch.manual_seed(0)
    autoencoder = PatchAutoencoder(AutoencoderConfig(channels=5, patch=8))
    for buffer in (autoencoder.basis, autoencoder.mean, autoencoder.scale):
        buffer.normal_()
    x = torch.randn(2, 5, 3, 3)
    matrix, offset = patch_view(autoencoder, 4)
    halved = nn.functional.avg_pool2d(autoencoder(x), 2)
    patches = x.flatten(2).transpose(1, 2) @ matrix + offset
    torch.testing.assert_close(patches, to_patches(halved, 4), rtol=1e-4, atol=1e-5)


def test_questions_are_the_streams(rehearsal: Workshop) -> None:
    """For each held-out scene: its ten captions and their tokens."""
    stream, tokenizer = SceneStream(rehearsal.stream(1, held_out=True)), Tokenizer(rehearsal.tokenizer)
    examination = Examination.load(rehearsal.folder / "examination.npz")
    assert examination.choices == [stream.choices(index) for index in range(6)]
    ids, mask = examination.captions(range(6))
    assert ids.shape == mask.shape == (6, 10, int(mask.sum(-1).max()))
    text = tokenizer.encode(examination.choices[2][5].text)
    assert ids[2, 5][mask[2, 5]].tolist() == text.ids_T[text.mask_T].tolist()


def test_all_kinds_of_mistakes_are_asked_about_equally_often(rehearsal: Workshop) -> None:
    """The weights of a kind's captions add up to the same for each kind there is, however rare it is."""
    examination = Examination.load(rehearsal.folder / "questions.npz")
    weights_K9 = examination.rarity()
    kinds_K9 = np.array([[choice.kind for choice in row[1:]] for row in examination.choices])
    kinds = set(kinds_K9.ravel())
    assert len(kinds) > 2
    assert all(weights_K9[kinds_K9 == kind].sum() == pytest.approx(1 / len(kinds)) for kind in kinds)


def test_a_question_may_be_about_some_captions_of_each_scene() -> None:
    """Columns are chosen scene by scene."""
    examination = toy()[0]
    ids, mask = examination.captions([3, 5], np.array([[0, 7], [2, 1]]))
    assert ids[..., 0].tolist() == [[4, 1], [8, 7]]
    assert mask.tolist() == [[[True]] * 2] * 2


def test_questions_come_back_from_disk(tmp_path: Path) -> None:
    """Ids and captions with their kinds are what was saved."""
    examination = toy()[0]
    examination.save(tmp_path / "questions.npz")
    loaded = Examination.load(tmp_path / "questions.npz")
    assert loaded.choices == examination.choices
    assert np.array_equal(loaded.ids_K10T, examination.ids_K10T)


@pytest.mark.parametrize(("start", "stop"), [(0.0, 1.0), (0.5, 1.0), (0.95, 1.0), (0.2, 0.4)])
def test_damaged_questions_are_told(tmp_path: Path, start: float, stop: float) -> None:
    """A file that breaks off, or in which a part is missing, is an error that says what to do."""
    toy()[0].save(tmp_path / "questions.npz")
    whole = (tmp_path / "questions.npz").read_bytes()
    damaged = whole[: int(start * len(whole))] + whole[int(stop * len(whole)) :]
    (tmp_path / "questions.npz").write_bytes(damaged)
    with pytest.raises(TrainingError, match=r"questions\.npz is missing or damaged: delete it"):
        Examination.load(tmp_path / "questions.npz")

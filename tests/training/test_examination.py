"""`limner.training.examination`: questions of ten captions, and the verdict on the answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from limner.errors import TrainingError
from limner.network.judge import Judge, JudgeConfig
from limner.training.dataset import SceneStream
from limner.training.examination import Examination, ask_judge, verdict_of
from limner.training.stages import Workshop
from limner.training.weighing import weigh

KINDS = ["", *["colour"] * 5, *["thing"] * 4]


def questions(count: int = 60) -> Examination:
    """Random facts that a judge of five things and three places can be asked about."""
    random = np.random.default_rng(0)
    facts_K10F = np.stack(
        [random.integers(most, size=(count, 10)) for most in (3, 4, 10, 5, 4, 13, 5, 4, 13)], axis=-1
    )
    return Examination(facts_K10F=facts_K10F, texts=[list("abcdefghij")] * count, kinds=[KINDS] * count)


def test_questions_are_the_streams(rehearsal: Workshop) -> None:
    """For each held-out scene: its ten captions, what is changed in them, and their facts."""
    stream = SceneStream(rehearsal.stream(1, held_out=True))
    examination = Examination.load(rehearsal.folder / "examination.npz")
    for index in range(6):
        choices = stream.choices(index)
        assert examination.texts[index] == [choice.text for choice in choices]
        assert examination.kinds[index] == [choice.kind for choice in choices]
        facts_10F = np.stack([stream.numbers.facts(choice.scene) for choice in choices])
        assert np.array_equal(examination.facts_K10F[index], facts_10F)
        assert np.array_equal(facts_10F[0], stream.numbers.facts(stream.scene(index)))


def test_every_picture_is_asked_about_its_own_captions() -> None:
    """The verdict on more pictures than go into a batch is that on the scores of each."""
    torch.manual_seed(0)
    judge = Judge(JudgeConfig(grid=4, width=16, heads=2, layers=1), (5, 30, 13, 3, 4)).eval()
    pictures, examination = torch.rand(60, 3, 128, 128), questions()
    with torch.no_grad():
        scores = weigh(judge(pictures), torch.from_numpy(examination.facts_K10F))
    expected = verdict_of(scores, examination.kinds)
    verdict = ask_judge(judge, pictures, examination)
    assert verdict.loss == pytest.approx(expected.loss, rel=1e-4)
    assert verdict.accuracy == expected.accuracy


def test_the_verdict_is_by_what_was_changed() -> None:
    """Each kind has the share of its captions that are less probable than the true one; accuracy asks for all nine."""
    scores = torch.randn(60, 10, generator=torch.Generator().manual_seed(0))
    scores[:, 0] += 1
    verdict = verdict_of(scores, [KINDS] * 60)
    below = (scores[:, 1:] < scores[:, :1]).float()
    assert verdict.by_kind == pytest.approx(
        {"thing": below[:, 5:].mean().item(), "colour": below[:, :5].mean().item()}
    )
    assert list(verdict.by_kind) == ["thing", "colour"]
    assert verdict.accuracy == pytest.approx(below.all(1).float().mean().item())
    loss = nn.functional.cross_entropy(scores, torch.zeros(60, dtype=torch.int64)).item()
    assert verdict.loss == pytest.approx(loss, rel=1e-4)


def test_who_cannot_tell_is_not_right() -> None:
    """Ten captions that are equally probable are a wrong answer, at the loss of chance."""
    verdict = verdict_of(torch.zeros(3, 10), [KINDS] * 3)
    assert verdict.accuracy == 0
    assert verdict.loss == pytest.approx(np.log(10))


def test_questions_come_back_from_disk(tmp_path: Path) -> None:
    """Facts, captions and kinds are what was saved."""
    examination = questions()
    examination.save(tmp_path / "questions.npz")
    loaded = Examination.load(tmp_path / "questions.npz")
    assert (loaded.texts, loaded.kinds) == (examination.texts, examination.kinds)
    assert np.array_equal(loaded.facts_K10F, examination.facts_K10F)


@pytest.mark.parametrize(("start", "stop"), [(0.0, 1.0), (0.5, 1.0), (0.95, 1.0), (0.2, 0.4)])
def test_damaged_questions_are_told(tmp_path: Path, start: float, stop: float) -> None:
    """A file that breaks off, or in which a part is missing, is an error that says what to do."""
    questions().save(tmp_path / "questions.npz")
    whole = (tmp_path / "questions.npz").read_bytes()
    damaged = whole[: int(start * len(whole))] + whole[int(stop * len(whole)) :]
    (tmp_path / "questions.npz").write_bytes(damaged)
    with pytest.raises(TrainingError, match=r"questions\.npz is missing or damaged: delete it"):
        Examination.load(tmp_path / "questions.npz")

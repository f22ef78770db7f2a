"""`limner.training.judge`: lessons on real scenes, and what a judge can name after them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from limner.network.autoencoder import AutoencoderConfig, PatchAutoencoder, to_patches
from limner.network.judge import Judge, JudgeConfig, Sight
from limner.training.judge import JudgeLessons, JudgeTraining, patch_view, train_judge
from limner.training.scenes.facts import Facts

SCENES = 40
TEACHING = JudgeTraining(steps=60, batch=16, adam_rate=1e-2)


def toy_autoencoder() -> PatchAutoencoder:
    """Each latent is a patch's level of red, green and blue."""
    autoencoder = PatchAutoencoder(AutoencoderConfig(channels=3))
    autoencoder.basis.copy_(torch.eye(3).repeat_interleave(32 * 32, 1))
    autoencoder.mean.fill_(0.1)
    return autoencoder


def toy() -> JudgeLessons:
    """Things are colours of cells; the place is the highest number among them, the condition whether there is a 0."""
    random = np.random.default_rng(0)
    colours_5C = np.array(
        [[-0.8, -0.8, -0.8], [0.8, -0.8, -0.8], [-0.8, 0.8, -0.8], [-0.8, -0.8, 0.8], [0.8] * 3]
    )
    things_Khw = random.integers(5, size=(SCENES, 2, 2))
    latents_KhwC = colours_5C[things_Khw] + random.normal(size=(SCENES, 2, 2, 3)) * 0.02
    things_K3hw = np.stack([things_Khw, things_Khw % 3, things_Khw % 2], 1).astype(np.uint16)
    facts_KF = np.zeros((SCENES, len(Facts._fields)), dtype=np.int64)
    facts_KF[:, 0], facts_KF[:, 1] = things_Khw.max((1, 2)), (things_Khw == 0).any((1, 2))
    latents_KChw = np.moveaxis(latents_KhwC, -1, 1).astype(np.float16)
    return JudgeLessons(latents_KChw=latents_KChw, things_K3hw=things_K3hw, facts_KF=facts_KF)


def pictures(lessons: JudgeLessons) -> Tensor:
    """The toy's pictures, (K, 3, 64, 64)."""
    decoded: Tensor = toy_autoencoder()(torch.from_numpy(lessons.latents_KChw.astype(np.float32)))
    return decoded


def taught(config: JudgeTraining = TEACHING) -> tuple[Judge, list[tuple[int, float, float]]]:
    """A judge after its lessons, and what was reported."""
    torch.manual_seed(0)
    judge = Judge(JudgeConfig(grid=2, width=32, heads=2, layers=1), (5, 3, 2, 5, 2))
    told: list[tuple[int, float, float]] = []
    view = patch_view(toy_autoencoder(), judge.config.patch)
    train_judge(judge, [toy()], view, config, lambda *record: told.append(record))
    return judge.eval(), told


def test_the_judge_learns_to_name_what_pictures_show() -> None:
    """On pictures, of which it has only seen latents, it names things, parts, paints, place and condition."""
    lessons = toy()
    judge, told = taught()
    sight = judge(pictures(lessons))
    truths = torch.from_numpy(lessons.things_K3hw.astype(np.int64)).flatten(2).unbind(1)
    right = [
        (logits.argmax(-1) == truth).float().mean() for logits, truth in zip(sight, truths, strict=False)
    ]
    assert min(right) > 0.95
    assert (sight.places_BK.argmax(-1).numpy() == lessons.facts_KF[:, 0]).mean() > 0.9
    assert (sight.conditions_BK.argmax(-1).numpy() == lessons.facts_KF[:, 1]).mean() > 0.9
    assert told[-1][1] < 0.5 * told[0][1]
    assert told[-1][2] > 0.9 > told[0][2]


def test_lessons_are_determined_by_their_seed() -> None:
    """Reports tell each step once, and are the same in every run but another seed's."""
    runs = [taught(JudgeTraining(steps=4, batch=4, seed=seed))[1] for seed in (0, 0, 1)]
    assert [step for step, _, _ in runs[0]] == [1, 2, 3, 4]
    assert runs[0] == runs[1] != runs[2]


def test_of_two_kinds_of_scenes_it_learns_as_many_of_each() -> None:
    """However many there are of each."""
    looked: list[Tensor] = []

    class Watched(Judge):
        def look_at_patches(self, patches_BNP: Tensor) -> Sight:
            looked.append(patches_BNP)
            return super().look_at_patches(patches_BNP)

    many, few = toy(), toy().some(3, np.random.default_rng(0))
    many.latents_KChw[:], few.latents_KChw[:] = 1, -1
    judge = Watched(JudgeConfig(grid=2, width=32, heads=2, layers=1), (5, 3, 2, 5, 2))
    view = patch_view(toy_autoencoder(), judge.config.patch)
    train_judge(judge, [many, few], view, JudgeTraining(steps=1, batch=8, noise=0.0), lambda *_: None)
    assert (looked[0].mean((1, 2)) > 0).tolist() == [True] * 4 + [False] * 4


def test_patches_of_latents_are_those_of_the_halved_picture() -> None:
    """Decoding and halving in one matrix give what doing both gives."""
    torch.manual_seed(0)
    autoencoder = PatchAutoencoder(AutoencoderConfig(channels=5, patch=8))
    for buffer in (autoencoder.basis, autoencoder.mean, autoencoder.scale):
        buffer.normal_()
    x = torch.randn(2, 5, 3, 3)
    matrix, offset = patch_view(autoencoder, 4)
    halved = torch.nn.functional.avg_pool2d(autoencoder(x), 2)
    patches = x.flatten(2).transpose(1, 2) @ matrix + offset
    torch.testing.assert_close(patches, to_patches(halved, 4), rtol=1e-4, atol=1e-5)

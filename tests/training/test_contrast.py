"""`limner.training.contrast`: the loss by its definition, and what it teaches."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from limner.network.image_tower import ImageTower, ImageTowerConfig
from limner.network.text_encoder import TextEncoder, TextEncoderConfig
from limner.text.tokenizer import Tokenizer
from limner.training.contrast import ContrastConfig, contrastive_loss, train_contrast
from tests.tiny import tiny_tokenizer

SCALE = torch.tensor(50.0)
COLOURS = ("red", "blue")


def test_it_is_clips_loss_when_hard_captions_are_far() -> None:
    """Without a competing hard negative: half of both cross-entropies, as in CLIP's figure 3."""
    torch.manual_seed(0)
    text, image = torch.nn.functional.normalize(torch.randn(2, 6, 16), dim=-1)
    logits, target = 3 * image @ text.T, torch.arange(6)
    both = [torch.nn.functional.cross_entropy(rows, target) for rows in (logits, logits.T)]
    far = contrastive_loss(text, image, -1e4 * image, torch.tensor(3.0))
    torch.testing.assert_close(far, (both[0] + both[1]) / 2)


def test_perfect_pairs_cost_nothing() -> None:
    """If each picture points at its caption and all else is at right angles, the loss is 0."""
    text, hard = torch.eye(12).split(6)
    assert contrastive_loss(text, text, hard, SCALE).item() == pytest.approx(0, abs=1e-6)


def test_hard_negatives_count() -> None:
    """A wrong caption that cannot be told from the right one costs half of ln 2; the pictures' turn does not."""
    text = torch.eye(6)
    assert contrastive_loss(text, text, text, SCALE).item() == pytest.approx(math.log(2) / 2, abs=1e-6)


def test_knowing_nothing_is_at_chance() -> None:
    """Equal vectors cost ln 4 among three captions and a hard one, and ln 3 among three pictures."""
    same = torch.ones(3, 4) / 2
    chance = (math.log(4) + math.log(3)) / 2
    assert contrastive_loss(same, same, same, SCALE).item() == pytest.approx(chance)


def networks() -> tuple[TextEncoder, ImageTower]:
    """Two small towers that meet in 16 dimensions."""
    torch.manual_seed(0)
    text = TextEncoderConfig(vocabulary=256, positions=48, width=32, layers=2, heads=2, hidden=64, vector=16)
    image = ImageTowerConfig(channels=3, tokens=4, width=32, layers=1, heads=2, vector=16)
    return TextEncoder(text), ImageTower(image)


def train(folder: Path, towers: tuple[TextEncoder, ImageTower], config: ContrastConfig) -> list[float]:
    """Teach them red and blue things; the hard captions have the other colour."""
    captions, latents = toys()
    losses: list[float] = []
    tokenizer = Tokenizer(tiny_tokenizer(folder / "tokenizer.json"))
    train_contrast(*towers, tokenizer, latents, captions, config, lambda _, loss: losses.append(loss))
    return losses


def toys() -> tuple[list[tuple[str, str]], NDArray[np.float16]]:
    """Captions, right and wrong, and latents that show colour and thing."""
    captions, latents = [], []
    for colour, other in (COLOURS, COLOURS[::-1]):
        for number, thing in enumerate(("ball", "boat", "cat", "puppy")):
            captions.append((f"a {colour} {thing}", f"a {other} {thing}"))
            x_Chw = np.zeros((3, 2, 2))
            x_Chw[COLOURS.index(colour)] = 2
            x_Chw[2, number // 2, number % 2] = 3
            latents.append(x_Chw)
    return captions, np.stack(latents).astype(np.float16)


def test_a_wrong_word_is_told_from_the_right_one(tmp_path: Path) -> None:
    """The loss falls, and each picture ends nearer to its own caption than to the one of the other colour."""
    encoder, tower = networks()
    config = ContrastConfig(steps=40, batch=8, text_rate=3e-3, image_rate=3e-3)
    losses = train(tmp_path, (encoder, tower), config)
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])
    captions, latents = toys()
    tokenizer = Tokenizer(tmp_path / "tokenizer.json")
    ids = torch.from_numpy(np.stack([tokenizer.encode(right).ids_T for right, _ in captions]))
    scores = tower(torch.from_numpy(latents).float()) @ encoder(ids, ids > 0)[1].T
    assert (scores.diagonal() > scores.roll(4, 1).diagonal()).all()


@pytest.mark.parametrize("trained_layers", [0, 1, 2, 3])
def test_only_the_last_layers_learn(tmp_path: Path, trained_layers: int) -> None:
    """All others stay to the bit, words and places too; the projection always learns."""
    encoder, tower = networks()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    train(tmp_path, (encoder, tower), ContrastConfig(steps=2, batch=4, trained_layers=trained_layers))
    changed = {n.rpartition(".")[0] for n, v in encoder.state_dict().items() if not torch.equal(v, before[n])}
    layers = {int(name.split(".")[1]) for name in changed if name.startswith("layers.")}
    assert layers == set(range(2)[max(0, 2 - trained_layers) :])
    assert {name for name in changed if not name.startswith("layers.")} == {"to_vector"}


def test_the_same_seed_teaches_the_same(tmp_path: Path) -> None:
    """Losses are repeated to the bit, and another seed takes pairs in another order."""
    one, same, other = (train(tmp_path, networks(), ContrastConfig(steps=2, seed=s)) for s in (0, 0, 1))
    assert one == same != other

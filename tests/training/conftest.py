"""What the tests of the training share: one thread, and a whole run in small."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from limner.network.autoencoder import AutoencoderConfig
from limner.network.denoiser import DenoiserConfig
from limner.network.image_tower import ImageTowerConfig
from limner.network.judge import JudgeConfig
from limner.network.text_encoder import TextEncoderConfig
from limner.network.upscaler import UpscalerConfig
from limner.training.checkpoint import save_checkpoint
from limner.training.contrast import ContrastConfig
from limner.training.dataset import SceneStream
from limner.training.deblocking import DeblockingConfig
from limner.training.denoise import RunConfig
from limner.training.evaluate import SamplingConfig
from limner.training.examination import Examination
from limner.training.judge import JudgeTraining
from limner.training.recipe import Recipe
from limner.training.run import TrainingRun
from limner.training.scenes.cells import PARTS
from limner.training.stages import Workshop
from limner.training.upscaler import UpscalerTraining
from tests.tiny import tiny_parts, tiny_tokenizer
from tests.training.scenes.props import build_art, build_data


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """Tiny networks compute fastest on one thread, whatever else the machine does."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


RECIPE = Recipe(
    name="rehearsal",
    scenes=8,
    wordings=2,
    examined=6,
    from_minilm=False,
    autoencoder=AutoencoderConfig(channels=12, width=8, outer=1, inner=1),
    text_encoder=TextEncoderConfig(vocabulary=256, positions=48, width=16, layers=1, heads=2, hidden=32),
    image_tower=ImageTowerConfig(channels=12, width=16, layers=1, heads=2),
    judge=JudgeConfig(width=16, heads=2, layers=1),
    denoiser=DenoiserConfig(channels=12, width=16, layers=1, heads=2, text_width=16, things=20, parts=PARTS),
    contrast=ContrastConfig(steps=2, batch=4),
    judge_training=JudgeTraining(steps=3, batch=4),
    run=RunConfig(epochs=2, epoch_pictures=8, batch=4),
    sampling=SamplingConfig(steps=2),
    deblocking=DeblockingConfig(steps=2, batch=4, draws=1),
    upscaler=UpscalerConfig(width=8, outer=1, inner=1),
    upscaling=UpscalerTraining(scenes=2, steps=1, batch=2, draws=1),
)


@pytest.fixture(scope="package")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A finished run: every stage and two epochs. Nobody writes into its folder.

    Two stages find their result in the folder already: fitting the autoencoder takes a minute, and processes
    that write questions take seconds to start.
    """
    folder = tmp_path_factory.mktemp("rehearsal")
    tokenizer = tiny_tokenizer(folder / "tokenizer.json")
    workshop = Workshop(
        folder=folder / "run",
        recipe=RECIPE,
        art=build_art(folder / "art"),
        data=build_data(folder / "data"),
        tokenizer=tokenizer,
        workers=1,
        report=lambda *_: None,
    )
    workshop.folder.mkdir()
    tensors = tiny_parts(tokenizer).autoencoder.state_dict() | {"deviation": torch.full((12,), 0.7)}
    save_checkpoint(workshop.folder / "autoencoder.safetensors", tensors, {})
    _questions(workshop).save(workshop.folder / "questions.npz")
    list(TrainingRun(workshop).epochs())
    return workshop


def _questions(workshop: Workshop) -> Examination:
    stream = SceneStream(workshop.stream())
    choices = [stream.choices(index) for index in range(RECIPE.scenes)]
    return Examination(
        facts_K10F=np.array([[stream.numbers.facts(choice.scene) for choice in row] for row in choices]),
        texts=[[choice.text for choice in row] for row in choices],
        kinds=[[choice.kind for choice in row] for row in choices],
    )

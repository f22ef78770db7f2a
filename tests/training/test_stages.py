"""`limner.training.stages`: each stage's result is kept, and is what the scenes say."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from limner.network.autoencoder import PatchAutoencoder
from limner.text.tokenizer import Tokenizer
from limner.training.cache import load_array, to_unit
from limner.training.checkpoint import load_checkpoint
from limner.training.dataset import SceneStream
from limner.training.examination import Examination, ask_judge
from limner.training.stages import Workshop, tokenizer_file


@pytest.fixture
def copy(rehearsal: Workshop, tmp_path: Path) -> Workshop:
    """The finished run once more, to be written into."""
    shutil.copytree(rehearsal.folder, tmp_path / "run")
    return replace(rehearsal, folder=tmp_path / "run")


def lessons(workshop: Workshop) -> tuple[NDArray[Any], PatchAutoencoder]:
    """What the judge is taught with."""
    return load_array(workshop.folder / "latents.npy"), workshop.autoencoder()[0]


def test_things_stand_where_the_stream_says(rehearsal: Workshop) -> None:
    """The cached cells are those of the scenes, in order."""
    stream = SceneStream(rehearsal.stream())
    expected = np.stack([stream.things(index) for index in range(8)])
    assert np.array_equal(load_array(rehearsal.folder / "things.npy"), expected)


def test_facts_are_what_the_stream_says(rehearsal: Workshop) -> None:
    """The cached facts are those of the scenes, in order."""
    stream = SceneStream(rehearsal.stream())
    expected = np.stack([stream.numbers.facts(stream.scene(index)) for index in range(8)])
    assert np.array_equal(load_array(rehearsal.folder / "facts.npy"), expected)


def test_captions_are_encoded_scene_by_scene(rehearsal: Workshop) -> None:
    """All wordings of a scene come before the next scene's: row scene * wordings + wording."""
    stream = SceneStream(rehearsal.stream())
    kept = json.loads((rehearsal.folder / "states" / "captions.json").read_text(encoding="utf-8"))
    assert kept == rehearsal.training_captions()
    assert len(kept) == 16
    assert kept[2 * 5 + 1] == stream.caption(5, 1)


def test_held_out_captions_are_the_examinations(rehearsal: Workshop) -> None:
    """What is drawn for the trace are the true captions of the held-out scenes."""
    kept = json.loads((rehearsal.folder / "held-out" / "captions.json").read_text(encoding="utf-8"))
    stream = SceneStream(rehearsal.stream(1, held_out=True))
    assert kept == [stream.choices(index)[0].text for index in range(6)]


def test_the_ceiling_is_of_real_held_out_pictures(rehearsal: Workshop) -> None:
    """It is the judge's verdict on the held-out scenes' own pictures."""
    examination = Examination.load(rehearsal.folder / "examination.npz")
    judge = rehearsal.judge(*lessons(rehearsal))
    stream = SceneStream(rehearsal.stream(1, held_out=True))
    pictures = np.stack([stream.picture(index) for index in range(6)])
    verdict = ask_judge(judge, to_unit(pictures), examination)
    ceiling = rehearsal.ceiling(judge, examination)
    assert ceiling == pytest.approx({"loss": verdict.loss, "accuracy": verdict.accuracy}, rel=1e-4)


def test_a_result_that_was_deleted_is_made_anew(copy: Workshop) -> None:
    """The judge of the same lessons is the same to the bit, and its lessons are reported."""
    (copy.folder / "judge.safetensors").unlink()
    told: list[tuple[str, int, int, str]] = []
    taught = lessons(copy)
    torch.manual_seed(5)
    first = replace(copy, report=lambda *record: told.append(record)).judge(*taught)
    assert [record[:3] for record in told] == [("judge", 1, 3), ("judge", 2, 3), ("judge", 3, 3)]
    assert "loss" in told[0][3]
    assert "accuracy" in told[0][3]
    (copy.folder / "judge.safetensors").unlink()
    torch.manual_seed(5)
    again = copy.judge(*taught).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in first.state_dict().items())


def test_a_result_that_is_there_is_used_as_it_is(copy: Workshop) -> None:
    """Nothing is computed again: what was put into the file comes out."""
    path = copy.folder / "text-image.safetensors"
    before = path.read_bytes()
    tensors, _ = load_checkpoint(path)
    encoder, tower = copy.text_and_image(lessons(copy)[0])
    assert torch.equal(encoder.to_vector.weight, tensors["text.to_vector.weight"])
    assert torch.equal(tower.to_vector.weight, tensors["image.to_vector.weight"])
    assert path.read_bytes() == before


def test_a_judge_of_its_own_learns_from_scenes_that_the_generator_never_sees(copy: Workshop) -> None:
    """Half are held-out ones, not the examination's; half another artist's, painted; all of it is kept."""
    (copy.folder / "judge.safetensors").unlink()
    own = replace(copy, recipe=replace(copy.recipe, judge_scenes=8))
    latents, autoencoder = np.zeros((0, 12, 8, 8), np.float16), copy.autoencoder()[0]
    own.judge(latents, autoencoder)
    held_out = SceneStream(copy.stream(78, held_out=True))
    other = SceneStream(replace(copy.stream(78), artist="noto", painted=1.0))
    for name, stream in (("held-out", held_out), ("noto", other)):
        pictures = np.stack([stream.picture(index) for index in range(4)])
        kept = load_array(copy.folder / f"latents-{name}.npy")
        assert np.array_equal(kept, autoencoder.encode(to_unit(pictures)).half().numpy())
        things = np.stack([stream.things(index) for index in range(4)])
        assert np.array_equal(load_array(copy.folder / f"things-{name}.npy"), things)
        assert len(load_array(copy.folder / f"facts-{name}.npy")) == 4
    (copy.folder / "judge.safetensors").unlink()
    told: list[str] = []
    replace(own, art=copy.folder, report=lambda *record: told.append(record[0])).judge(latents, autoencoder)
    assert set(told) == {"judge"}


def test_prompts_are_read_with_a_tokenizer_that_is_there() -> None:
    """The default tokenizer's file can be opened, and knows words."""
    assert "puppy" in Tokenizer(tokenizer_file()).encode("a cute puppy").tokens

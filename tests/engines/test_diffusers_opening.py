"""From a folder or a hub's name to an engine; and what is wrong with it, in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

import limner
from limner.engines import diffusers
from limner.engines.base import EngineOptions
from limner.engines.diffusers import DiffusersEngine
from limner.errors import EngineError, EngineUnavailableError, InvalidRequestError, LimnerError, ModelError
from limner.models import is_foreign
from tests.engines import tiny_diffusers as tiny
from tests.engines.contract import noisy
from tests.engines.test_diffusers_families import open_tiny

UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Networks as small as these are slower on two threads, and much slower where others use them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Stable Diffusion as diffusers saves it; nobody writes into it."""
    folder = tmp_path_factory.mktemp("models") / "tiny-sd"
    tiny.stable_diffusion().save_pretrained(folder)
    return folder


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """The same, to be damaged."""
    return Path(shutil.copytree(folder, tmp_path / "copy"))


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A hub's cache with nothing in it, and no way to the hub."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path


def refused(model: Path) -> str:
    """The one line in which the engine refuses a model."""
    with pytest.raises(ModelError) as caught:
        diffusers.load(model, EngineOptions())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_is_opened_as_it_was_saved(folder: Path) -> None:
    """The engine's estimates are those of the pipeline that was saved."""
    opened, original = diffusers.load(folder, EngineOptions()), open_tiny(tiny.stable_diffusion())
    assert opened.capabilities.model == "tiny-sd"
    assert opened.capabilities.picture_size == (16, 16)
    np.testing.assert_array_equal(opened.denoise(*noisy(opened)), original.denoise(*noisy(original)))


def test_limner_draws_with_a_folder_that_diffusers_saved(folder: Path) -> None:
    """`load` picks the engine by what the folder is; size, edits, variations and traces are as ever."""
    pipeline = limner.load(folder)
    assert isinstance(pipeline.engine, DiffusersEngine)
    [picture] = pipeline.generate("a red boat", seed=1, steps=2, size=(24, 24), trace=True)
    assert picture.pixels_HWC.shape == (24, 24, 3)
    [edited] = pipeline.generate(
        "a cat", seed=1, steps=2, image=picture.pixels_HWC, mask=np.arange(576).reshape(24, 24) < 200
    )
    np.testing.assert_array_equal(edited.pixels_HWC[-1], picture.pixels_HWC[-1])
    assert len(pipeline.generate("", seed=1, steps=2, image=picture.pixels_HWC)) == 1


def test_a_name_is_found_in_the_hubs_cache_without_a_network(folder: Path, cache: Path) -> None:
    """What was fetched once is opened offline, through `load` too."""
    home = cache / "models--limner-tests--tiny-sd"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text("0" * 40)
    shutil.copytree(folder, home / "snapshots" / ("0" * 40))
    assert limner.load("limner-tests/tiny-sd").engine.capabilities.model == "tiny-sd"


@pytest.mark.usefixtures("cache")
def test_a_hub_that_cannot_be_reached_is_named() -> None:
    """With nothing in the cache the line says what to check."""
    assert "check the name and the network" in refused(Path("limner-tests/never-there"))


def test_a_model_is_needed() -> None:
    """Without a folder the error says what to name."""
    with pytest.raises(ModelError, match="name a folder"):
        diffusers.load(None, EngineOptions())


def truncate(folder: Path) -> None:
    """Cut the denoiser's weights in two."""
    data = (folder / UNET).read_bytes()
    (folder / UNET).write_bytes(data[: len(data) // 2])


def drop_a_weight(folder: Path) -> None:
    """Leave one tensor out."""
    weights = load_file(folder / UNET)
    del weights["conv_in.weight"]
    save_file(weights, folder / UNET, {"format": "pt"})


def pickle(folder: Path) -> None:
    """Only a pickle holds the denoiser's weights."""
    torch.save(load_file(folder / UNET), folder / "unet" / "diffusion_pytorch_model.bin")
    (folder / UNET).unlink()


def rename(folder: Path) -> None:
    """Say that it is of a family that nobody knows."""
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"_class_name": "NobodysPipeline"}))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (truncate, r"unet.diffusion_pytorch_model.safetensors is damaged"),
        (drop_a_weight, "no weights for conv_in.weight and 0 others of its unet"),
        (pickle, "is a pickle, which can run any code"),
        (
            rename,
            "is a NobodysPipeline, for which there is no adapter yet; there are: StableDiffusionPipeline",
        ),
        (lambda folder: (folder / UNET).unlink(), "cannot be opened"),
        (lambda folder: (folder / "model_index.json").write_text("{"), "is not a model"),
    ],
    ids=["truncated", "incomplete", "pickle", "unknown family", "no weights", "no index"],
)
def test_a_damaged_folder_is_refused(copy: Path, damage: Callable[[Path], object], said: str) -> None:
    """The line names what is wrong."""
    damage(copy)
    with pytest.raises(ModelError, match=said):
        diffusers.load(copy, EngineOptions())


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    """With any engine: it has neither of the files that models have."""
    assert "model_index.json" in refused(tmp_path)
    with pytest.raises(ModelError, match=r"manifest\.json.*model_index\.json"):
        limner.load(tmp_path)


@pytest.mark.parametrize(("name", "said"), [("x.ckpt", "is a pickle"), ("x.safetensors", "is a single file")])
def test_a_file_is_refused(tmp_path: Path, name: str, said: str) -> None:
    """A checkpoint in one file: a pickle for its danger, any other until this engine reads it."""
    (tmp_path / name).write_bytes(b"weights")
    with pytest.raises(ModelError, match=said):
        limner.load(tmp_path / name)


def test_a_precision_that_the_device_lacks_is_refused() -> None:
    """On a GPU without bf16 units, or without a GPU at all, bf16 on it is not there."""
    with pytest.raises(EngineUnavailableError, match="choose precision auto or f32"):
        diffusers._dtype("cuda", EngineOptions(precision="bf16"))


def test_bf16_draws_too(folder: Path) -> None:
    """On the processor it is near to f32."""
    exact, rough = (diffusers.load(folder, EngineOptions(precision=name)) for name in ("f32", "bf16"))
    np.testing.assert_allclose(rough.denoise(*noisy(rough)), exact.denoise(*noisy(exact)), atol=0.5)


def test_another_engines_features_are_refused(folder: Path) -> None:
    """They lack what the network is told."""
    engine = diffusers.load(folder, EngineOptions())
    x_BChw, t_B, _, guidance_B = noisy(engine)
    others = limner.load(engine="fake").engine.encode(["a boat"] * 3)
    with pytest.raises(LimnerError, match="another engine"):
        engine.denoise(x_BChw, t_B, others, guidance_B)


def test_a_picture_of_another_size_is_refused(folder: Path) -> None:
    """The error names the field."""
    with pytest.raises(InvalidRequestError, match="16x16"):
        diffusers.load(folder, EngineOptions()).encode_image(np.zeros((1, 8, 8, 3), np.uint8))


def test_too_many_steps_are_refused(folder: Path) -> None:
    """More than the model has noise levels."""
    with pytest.raises(InvalidRequestError) as caught:
        diffusers.load(folder, EngineOptions()).times(2000)
    assert caught.value.param == "steps"


def test_a_failure_of_torch_is_told_as_ours(folder: Path) -> None:
    """Latents of a wrong shape end in an error of limner."""
    engine = diffusers.load(folder, EngineOptions())
    _, t_B, features, guidance_B = noisy(engine)
    with pytest.raises(EngineError):
        engine.denoise(np.zeros((3, 5, 8, 8), np.float32), t_B, features, guidance_B)


@pytest.mark.parametrize(
    ("name", "foreign"),
    [("limner-1", False), ("owner/name", True), ("a/b/c", False), ("../x", False), ("", False)],
)
def test_names_of_a_hub_are_told_from_those_of_models(name: str, foreign: bool) -> None:  # noqa: FBT001
    """Two words with a slash between are a name on a hub, unless there is such a path."""
    assert is_foreign(name) is foreign

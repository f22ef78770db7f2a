"""From a folder or a hub's name to an engine; and what is wrong with it, in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

import limner
from limner.engines import diffusers
from limner.engines.base import EngineOptions
from limner.engines.devices import dtype_for
from limner.engines.diffusers import DiffusersEngine
from limner.errors import EngineError, EngineUnavailableError, InvalidRequestError, LimnerError, ModelError
from limner.models import is_foreign
from limner.testing import noisy
from tests.engines import tiny_diffusers as tiny
from tests.engines.test_diffusers_families import open_tiny

UNET = "unet/diffusion_pytorch_model.safetensors"


pytestmark = pytest.mark.usefixtures("one_thread")


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
    """With torch as it was asked for; size, edits, variations and traces are as ever."""
    pipeline = limner.load(folder, engine="diffusers")
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
    assert limner.load("limner-tests/tiny-sd", engine="diffusers").engine.capabilities.model == "tiny-sd"


@pytest.mark.usefixtures("cache")
def test_a_hub_that_cannot_be_reached_is_named() -> None:
    """With nothing in the cache the line says what to check."""
    assert "check the name and the network" in refused(Path("limner-tests/never-there"))


def test_a_model_is_needed() -> None:
    """Without a folder the error says what to name."""
    with pytest.raises(ModelError, match="name a folder"):
        diffusers.load(None, EngineOptions())


def one_file(folder: Path) -> dict[str, torch.Tensor]:
    """The weights of the tiny Stable Diffusion as its authors would spell them, in one file."""
    weights = {
        f"model.diffusion_model.{ldm_unet(name)}": each for name, each in load_file(folder / UNET).items()
    }
    vae = load_file(folder / "vae" / "diffusion_pytorch_model.safetensors")
    weights |= {f"first_stage_model.{ldm_vae(name)}": each for name, each in vae.items()}
    text = load_file(folder / "text_encoder" / "model.safetensors")
    return weights | {
        f"cond_stage_model.transformer.text_model.{name.removeprefix('text_model.')}": each
        for name, each in text.items()
    }


def test_a_file_without_all_networks_is_refused(folder: Path, tmp_path: Path) -> None:
    """One network of a checkpoint is not a checkpoint."""
    shutil.copytree(folder, tmp_path / "boat", ignore=shutil.ignore_patterns("*.safetensors"))
    some = {name: each for name, each in one_file(folder).items() if name.startswith("model.")}
    save_file(some, tmp_path / "boat.safetensors")
    assert "has not all networks" in refused(tmp_path / "boat.safetensors")


def ldm_unet(name: str) -> str:
    """A weight of the tiny UNet: two levels of one layer each, without and with cross-attention."""
    blocks = {
        "conv_in.": "input_blocks.0.0.",
        "time_embedding.linear_1.": "time_embed.0.",
        "time_embedding.linear_2.": "time_embed.2.",
        "down_blocks.0.resnets.0.": "input_blocks.1.0.",
        "down_blocks.0.downsamplers.0.conv.": "input_blocks.2.0.op.",
        "down_blocks.1.resnets.0.": "input_blocks.3.0.",
        "down_blocks.1.attentions.0.": "input_blocks.3.1.",
        "mid_block.resnets.0.": "middle_block.0.",
        "mid_block.attentions.0.": "middle_block.1.",
        "mid_block.resnets.1.": "middle_block.2.",
        "up_blocks.0.resnets.0.": "output_blocks.0.0.",
        "up_blocks.0.attentions.0.": "output_blocks.0.1.",
        "up_blocks.0.resnets.1.": "output_blocks.1.0.",
        "up_blocks.0.attentions.1.": "output_blocks.1.1.",
        "up_blocks.0.upsamplers.0.conv.": "output_blocks.1.2.conv.",
        "up_blocks.1.resnets.0.": "output_blocks.2.0.",
        "up_blocks.1.resnets.1.": "output_blocks.3.0.",
        "conv_norm_out.": "out.0.",
        "conv_out.": "out.2.",
    }
    inside = {
        "norm1.": "in_layers.0.",
        "conv1.": "in_layers.2.",
        "time_emb_proj.": "emb_layers.1.",
        "norm2.": "out_layers.0.",
        "conv2.": "out_layers.3.",
        "conv_shortcut.": "skip_connection.",
    }
    return spelled(name, blocks, inside if ".resnets." in name else {})


def ldm_vae(name: str) -> str:
    """A weight of the tiny autoencoder; its authors count the ways up from the end."""
    blocks = {
        "encoder.down_blocks.0.resnets.": "encoder.down.0.block.",
        "encoder.down_blocks.0.downsamplers.0.": "encoder.down.0.downsample.",
        "encoder.down_blocks.1.resnets.": "encoder.down.1.block.",
        "decoder.up_blocks.0.resnets.": "decoder.up.1.block.",
        "decoder.up_blocks.0.upsamplers.0.": "decoder.up.1.upsample.",
        "decoder.up_blocks.1.resnets.": "decoder.up.0.block.",
    } | {
        f"{side}.{name}": f"{side}.{other}"
        for side in ("encoder", "decoder")
        for name, other in {
            "mid_block.resnets.0.": "mid.block_1.",
            "mid_block.resnets.1.": "mid.block_2.",
            "mid_block.attentions.0.group_norm.": "mid.attn_1.norm.",
            "mid_block.attentions.0.to_q.": "mid.attn_1.q.",
            "mid_block.attentions.0.to_k.": "mid.attn_1.k.",
            "mid_block.attentions.0.to_v.": "mid.attn_1.v.",
            "mid_block.attentions.0.to_out.0.": "mid.attn_1.proj_out.",
            "conv_norm_out.": "norm_out.",
        }.items()
    }
    return spelled(name, blocks, {"conv_shortcut.": "nin_shortcut."})


def spelled(name: str, blocks: dict[str, str], inside: dict[str, str]) -> str:
    """The name with its first matching beginning, and then the first matching rest, put otherwise."""
    begin = next((old for old in blocks if name.startswith(old)), "")
    new, rest = blocks.get(begin, ""), name.removeprefix(begin)
    within = next((old for old in inside if old in rest), "")
    return new + (rest.replace(within, inside[within]) if within else rest)


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
            "is a NobodysPipeline, which this version of diffusers does not know: upgrade it",
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


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x.ckpt", "is a pickle.*LIMNER_ALLOW_PICKLE"),
        ("x.safetensors", "is damaged"),
        ("x.gguf", "is not a checkpoint"),
    ],
)
def test_a_file_is_refused(tmp_path: Path, name: str, said: str) -> None:
    """A checkpoint in one file: a pickle for its danger, any other for what is wrong with it."""
    (tmp_path / name).write_bytes(b"weights")
    with pytest.raises(ModelError, match=said):
        limner.load(tmp_path / name)


def test_a_file_that_is_not_there_is_no_name_on_a_hub() -> None:
    """It is not asked for on a hub, although it looks like owner/name."""
    assert "There is no file" in refused(Path("models/boat.safetensors"))


@pytest.mark.usefixtures("cache")
def test_a_file_needs_its_familys_configuration(folder: Path, tmp_path: Path) -> None:
    """Without a folder beside it, and without a hub, the line says where it may come from."""
    file = tmp_path / "boat.safetensors"
    shutil.copy(folder / UNET, file)
    assert f"put the configuration into {tmp_path / 'boat'}" in refused(file)


def test_a_family_that_never_comes_in_one_file_is_refused(tmp_path: Path) -> None:
    """PixArt's weights are spread over a folder."""
    tiny.pixart_sigma().save_pretrained(tmp_path / "boat")
    save_file({"weight": torch.zeros(1)}, tmp_path / "boat.safetensors")
    assert "is not opened from one file" in refused(tmp_path / "boat.safetensors")


def test_a_file_is_opened_with_the_configuration_beside_it(folder: Path, tmp_path: Path) -> None:
    """A checkpoint in its authors' spelling draws what the folder draws."""
    shutil.copytree(folder, tmp_path / "boat", ignore=shutil.ignore_patterns("*.safetensors"))
    save_file(one_file(folder), tmp_path / "boat.safetensors")
    opened, original = (
        diffusers.load(path, EngineOptions()) for path in (tmp_path / "boat.safetensors", folder)
    )
    assert opened.capabilities.model == "boat"
    np.testing.assert_allclose(opened.denoise(*noisy(opened)), original.denoise(*noisy(original)), atol=1e-5)
    x_BChw = noisy(opened)[0]
    np.testing.assert_array_equal(opened.decode(x_BChw), original.decode(x_BChw))


def test_a_pickle_is_opened_where_that_is_allowed(copy: Path) -> None:
    """The operator who trusts it says so."""
    pickle(copy)
    opened = diffusers.load(copy, EngineOptions(allow_pickle=True))
    assert np.isfinite(opened.denoise(*noisy(opened))).all()


def test_a_variant_is_opened_by_its_name(tmp_path: Path) -> None:
    """Weights that were saved as a variant are found only under its name."""
    tiny.stable_diffusion().save_pretrained(tmp_path / "sd", variant="fp16")
    opened = diffusers.load(tmp_path / "sd", EngineOptions(variant="fp16"))
    assert np.isfinite(opened.denoise(*noisy(opened))).all()
    with pytest.raises(ModelError, match="has no variant 'bf16'"):
        diffusers.load(tmp_path / "sd", EngineOptions(variant="bf16"))


def test_a_revision_is_found_in_the_hubs_cache(folder: Path, cache: Path) -> None:
    """A branch beside the main one; one that was never fetched is named in the refusal."""
    home = cache / "models--limner-tests--tiny-sd"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "next").write_text("1" * 40)
    shutil.copytree(folder, home / "snapshots" / ("1" * 40))
    name = Path("limner-tests/tiny-sd")
    assert diffusers.load(name, EngineOptions(revision="next")).capabilities.model == "tiny-sd"
    with pytest.raises(ModelError, match="revision never is neither"):
        diffusers.load(name, EngineOptions(revision="never"))


def test_what_is_for_checkpoints_is_refused_elsewhere() -> None:
    """Limner's own models have no variants."""
    with pytest.raises(InvalidRequestError, match="for checkpoints of other people"):
        limner.load(engine="fake", variant="fp16")


def test_a_precision_that_the_device_lacks_is_refused() -> None:
    """On a GPU without bf16 units, or without a GPU at all, bf16 on it is not there."""
    with pytest.raises(EngineUnavailableError, match="choose precision auto or f32"):
        dtype_for("cuda", EngineOptions(precision="bf16"))


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

"""LoRAs are added to a checkpoint's weights when it is opened, and refused where they do not belong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from limner.engines import diffusers
from limner.engines.base import EngineOptions
from limner.engines.families.lora import Lora, add_lora, parse_lora
from limner.errors import InvalidRequestError, ModelError
from limner.testing import noisy
from tests.engines import tiny_diffusers as tiny

QUERY = "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_q"
TEXT = "text_model.encoder.layers.0.self_attn.q_proj"


def pair(into: int, out: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Matrices of rank 2: (2, into) and (out, 2)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, into, generator=generator), torch.randn(out, 2, generator=generator)


def written(path: Path, weights: Mapping[str, Tensor]) -> Path:
    """A LoRA on disk."""
    save_file(dict(weights), path, {"format": "pt"})
    return path


def in_peft(layer: str, down: Tensor, up: Tensor) -> dict[str, Tensor]:
    """The newer spelling."""
    return {f"{layer}.lora_A.weight": down, f"{layer}.lora_B.weight": up}


@pytest.mark.parametrize(
    "spelling",
    [
        lambda down, up: in_peft(f"unet.{QUERY}", down, up),
        lambda down, up: {f"unet.{QUERY}.lora.down.weight": down, f"unet.{QUERY}.lora.up.weight": up},
        lambda down, up: {
            f"lora_unet_{QUERY.replace('.', '_')}.lora_down.weight": down,
            f"lora_unet_{QUERY.replace('.', '_')}.lora_up.weight": up,
            f"lora_unet_{QUERY.replace('.', '_')}.alpha": torch.tensor(2.0),
        },
    ],
    ids=["peft", "diffusers", "kohya"],
)
def test_a_lora_is_added_to_its_layer(tmp_path: Path, spelling: object) -> None:
    """W becomes W + weight * alpha / R * B A, in each of the usual spellings; alpha is R unless it is told."""
    assert callable(spelling)
    pipe = tiny.stable_diffusion()
    before = pipe.unet.get_submodule(QUERY).weight.clone()
    down, up = pair(16, 16)
    add_lora(pipe, Lora(path=written(tmp_path / "ink.safetensors", spelling(down, up)), weight=0.5))
    torch.testing.assert_close(pipe.unet.get_submodule(QUERY).weight, before + 0.5 * up @ down)


def test_an_alpha_that_peft_wrote_is_read(tmp_path: Path) -> None:
    """It stands in the file's metadata; a setting there that changes the formula is refused."""
    pipe = tiny.stable_diffusion()
    before = pipe.unet.get_submodule(QUERY).weight.clone()
    down, up = pair(16, 16)
    for told in ({"unet.lora_alpha": 1, "unet.use_rslora": False}, {"unet.use_rslora": True}):
        path = tmp_path / f"{len(told)}.safetensors"
        metadata = {"format": "pt", "lora_adapter_metadata": json.dumps(told)}
        save_file(in_peft(f"unet.{QUERY}", down, up), path, metadata)
    add_lora(pipe, Lora(path=tmp_path / "2.safetensors"))
    torch.testing.assert_close(pipe.unet.get_submodule(QUERY).weight, before + 0.5 * up @ down)
    with pytest.raises(ModelError, match="settings that are not read"):
        add_lora(pipe, Lora(path=tmp_path / "1.safetensors"))


def test_a_text_encoder_is_changed_too(tmp_path: Path) -> None:
    """Whether or not its layers are named as its library names them today."""
    pipe = tiny.stable_diffusion()
    before = [parameter.clone() for parameter in pipe.text_encoder.parameters()]
    path = written(tmp_path / "ink.safetensors", in_peft(f"text_encoder.{TEXT}", *pair(16, 16)))
    add_lora(pipe, Lora(path=path))
    after = pipe.text_encoder.parameters()
    assert sum(not torch.equal(*both) for both in zip(before, after, strict=True)) == 1


def test_several_add_up_when_a_model_is_opened(tmp_path: Path) -> None:
    """The order makes no difference, and a weight of 0 is none."""
    tiny.stable_diffusion().save_pretrained(tmp_path / "sd")
    ink, oil = (
        written(tmp_path / f"{name}.safetensors", in_peft(f"unet.{QUERY}", *pair(16, 16, seed)))
        for seed, name in enumerate(("ink", "oil"))
    )
    plain, one, other, none = (
        (engine := diffusers.load(tmp_path / "sd", EngineOptions(loras=loras))).denoise(*noisy(engine))
        for loras in ((), (f"{ink}=0.5", f"{oil}"), (f"{oil}", f"{ink}=0.5"), (f"{ink}=0",))
    )
    np.testing.assert_allclose(one, other, atol=1e-3)
    np.testing.assert_array_equal(none, plain)
    assert not np.allclose(one, plain, atol=1e-2)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (in_peft("transformer.transformer_blocks.0.attn.to_q", *pair(16, 16)), "for another model"),
        (in_peft(f"unet.{QUERY}", *pair(320, 16)), "for another model"),
        ({"weight": torch.zeros(1)}, "not a LoRA of pairs"),
    ],
    ids=["another family", "another size", "no LoRA"],
)
def test_a_lora_for_another_family_is_refused(tmp_path: Path, weights: dict[str, Tensor], said: str) -> None:
    """One line says what does not fit, and no weight is changed."""
    pipe = tiny.stable_diffusion()
    before = pipe.unet.get_submodule(QUERY).weight.clone()
    path = written(tmp_path / "ink.safetensors", weights)
    with pytest.raises(ModelError, match=said) as caught:
        add_lora(pipe, Lora(path=path))
    assert "\n" not in str(caught.value)
    torch.testing.assert_close(pipe.unet.get_submodule(QUERY).weight, before)


def test_a_family_that_takes_none_is_named(tmp_path: Path) -> None:
    """PixArt's pipeline in diffusers has no LoRA."""
    path = written(tmp_path / "ink.safetensors", in_peft(f"unet.{QUERY}", *pair(16, 16)))
    with pytest.raises(ModelError, match="takes no LoRA"):
        add_lora(tiny.pixart_sigma(), Lora(path=path))


@pytest.mark.parametrize("name", ["never.safetensors", "ink.bin", "cut.safetensors"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    """Absent, a pickle, or damaged."""
    (tmp_path / "ink.bin").write_bytes(b"pickle")
    (tmp_path / "cut.safetensors").write_bytes(b"half")
    with pytest.raises(ModelError):
        add_lora(tiny.stable_diffusion(), Lora(path=tmp_path / name))


def test_a_lora_is_written_with_its_weight() -> None:
    """After the last sign of equality; 1 by default."""
    assert parse_lora("a=b.safetensors=-0.5") == Lora(path=Path("a=b.safetensors"), weight=-0.5)
    assert parse_lora("ink.safetensors") == Lora(path=Path("ink.safetensors"))
    with pytest.raises(InvalidRequestError, match="FILE=NUMBER"):
        parse_lora("ink.safetensors=much")

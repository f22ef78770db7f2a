"""`limner.training.device`: 16-bit products only where there are units for them, and they change next to nothing."""

from __future__ import annotations

import pytest
import torch

from limner.network.denoiser import Denoiser, DenoiserConfig
from limner.training.device import mixed_precision, training_device
from limner.training.flow import flow_loss
from limner.training.optimizer import orthogonalize

CPU = torch.device("cpu")
SHAPES = DenoiserConfig(channels=3, grid=2, width=32, layers=2, heads=2, text_width=8, vector=4)


def processor(monkeypatch: pytest.MonkeyPatch, **capabilities: bool) -> None:
    """A processor that can do so much."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)


def test_products_are_as_wide_as_the_processor_likes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """bfloat16 with units for it, as matrices or as vectors, float32 without."""
    x = torch.ones(4, 4)
    for units in ("amx_bf16", "avx512_bf16"):
        processor(monkeypatch, **{units: True})
        with mixed_precision(CPU):
            assert (x @ x).dtype == torch.bfloat16
    processor(monkeypatch, amx_bf16=False)
    with mixed_precision(CPU):
        assert (x @ x).dtype == torch.float32


def test_a_torch_that_cannot_say_trains_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """As releases before 2.13 cannot."""
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    with mixed_precision(CPU):
        assert not torch.is_autocast_enabled("cpu")


def test_without_a_gpu_the_cpu_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    """And with one the GPU does."""
    for there, device in ((False, "cpu"), (True, "cuda")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert training_device().type == device


def test_the_loss_and_its_gradient_hardly_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the three digits that bfloat16 has; weights and gradients stay in float32."""
    torch.manual_seed(0)
    model = Denoiser(SHAPES)
    torch.nn.init.normal_(model.head.weight, std=0.1)
    batch = torch.randn(8, 3, 2, 2), torch.randn(8, 3, 2, 2), torch.rand(8)
    condition = torch.randn(8, 5, 8), torch.ones(8, 5, dtype=torch.bool), torch.randn(8, 4)
    losses, gradients = [], []
    for units in (False, True):
        processor(monkeypatch, amx_bf16=units)
        model.zero_grad()
        with mixed_precision(CPU):
            loss = flow_loss(model, *batch, condition)[0].mean()
        loss.backward()
        gradient = model.head.weight.grad
        assert gradient is not None
        losses.append(loss.item())
        gradients.append(gradient.clone())
    assert losses[1] == pytest.approx(losses[0], rel=0.01)
    assert gradients[1].dtype == torch.float32
    torch.testing.assert_close(gradients[1], gradients[0], rtol=0.05, atol=0.02)


def test_a_step_of_muon_hardly_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Singular values come out about 1 in either precision."""
    torch.manual_seed(0)
    matrix = torch.randn(24, 16)
    processor(monkeypatch, amx_bf16=True)
    exact = orthogonalize(matrix)
    with mixed_precision(CPU):
        rough = orthogonalize(matrix)
    assert rough.dtype == torch.bfloat16
    assert (rough.float() - exact).norm() < 0.1 * exact.norm()

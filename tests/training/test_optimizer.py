"""`limner.training.optimizer`: the size and the direction of steps, who takes which, and their average."""

from __future__ import annotations

from itertools import chain

import pytest
import torch
from torch import Tensor, nn

from limner.network.denoiser import Denoiser, DenoiserConfig
from limner.network.image_tower import ImageTower, ImageTowerConfig
from limner.training.optimizer import Average, Muon, orthogonalize, split_parameters

SHAPES = [(24, 24), (40, 16), (16, 40)]


def random(*shape: int) -> Tensor:
    """Normal numbers, always the same."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def step(weight: Tensor, gradient: Tensor, **options: float) -> Tensor:
    """What one step of Muon adds to a weight."""
    parameter = nn.Parameter(weight.clone())
    parameter.grad = gradient
    Muon([parameter], **options).step()
    return parameter.detach() - weight


@pytest.mark.parametrize("shape", SHAPES)
def test_orthogonalizing_keeps_directions_and_evens_out_sizes(shape: tuple[int, int]) -> None:
    """The singular vectors stay, and every singular value comes near 1."""
    matrix = random(*shape)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    inside = left.T @ orthogonalize(matrix) @ right.T
    assert (inside.diagonal() > 0.6).all()
    assert (inside.diagonal() < 1.3).all()
    torch.testing.assert_close(inside, inside.diagonal().diag(), rtol=0, atol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_step_has_one_size_whatever_the_gradients(shape: tuple[int, int]) -> None:
    """Against the gradient, of singular values near the rate; tall matrices' by the root of their shape."""
    weight, gradient = torch.zeros(shape), random(*shape)
    small, large = (step(weight, gradient * size, lr=0.1) for size in (1e-2, 1e4))
    torch.testing.assert_close(small, large, rtol=1e-3, atol=1e-4)
    sizes = torch.linalg.svdvals(large) / max(1.0, shape[0] / shape[1]) ** 0.5
    assert 0.06 < sizes.min() <= sizes.max() < 0.13
    assert (large * gradient).sum() < 0


@pytest.mark.parametrize("shape", SHAPES)
def test_its_steps_are_torchs_muons(shape: tuple[int, int]) -> None:
    """Momentum, size and decay are those of torch's own Muon, which orthogonalizes in bf16."""
    mine, theirs = (nn.Parameter(random(*shape) / 10) for _ in range(2))
    ours = Muon([mine], lr=0.02, momentum=0.8, weight_decay=0.3)
    torchs = torch.optim.Muon([theirs], lr=0.02, momentum=0.8, weight_decay=0.3)
    for number in range(4):
        gradient = torch.randn(shape, generator=torch.Generator().manual_seed(number))
        mine.grad, theirs.grad = gradient.clone(), gradient.clone()
        ours.step()
        torchs.step()
    torch.testing.assert_close(mine, theirs, rtol=0, atol=2e-3)


def test_decay_shrinks_weights_by_its_share() -> None:
    """Besides the step, a weight loses lr * weight_decay of itself."""
    weight, gradient = random(8, 6), random(8, 6).flip(0)
    plain, decayed = (step(weight, gradient, lr=0.1, weight_decay=decay) for decay in (0.0, 0.5))
    torch.testing.assert_close(decayed - plain, -0.05 * weight)


def test_a_weight_without_gradient_stays() -> None:
    """What had no part in the loss is neither moved nor decayed."""
    parameter = nn.Parameter(random(4, 4))
    Muon([parameter], weight_decay=0.5).step()
    assert torch.equal(parameter, random(4, 4))


@pytest.mark.parametrize(
    "model",
    [
        Denoiser(DenoiserConfig(channels=4, grid=2, width=8, layers=2, heads=2, text_width=8, vector=4)),
        ImageTower(ImageTowerConfig(channels=4, tokens=4, width=8, heads=2, vector=4)),
    ],
    ids=["denoiser", "image tower"],
)
def test_each_parameter_has_one_optimizer(model: nn.Module) -> None:
    """Every parameter is in exactly one list: hidden layers' matrices in the first, all else in the second."""
    hidden, rest = split_parameters(model)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert sorted(id(parameter) for parameter in chain(hidden, rest)) == sorted(names)
    for parameter in hidden:
        assert parameter.ndim == 2
        assert names[id(parameter)].partition(".")[0] in {"layers", "blocks", "text_blocks"}
    left = {names[id(parameter)].rpartition(".")[2] for parameter in rest if parameter.ndim == 2}
    assert left <= {"weight", "places", "modulation"}
    assert {names[id(parameter)] for parameter in rest} >= {"places", "embed.weight"}


def test_the_average_follows() -> None:
    """It is a copy: the model's changes reach it only by `update`, a tenth of it stays at first, later more."""
    model = nn.Linear(3, 2)
    before = model.weight.detach().clone()
    average = Average(model, decay=0.9)
    with torch.no_grad():
        model.weight.add_(1)
    torch.testing.assert_close(average.weights["weight"], before)
    average.update(model, 0)
    torch.testing.assert_close(average.weights["weight"], before + 0.9)
    average.update(model, 10_000)
    torch.testing.assert_close(average.weights["weight"], before + 0.91)

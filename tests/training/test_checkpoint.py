"""`limner.training.checkpoint`: what was saved comes back, or an error says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from limner.errors import OutputError, TrainingError
from limner.training.checkpoint import load_checkpoint, load_optimizer, optimizer_tensors, save_checkpoint
from limner.training.optimizer import Muon

TENSORS = {"matrix": torch.arange(6.0).view(2, 3), "half": torch.ones(2).half(), "scalar": torch.tensor(7)}


def test_tensors_and_facts_come_back(tmp_path: Path) -> None:
    """Values, types and shapes are the same, also of a tensor that was a view; the facts are JSON's."""
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, TENSORS | {"view": TENSORS["matrix"].T}, {"step": 3, "config": {"rate": 0.1}})
    tensors, facts = load_checkpoint(path)
    assert facts == {"step": 3, "config": {"rate": 0.1}}
    for name, value in (TENSORS | {"view": TENSORS["matrix"].T}).items():
        torch.testing.assert_close(tensors[name], value, rtol=0, atol=0)


def test_replacing_the_file_leaves_what_was_read(tmp_path: Path) -> None:
    """A run that has resumed saves over the file that it came from, and no other file stays behind."""
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, TENSORS, {})
    tensors, _ = load_checkpoint(path)
    save_checkpoint(path, {"matrix": torch.zeros(2, 3)}, {})
    assert torch.equal(tensors["matrix"], TENSORS["matrix"])
    assert [file.name for file in tmp_path.iterdir()] == ["a.safetensors"]


def test_a_failed_save_is_told(tmp_path: Path) -> None:
    """Where the folder is gone, the error says so."""
    with pytest.raises(OutputError, match="folder does not exist"):
        save_checkpoint(tmp_path / "gone" / "a.safetensors", TENSORS, {})


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_an_error_that_says_what_to_do(tmp_path: Path, share: float) -> None:
    """Whatever part is missing, the file is named, and what can be done."""
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, TENSORS, {"step": 3})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(TrainingError, match=r"a\.safetensors is missing or damaged; start the run anew"):
        load_checkpoint(path)


def test_a_missing_file_is_such_an_error_too(tmp_path: Path) -> None:
    """The same message names it."""
    with pytest.raises(TrainingError, match="missing or damaged"):
        load_checkpoint(tmp_path / "none.safetensors")


def take_steps(optimizer: torch.optim.Optimizer, weight: nn.Parameter, steps: range) -> None:
    """Steps with gradients that their numbers determine."""
    for step in steps:
        weight.grad = torch.randn(3, 3, generator=torch.Generator().manual_seed(step))
        optimizer.step()


@pytest.mark.parametrize("kind", [Muon, torch.optim.AdamW])
def test_an_optimizer_goes_on_to_the_bit(tmp_path: Path, kind: type[Muon | torch.optim.AdamW]) -> None:
    """With its tensors put back, another one takes the very steps that it would have taken."""
    weight = nn.Parameter(torch.ones(3, 3))
    optimizer = kind([weight])
    take_steps(optimizer, weight, range(2))
    save_checkpoint(tmp_path / "a.safetensors", optimizer_tensors(optimizer, "it"), {})
    copy = nn.Parameter(weight.detach().clone())
    resumed = kind([copy])
    load_optimizer(resumed, load_checkpoint(tmp_path / "a.safetensors")[0], "it")
    take_steps(optimizer, weight, range(2, 4))
    take_steps(resumed, copy, range(2, 4))
    assert torch.equal(copy, weight)

"""`limner.training.graph`: one file of weights, read alike by torch's way and by OpenVINO's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file
from torch import Tensor, nn

from limner.network.weights import Stored, rounded, widened
from limner.training.graph import Graph, write_network


class Small(nn.Module):
    """A matrix large enough to be rounded, one that is not, and an input that is no float."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.norm, self.down = nn.Linear(48, 96), nn.LayerNorm(96), nn.Linear(96, 5)

    def forward(self, x_BNW: Tensor, mask_BN: Tensor) -> tuple[Tensor, Tensor]:
        """Two outputs: numbers, and their sum over what is not masked."""
        y: Tensor = self.down(nn.functional.gelu(self.norm(self.up(x_BNW))))
        return y, (y * mask_BN[..., None]).sum(1)


class Down(nn.Module):
    """Another way through the same network."""

    def __init__(self, small: Small) -> None:
        super().__init__()
        self.small = small

    def forward(self, x_BW: Tensor) -> Tensor:
        """The last layer alone."""
        y: Tensor = self.small.down(x_BW)
        return y


def inputs(batch: int) -> tuple[Tensor, Tensor]:
    """Normal numbers, and a mask."""
    return torch.randn(batch, 3, 48), torch.rand(batch, 3) > 0.4


def written(folder: Path, *, int8: bool) -> tuple[Small, Stored]:
    """A network as it is stored, and the files of its two graphs."""
    torch.manual_seed(0)
    small = Small().eval()
    stored = rounded(small, int8=("",) if int8 else ())
    small.load_state_dict(widened(stored))
    x, mask = inputs(2)
    graphs = [
        Graph(name="all", module=small, inputs={"x": x, "mask": mask}, outputs=("y", "sum")),
        Graph(name="down", module=Down(small), inputs={"x": torch.randn(2, 96)}, outputs=("y",)),
    ]
    assert write_network(folder, "small", stored, graphs) == ["small.safetensors", "all.xml", "down.xml"]
    return small, stored


def computed(folder: Path, graph: str, given: dict[str, Tensor]) -> dict[str, NDArray[np.float32]]:
    """What OpenVINO computes from the files."""
    core = ov.Core()
    model = core.read_model(folder / f"{graph}.xml", folder / "small.safetensors")
    compiled = core.compile_model(
        model, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0}
    )
    found = compiled({name: tensor.numpy() for name, tensor in given.items()})
    return {port.any_name: found[port] for port in compiled.outputs}


@pytest.mark.parametrize("int8", [False, True])
def test_the_graph_computes_what_torch_computes(tmp_path: Path, int8: bool) -> None:  # noqa: FBT001 (by name)
    """Whatever the batch and however weights are rounded, outputs agree to 1e-4, by their names."""
    small, _ = written(tmp_path, int8=int8)
    for batch in (1, 5):
        x, mask = inputs(batch)
        y, total = small(x, mask)
        found = computed(tmp_path, "all", {"x": x, "mask": mask})
        np.testing.assert_allclose(found["y"], y.detach().numpy(), rtol=0, atol=1e-4)
        np.testing.assert_allclose(found["sum"], total.detach().numpy(), rtol=0, atol=1e-4)


def test_two_graphs_share_the_file(tmp_path: Path) -> None:
    """Another way through the network finds its weights in the same file."""
    small, _ = written(tmp_path, int8=True)
    x = torch.randn(3, 96)
    found = computed(tmp_path, "down", {"x": x})
    np.testing.assert_allclose(found["y"], small.down(x).detach().numpy(), rtol=0, atol=1e-4)


def test_the_weights_are_a_plain_safetensors_file(tmp_path: Path) -> None:
    """Other programs read every array as it is stored; what only graphs need is called `graph.`."""
    _, stored = written(tmp_path, int8=True)
    arrays = load_file(tmp_path / "small.safetensors")
    assert {name for name in arrays if not name.startswith("graph.")} == set(stored)
    assert all(np.array_equal(arrays[name], array) for name, array in stored.items())
    assert arrays["up.weight"].dtype == np.int8


def test_numbers_are_aligned(tmp_path: Path) -> None:
    """Each array begins at a multiple of its numbers' size: files are mapped into memory, not copied."""
    written(tmp_path, int8=True)
    raw = (tmp_path / "small.safetensors").read_bytes()
    length = int.from_bytes(raw[:8], "little")
    sizes = {"F32": 4, "F16": 2, "I8": 1, "I64": 8, "I32": 4, "BOOL": 1, "U8": 1}
    assert (8 + length) % 64 == 0
    for name, entry in json.loads(raw[8 : 8 + length]).items():
        assert entry["data_offsets"][0] % sizes[entry["dtype"]] == 0, name

"""Text encoders as functions of tensors: whatever they are called with, and whatever object they answer with.

A pipeline calls its text encoders in its own way. What it calls them with is noted, so that the same call can be made
to a graph, and the answer is put together again as the encoder would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as tree

from limner.engines.compiled import Network

__all__ = ["Call", "answer_with", "heard", "text_encoders"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Call:
    """A call of a text encoder.

    Attributes:
        leaves: all arguments, whatever they were packed in.
        packing: how they were.
    """

    leaves: Sequence[Any]
    packing: tree.TreeSpec

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Those that are tensors, by the names of the graph's inputs."""
        return _named(self.leaves)

    def repeated(self, encoder: nn.Module, tensors: Sequence[Tensor]) -> Any:
        """The encoder's answer to the same call, with these tensors in the places of the others."""
        new = iter(tensors)
        leaves = [next(new) if isinstance(leaf, Tensor) else leaf for leaf in self.leaves]
        positional, named = tree.tree_unflatten(leaves, self.packing)
        return encoder(*positional, **named)


def text_encoders(pipe: Any) -> dict[str, Any]:
    """A pipeline's text encoders, by name."""
    return {
        name: part
        for name, part in pipe.components.items()
        if name.startswith("text_encoder") and isinstance(part, nn.Module)
    }


@contextmanager
def heard(encoders: Mapping[str, nn.Module]) -> Iterator[dict[str, list[Call]]]:
    """Note how each of these is called."""
    calls: dict[str, list[Call]] = {name: [] for name in encoders}
    hooks = [
        encoder.register_forward_pre_hook(_noting(calls[name]), with_kwargs=True)
        for name, encoder in encoders.items()
    ]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()


def _noting(calls: list[Call]) -> Callable[[nn.Module, Any, Any], None]:
    def note(_encoder: nn.Module, positional: Any, named: Any) -> None:
        leaves, packing = tree.tree_flatten((positional, named))
        calls.append(Call(leaves=leaves, packing=packing))

    return note


def _named(leaves: Sequence[Any]) -> dict[str, Tensor]:
    tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
    return {f"input_{at}": tensor for at, tensor in enumerate(tensors)}


def answer_with(encoder: nn.Module, network: Callable[[], Network], packing: str) -> None:
    """Let a graph answer in an encoder's place.

    Args:
        encoder: its own weights are not looked at any more.
        network: gives the graph.
        packing: how the answer's tensors are packed, as `torch.utils._pytree` writes it.
    """

    def forward(*positional: Any, **named: Any) -> Any:
        leaves, _ = tree.tree_flatten((positional, named))
        inputs = {name: tensor.numpy() for name, tensor in _named(leaves).items()}
        answer = [torch.from_numpy(array) for array in network().run(inputs)]
        return tree.tree_unflatten(answer, tree.treespec_loads(packing))

    encoder.forward = forward

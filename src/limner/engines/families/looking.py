"""Which token draws where: attention read off a network while it runs, without changing what it computes.

Axes in names: B batch, N places, T tokens, S heads, D width of a head, h and w the latent grid.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Attentions", "Layer", "Watch", "cross_attentions", "joint_attentions"]

Turn = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """One attention layer: its heads, and the modules that put out the places' queries and the tokens' keys."""

    heads: int
    query: nn.Module
    key: nn.Module


Attentions = Sequence[Layer]
"""The layers in which places look at tokens, in the order in which they run."""


def cross_attentions(network: nn.Module) -> Attentions:
    """Cross-attention, of UNets and of transformers that have it."""
    return [
        Layer(heads=module.heads, query=_last(module, "to_q", "norm_q"), key=_last(module, "to_k", "norm_k"))
        for name, module in network.named_modules()
        if name.endswith("attn2") and isinstance(module.to_k, nn.Module)
    ]


def joint_attentions(network: nn.Module) -> Attentions:
    """Attention among places and tokens together (MMDiT); what places see of places is left out."""
    return [
        Layer(
            heads=_last(module, "heads"),
            query=_last(module, "to_q", "norm_q"),
            key=_last(module, "add_k_proj", "norm_added_k"),
        )
        for module in network.modules()
        if isinstance(getattr(module, "add_k_proj", None), nn.Module)
    ]


def _last(module: Any, *names: str) -> Any:
    return [found for name in names if (found := getattr(module, name, None)) is not None][-1]


@dataclass(slots=True)
class Watch:
    """Adds up attention over layers on one grid, while the network runs inside `watching`.

    Attributes:
        latent_grid: (h, w) of x.
        mask_BT: which tokens stand.
        turn: what happens to queries (B, S, N, D) and keys (B, S, T, D) after the watched modules, such as a
            rotation by place; it is also told which tokens stand.
        total_BThw: the sum so far, on a grid of half of x.
        layers: how many have been added.
    """

    latent_grid: tuple[int, int]
    mask_BT: Tensor
    turn: Turn
    total_BThw: Tensor | None = None
    layers: int = 0
    _queries: dict[int, Tensor] = field(default_factory=dict)

    @contextmanager
    def watching(self, attentions: Attentions) -> Iterator[None]:
        """Look at each of these layers as it runs."""
        hooks = []
        for number, layer in enumerate(attentions):
            hooks.append(layer.query.register_forward_hook(self._note_query(number)))
            hooks.append(layer.key.register_forward_hook(self._note_key(number, layer)))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _note_query(self, number: int) -> Callable[[nn.Module, Any, Tensor], None]:
        def note(_module: nn.Module, _inputs: Any, query: Tensor) -> None:
            self._queries[number] = query

        return note

    def _note_key(self, number: int, layer: Layer) -> Callable[[nn.Module, Any, Tensor], None]:
        def note(_module: nn.Module, _inputs: Any, key: Tensor) -> None:
            query_BSND, key_BSTD = (
                _by_head(self._queries.pop(number), layer.heads),
                _by_head(key, layer.heads),
            )
            self._add(*self.turn(query_BSND, key_BSTD, self.mask_BT))

        return note

    def _add(self, query_BSND: Tensor, key_BSTD: Tensor) -> None:
        unread = self.mask_BT.shape[1] - key_BSTD.shape[2]
        key_BSTD = functional.pad(key_BSTD, (0, 0, 0, unread))
        scores_BSNT = query_BSND.float() @ key_BSTD.float().mT / math.sqrt(query_BSND.shape[-1])
        # Where no token stands at all a softmax would be 0 / 0: the smallest number makes it even.
        hidden_BSNT = scores_BSNT.masked_fill(~self.mask_BT[:, None, None], torch.finfo(torch.float32).min)
        map_BTN = hidden_BSNT.softmax(-1).mean(1).mT
        height, width = self.latent_grid
        shrunk = math.sqrt(height * width / map_BTN.shape[-1])
        map_BThw = map_BTN.unflatten(-1, (round(height / shrunk), -1))
        grid = (max(1, height // 2), max(1, width // 2))
        evened_BThw = functional.interpolate(map_BThw, size=grid, mode="area")
        self.total_BThw = evened_BThw if self.total_BThw is None else self.total_BThw + evened_BThw
        self.layers += 1


def _by_head(values: Tensor, heads: int) -> Tensor:
    """(B, N, S D), (B, N, S, D) or (B, S, N, D) -> (B, S, N, D)."""
    if values.ndim == 3:
        values = values.unflatten(-1, (heads, -1))
    elif values.shape[1] == heads and values.shape[2] != heads:
        return values
    return values.transpose(1, 2)

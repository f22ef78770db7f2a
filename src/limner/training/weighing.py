"""How probable are a caption's facts, given what the judge sees in a picture?

Facts are taken to be independent given the picture, so that a caption's log-probability is the sum of its facts'; by
Bayes' rule with equal odds before, its softmax over ten captions is the probability of each. What a caption leaves
unsaid is the same in all ten, and cancels out.

Axes in names: B pictures, K captions of each, F facts, h, w cells of the grid.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from limner.network.judge import Sight
from limner.training.scenes.cells import feet
from limner.training.scenes.facts import Facts
from limner.training.scenes.wording import RELATIONS

__all__ = ["weigh"]

_DOUBT = 0.01
"""How probable a fact is at least: no single one decides all."""

# Of two things' distances in cells: where in the list of them 0 stands; the largest between neighbours, who may
# both be four cells wide; the largest of a thing in another's box.
_SAME, _NEAR, _WITHIN = 7, 4, 2


def weigh(sight: Sight, facts_BKF: Tensor) -> Tensor:
    """(B, K) log-probabilities of captions with these facts (see `Facts`)."""
    unsaid = len(Facts._fields) - facts_BKF.shape[-1]  # older facts told no sizes
    facts = Facts(*nn.functional.pad(facts_BKF, (0, unsaid)).unbind(-1))
    places_BK = sight.places_BK.softmax(-1).gather(1, facts.place)
    conditions_BK = sight.conditions_BK.softmax(-1).gather(1, facts.condition)
    first, second = _Seen(sight, facts.thing), _Seen(sight, facts.other)
    beside_BK = facts.other > 0
    said = [
        places_BK,
        conditions_BK,
        first.counted(facts.number),
        first.painted(facts.paint),
        second.counted(facts.others).where(beside_BK, 1.0),
        second.painted(facts.other_paint).where(beside_BK, 1.0),
        _related(first.feet_BKhw, second.feet_BKhw, facts.relation),
        first.sized(facts.size).where(facts.size > 0, 1.0),
        second.sized(facts.other_size).where(facts.other_size > 0, 1.0),
    ]
    return torch.stack([_doubted(share_BK).log() for share_BK in said]).sum(0)


class _Seen:
    """What is seen of the things that captions name."""

    def __init__(self, sight: Sight, thing_BK: Tensor) -> None:
        batch, cells, _ = sight.things_BNK.shape
        side = round(cells**0.5)
        of_thing_BNK = thing_BK[:, None].expand(batch, cells, -1)
        self.cells_BKN = sight.things_BNK.softmax(-1).gather(2, of_thing_BNK).transpose(1, 2)
        self._feet_BNS = sight.parts_BNK.softmax(-1)[..., feet()]
        foot_BN = self._feet_BNS.sum(-1)
        self.feet_BKhw = (self.cells_BKN * foot_BN[:, None]).unflatten(-1, (side, side))
        self._paints_BNK = sight.paints_BNK.softmax(-1)

    def counted(self, count_BK: Tensor) -> Tensor:
        """(B, K) that there are so many: things of a kind stand side by side, at most one foot in a column."""
        columns_BKw = 1 - (1 - self.feet_BKhw).prod(-2)
        return _exactly(columns_BKw, count_BK)

    def painted(self, paint_BK: Tensor) -> Tensor:
        """(B, K) that they are painted so: the mean over the cells in which they are seen."""
        shares_BKN = self.cells_BKN / self.cells_BKN.sum(-1, keepdim=True).clamp(min=1e-6)
        paints_BKC = shares_BKN @ self._paints_BNK
        return paints_BKC.gather(2, paint_BK[..., None]).squeeze(-1)

    def sized(self, size_BK: Tensor) -> Tensor:
        """(B, K) that they are big, 1, or small, 2: of the largest box that there is, or of the smallest."""
        seen_BKS = self.cells_BKN @ self._feet_BNS
        shares_BKS = seen_BKS / seen_BKS.sum(-1, keepdim=True).clamp(min=1e-6)
        return shares_BKS[..., -1].where(size_BK == 1, shares_BKS[..., 0])


def _exactly(shares_BKw: Tensor, count_BK: Tensor) -> Tensor:
    """(B, K) that exactly so many of independent events happen (the Poisson binomial distribution)."""
    width = shares_BKw.shape[-1]
    ways = torch.zeros(*count_BK.shape, width + 1)
    ways[..., 0] = 1
    for share_BK in shares_BKw.unbind(-1):
        share = share_BK[..., None]
        ways = ways * (1 - share) + share * torch.cat([torch.zeros_like(ways[..., :1]), ways[..., :-1]], -1)
    return ways.gather(-1, count_BK[..., None]).squeeze(-1)


def _related(first_BKhw: Tensor, second_BKhw: Tensor, relation_BK: Tensor) -> Tensor:
    """(B, K) that the first thing stands so to the second: by where their feet are; 1 if that says nothing."""
    columns, rows = (_distances(first_BKhw.sum(axis), second_BKhw.sum(axis)) for axis in (-2, -1))
    left, right = columns[..., _SAME + 1 :].sum(-1), columns[..., :_SAME].sum(-1)
    over, lower = rows[..., _SAME + 1 :].sum(-1), rows[..., :_SAME].sum(-1)
    near = columns[..., _SAME - _NEAR : _SAME + _NEAR + 1].sum(-1)
    shares = {
        "left of": left,
        "right of": right,
        "above": over,
        "below": lower,
        "behind": over,
        "in front of": lower,
        "near": near,
        "far from": 1 - near,
        "between": 4 * left * right,
        "under": columns[..., _SAME - _WITHIN : _SAME].sum(-1),
        "holding": columns[..., _SAME + 1 : _SAME + 1 + _WITHIN].sum(-1),
        "riding": over,
        "carrying": lower,
        "running from": left,
        "chasing": right,  # all who run look to the left
    }
    related_BK = torch.ones(relation_BK.shape)
    for name, share_BK in shares.items():
        related_BK = share_BK.where(relation_BK == RELATIONS.index(name) + 1, related_BK)
    return related_BK


def _distances(first_BKn: Tensor, second_BKn: Tensor) -> Tensor:
    """(B, K, 2n - 1): how probably the second is so many cells after the first along an axis, from 1 - n to n - 1."""
    weights_BKnn = first_BKn[..., :, None] * second_BKn[..., None, :]
    weights_BKnn = weights_BKnn / weights_BKnn.sum((-1, -2), keepdim=True).clamp(min=1e-6)
    cells = first_BKn.shape[-1]
    after = [weights_BKnn.diagonal(distance, -2, -1).sum(-1) for distance in range(1 - cells, cells)]
    return torch.stack(after, -1)


def _doubted(share_BK: Tensor) -> Tensor:
    return _DOUBT + (1 - _DOUBT) * share_BK

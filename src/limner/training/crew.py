"""The processes that train together: one, or as many as `torchrun` or `accelerate launch` have started.

They are told apart by the variables that every launcher of torch sets (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and
MASTER_PORT). Each computes with a device of its own; what is written is written by the first.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from limner.errors import TrainingError
from limner.training.device import training_device

__all__ = ["Crew", "joined_crew"]

# Preparing scenes takes hours; a process that dies meanwhile is noticed by the launcher, which ends the others.
_PATIENCE = timedelta(days=30)


class Crew:
    """One process, which waits for nobody; see `joined_crew` for several.

    Attributes:
        rank: which one this is, from 0.
        size: how many there are.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes files and speaks."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """Which of `count` pictures are this process's own.

        Raises:
            TrainingError: they cannot be shared evenly, and then no average of averages would be that of all.
        """
        if count % self.size:
            raise TrainingError(
                f"a batch of {count} cannot be shared evenly by {self.size} processes: start as many as divide it"
            )
        mine = count // self.size
        return slice(self.rank * mine, (self.rank + 1) * mine)

    def together(self, module: nn.Module) -> nn.Module:
        """The module, whose gradients will be those of all shares together."""
        return module

    def mean(self, values: Sequence[float]) -> list[float]:
        """The values' means over all processes, the same in each."""
        return list(values)

    def wait(self) -> None:
        """Until all are here."""

    def any(self, mine: bool) -> bool:  # noqa: FBT001  (it stands alone)
        """Whether any process says so; all hear the same."""
        return self.mean([float(mine)]) != [0.0]

    @contextmanager
    def first_goes_ahead(self) -> Iterator[None]:
        """The first process is through with the block before the others begin it: they find what it has made."""
        if not self.is_first:
            self.wait()
        yield
        if self.is_first:
            self.wait()


class _Several(Crew):
    """One of several processes that torch.distributed connects."""

    def __init__(self) -> None:
        super().__init__(distributed.get_rank(), distributed.get_world_size())
        # Numbers that are on the CPU stay there, and whoever waits must not be taken for dead.
        self._talk = distributed.new_group(backend="gloo", timeout=_PATIENCE)

    def together(self, module: nn.Module) -> nn.Module:
        # Each process has the same buffers from the beginning, and none of them changes.
        return DistributedDataParallel(module, broadcast_buffers=False)

    def mean(self, values: Sequence[float]) -> list[float]:
        sums = torch.tensor(values, dtype=torch.float64)
        distributed.all_reduce(sums, group=self._talk)
        return (sums / self.size).tolist()

    def wait(self) -> None:
        distributed.barrier(self._talk)


@contextmanager
def joined_crew() -> Iterator[Crew]:
    """The processes that a launcher has started, this one among them; without a launcher, this one alone.

    Raises:
        TrainingError: they do not find each other.
    """
    if os.environ.get("WORLD_SIZE", "1") == "1":
        yield Crew()
        return
    device = training_device()
    try:
        if device.type == "cuda":
            torch.cuda.set_device(device)
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        crew = _Several()
    except (ValueError, RuntimeError) as error:
        raise TrainingError(
            f"the processes that are to train together do not find each other ({error}): start them by torchrun"
        ) from error
    try:
        yield crew
    finally:
        distributed.destroy_process_group()

"""How many replicas there are, and what each takes of its machine."""

from __future__ import annotations

import os
from dataclasses import dataclass

from limner.errors import InvalidRequestError
from limner.settings import Settings

__all__ = ["Plan"]

# Beside what is drawn and what waits: links, lists, health and whoever is told to come back later.
_ASIDE = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What Ray is to provide.

    Attributes:
        replicas: how many there are, or at least.
        most: how many there are at most, when there is more to do; 0 for no more than `replicas`.
        target: requests in a replica, waiting ones included, beyond which there should be another.
        cpus: processor cores that each takes.
        gpus: GPUs that each takes; a share of one where several replicas fit it.

    Raises:
        InvalidRequestError: a number cannot be; `param` names it.
    """

    replicas: int = 1
    most: int = 0
    target: int = 4
    cpus: int = 1
    gpus: float = 0.0

    def __post_init__(self) -> None:
        for name in ("replicas", "target", "cpus"):
            if getattr(self, name) < 1:
                raise InvalidRequestError(f"{name} must be at least 1: correct it", param=name)
        if self.most and self.most < self.replicas:
            raise InvalidRequestError(
                f"most must be at least replicas, which is {self.replicas}: correct one of them", param="most"
            )
        if self.gpus < 0:
            raise InvalidRequestError("gpus must be at least 0: correct it", param="gpus")

    @property
    def scales(self) -> bool:
        """Whether the number of replicas follows what there is to do."""
        return self.most > self.replicas

    def check_here(self) -> None:
        """See that this machine has the cores; Ray would wait for others for ever.

        Raises:
            InvalidRequestError: it has not.
        """
        needed, there = max(self.replicas, self.most) * self.cpus, os.cpu_count() or 1
        if needed > there:
            raise InvalidRequestError(
                f"{needed} cores are needed for all replicas, and this machine has {there}: ask for fewer "
                "replicas or cores, or name a cluster with --address",
                param="replicas",
            )

    def settings_of(self, settings: Settings) -> Settings:
        """The settings of one replica: as many threads as cores, unless the operator says otherwise."""
        return settings.model_copy(update={"threads": settings.threads or self.cpus})

    def admitted(self, settings: Settings) -> int:
        """Requests that may be in a replica at a time: so many that its own queue says when it is full."""
        return settings.queue_size + settings.batch_max + _ASIDE

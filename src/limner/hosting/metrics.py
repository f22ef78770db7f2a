"""Loads and unloads, in Prometheus' terms."""

from __future__ import annotations

from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge

__all__ = ["ShelfMetrics"]


class ShelfMetrics:
    """Counters and a gauge of the models of one process.

    Args:
        registry: where they are listed.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._loads = Counter(
            "limner_model_loads", "Models loaded, by how it ended", ["model", "outcome"], registry=registry
        )
        self._unloads = Counter(
            "limner_model_unloads", "Models unloaded, by why", ["model", "reason"], registry=registry
        )
        self._bytes = Gauge(
            "limner_model_bytes",
            "Estimated bytes of a model, 0 if it is not loaded",
            ["model"],
            registry=registry,
        )

    def loaded(self, model: str, size: int) -> None:
        """A model is there, and takes so many bytes."""
        self._loads.labels(model=model, outcome="loaded").inc()
        self._bytes.labels(model=model).set(size)

    def failed(self, model: str) -> None:
        """A model could not be loaded."""
        self._loads.labels(model=model, outcome="failed").inc()

    def unloaded(self, model: str, reason: Literal["room", "idle"]) -> None:
        """A model left: another one needed its room, or nobody used it."""
        self._unloads.labels(model=model, reason=reason).inc()
        self._bytes.labels(model=model).set(0)

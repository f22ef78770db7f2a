"""Which loop draws with an engine."""

from __future__ import annotations

from limner.batching.base import Loop
from limner.batching.loop import DeviceLoop, LoopConfig
from limner.batching.metrics import Metrics
from limner.batching.plain import PlainLoop
from limner.pipeline import Pipeline

__all__ = ["loop_for"]


def loop_for(pipeline: Pipeline, config: LoopConfig, metrics: Metrics | None = None) -> Loop:
    """The loop for a pipeline's engine: who can only draw whole pictures draws one after the other."""
    kind = DeviceLoop if pipeline.engine.capabilities.stepwise else PlainLoop
    return kind(pipeline, config, metrics=metrics)

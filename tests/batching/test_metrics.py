"""What an operator can watch."""

from __future__ import annotations

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

from limner.batching.loop import DeviceLoop, LoopConfig
from limner.batching.metrics import Metrics
from limner.pipeline import Pipeline
from tests.batching.helpers import TestEngine, ask, run_dry


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """A sample's value."""
    return metrics.registry.get_sample_value(name, labels)


def test_a_crowd_is_counted() -> None:
    """Requests by outcome, pictures, pixels and every step of every picture."""
    metrics = Metrics()
    loop = DeviceLoop(Pipeline(TestEngine()), metrics=metrics)
    ask(loop, "a boat", steps=3, n=2)
    ask(loop, "a boat", steps=5)
    ask(loop, "poison")
    ask(loop, "a cat")[0].cancel()
    run_dry(loop)
    assert value(metrics, "limner_requests_total", outcome="finished") == 2
    assert value(metrics, "limner_requests_total", outcome="failed") == 1
    assert value(metrics, "limner_requests_total", outcome="cancelled") == 1
    assert value(metrics, "limner_pictures_total") == 3
    assert value(metrics, "limner_pixels_total") == 3 * 8 * 8
    assert value(metrics, "limner_denoise_steps_total") == 2 * 3 + 5
    assert value(metrics, "limner_text_cache_requests_total", result="hit") == 1
    assert value(metrics, "limner_text_cache_requests_total", result="miss") == 2


def test_load_goes_up_and_down() -> None:
    """Gauges follow the queue and those that run, and are at zero in the end."""
    metrics = Metrics()
    loop = DeviceLoop(Pipeline(TestEngine()), LoopConfig(batch_max=1), metrics=metrics)
    for _ in range(3):
        ask(loop)
    loop.tick()
    assert (value(metrics, "limner_queue_depth"), value(metrics, "limner_running_requests")) == (2, 1)
    run_dry(loop)
    assert (value(metrics, "limner_queue_depth"), value(metrics, "limner_running_requests")) == (0, 0)
    assert value(metrics, "limner_queue_wait_seconds_count") == 3


def test_the_load_of_several_loops_adds_up() -> None:
    """Each tells of its own requests only, and takes away no more than it told of."""
    metrics = Metrics()
    loops = [DeviceLoop(Pipeline(TestEngine()), metrics=metrics) for _ in range(2)]
    for loop in loops:
        ask(loop)
    assert value(metrics, "limner_queue_depth") == 2
    run_dry(loops[0])
    assert value(metrics, "limner_queue_depth") == 1
    run_dry(loops[1])
    assert value(metrics, "limner_queue_depth") == 0


def test_steps_and_stages_are_timed() -> None:
    """Seconds of a step by shape, pictures in a batch, and seconds of the three stages."""
    metrics = Metrics()
    loop = DeviceLoop(Pipeline(TestEngine()), metrics=metrics)
    ask(loop, steps=4)
    run_dry(loop)
    assert value(metrics, "limner_step_seconds_count", shape="3x8x8") == 4
    assert value(metrics, "limner_batch_pictures_sum") == 4
    for stage in ("text_encoding", "image_generation", "image_decoding"):
        assert value(metrics, "limner_stage_seconds_count", stage=stage) == 1


def test_everything_has_our_prefix_and_nothing_is_global() -> None:
    """All names begin with limner_, and the process-wide registry knows none of them."""
    metrics = Metrics()
    families = list(metrics.registry.collect())
    assert families
    assert all(family.name.startswith("limner_") for family in families)
    assert b"limner_" not in generate_latest(REGISTRY)


def test_a_registry_can_be_shared() -> None:
    """Whoever serves metrics of its own lists these beside them."""
    registry = CollectorRegistry()
    assert Metrics(registry).registry is registry
    assert b"limner_denoise_steps_total 0.0" in generate_latest(registry)

"""Replicas under Ray that take as long as real ones and compute nothing, on as many cores as are asked for.

`python -m bench.replicas STEP PORT` does what the lines on its stdin say, and answers each with a line on its stdout:
`deploy N` puts so many replicas there, and is answered with their address; `kill` kills one without a word, and is
answered with the seconds until there are as many as before.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from limner.cluster import application
from limner.cluster.deployment import ENVIRON, deployed
from limner.cluster.plan import Plan
from limner.cluster.replica import builder
from limner.engines.fake import FakeEngine
from limner.settings import Settings

__all__ = ["main", "slow_down"]

_CORES = 16
_PAUSE = 0.05


def main() -> None:
    """Do what the lines say, until there are no more."""
    step, port = float(sys.argv[1]), int(sys.argv[2])
    os.environ.update(ENVIRON)
    from ray.cluster_utils import Cluster

    application.builder = partial(_slow_builder, step)  # type: ignore[attr-defined]
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": _CORES, "include_dashboard": False})
    try:
        for line in sys.stdin:
            print(f"done {_done(line.split(), cluster.address, port)}", flush=True)
    finally:
        cluster.shutdown()


def _done(words: list[str], address: str, port: int) -> str:
    if words[0] == "kill":
        return f"{_killed(address):.3f}"
    settings = Settings(engine="fake", queue_size=256, port=port)
    with deployed(settings, Plan(replicas=int(words[1])), closed=False, address=address):
        return f"127.0.0.1:{port}"


def _slow_builder(step: float, settings: Settings, *, closed: bool) -> Callable[[], Any]:
    build = builder(settings, closed=closed)

    # Ray Serve takes a plain function and nothing else that can be called.
    def slow() -> Any:
        slow_down(step)
        return build()

    return slow


def slow_down(step: float) -> None:
    """From now on each step of the fake engine takes so long for each picture in it."""
    denoise = FakeEngine.denoise

    def slow(self: FakeEngine, x_BChw: Any, *rest: Any) -> Any:
        time.sleep(step * len(x_BChw))
        return denoise(self, x_BChw, *rest)

    FakeEngine.denoise = slow  # type: ignore[assignment,method-assign]


def _killed(address: str) -> float:
    """Kill a replica; seconds until as many as before are ready, as Ray Serve has it."""
    import ray
    from ray.serve.context import _get_global_client

    ray.init(address=address, namespace=application.NAME, log_to_driver=False)
    serve = _get_global_client()
    before = _running(serve.get_serve_details())
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    start = time.perf_counter()
    while len(_running(serve.get_serve_details()) - {victim}) < len(before):
        time.sleep(_PAUSE)
    seconds = time.perf_counter() - start
    ray.shutdown()
    return seconds


def _running(told: dict[str, Any]) -> set[int]:
    """The processes of the replicas that answer."""
    [deployment] = told["applications"][application.NAME]["deployments"].values()
    return {each["pid"] for each in deployment["replicas"] if each["state"] == "RUNNING"}


if __name__ == "__main__":
    main()

"""A crowd at the door: limner's loop, its plain loop and other people's servers under the same load, in one run.

Run with `python -m bench.serving`; `--short` only shows that it works. Each server is a process of its own on
loopback, and only one of them has work at a time. Under load requests come as a Poisson process, an open loop: they
come however slow the server is. Rates are shares of what limner draws with eight requests in flight. At each rate
all servers meet the same moments, one server after another, so that a noisy machine is noisy for all. Every request
is for one picture of 256x256 in the model's own number of steps, and every prompt is new.

The peers are the real libraries behind the usual server, `bench.peers.server`; what is not installed is left out by
name, and `pip install --group bench` installs it.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.load import arrivals, percentile, summary
from bench.peers.server import PEERS, missing
from bench.results import Measure
from bench.running import Measured, run
from bench.servers import (
    LIMNER,
    Server,
    ask,
    begun,
    crowd,
    health_seconds,
    in_flight,
    order,
    starting,
    threaded,
    wait,
)
from limner.engines.stepping import step_together
from limner.loading import load
from limner.pipeline import Pipeline
from limner.server.app import create_app
from limner.server.services import Services, start_services
from limner.settings import Settings
from limner.types import ImageRequest, Pixels

__all__ = ["goodput_ratios", "main", "rates_table"]

RATES = (0.3, 0.6, 0.9, 1.2)
"""Of the measured capacity."""

_DEADLINE = 5
"""Times that one picture takes alone: after that it is of no use any more."""

_CLIENTS = 8
_PLAIN = (
    "import limner.server.services as services; from limner.batching.plain import PlainLoop; "
    f"services.DeviceLoop = PlainLoop; {LIMNER}"
)
"""`limner serve` with the plain loop in the place of the other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """How long each part takes.

    Attributes:
        rounds: of what is measured one by one.
        leavers: clients that leave.
        seconds: of each rate for each server, and of each closed loop.
    """

    rounds: int
    leavers: int
    seconds: float


_LONG = _Plan(rounds=20, leavers=100, seconds=12)
_SHORT = _Plan(rounds=3, leavers=5, seconds=2)


def main() -> None:
    """Measure, print, and write the result."""
    parser = argparse.ArgumentParser(prog="python -m bench.serving", description="A crowd at the door.")
    parser.add_argument("--engine", default="openvino", help="who draws")
    run(parser, lambda options: _measured(options.engine, _SHORT if options.short else _LONG), rates_table)


def rates_table(numbers: dict[str, Any]) -> list[tuple[str, str]]:
    """A row for each server at each rate."""
    return [(f"{row['rate']:g} of capacity: {row['server']}", _fared(row)) for row in numbers["rates"]]


def _fared(row: dict[str, Any]) -> str:
    waits = "  ".join(f"{name} {_seconds(row[name])}" for name in ("p50", "p95", "p99"))
    goodput = f"goodput {row['goodput']:5.2f}/s of {row['asked_per_second']:5.2f}/s"
    return f"{waits}  {goodput}, refused {row['refused']}"


def _seconds(value: float | None) -> str:
    return "      -" if value is None else f"{value:6.2f}s"


def _measured(engine: str, plan: _Plan) -> Measured:
    left_out = {name: missing(name) for name in PEERS if missing(name)}
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place)
        pipeline = load(engine=engine, cache_dir=folder)
        # Compiled once, and kept for the servers.
        pipeline.generate("a boat", steps=1)
        servers = {
            name: stack.enter_context(starting(folder / name, *command))
            for name, command in _commands(engine, left_out).items()
        }
        steps = pipeline.engine.capabilities.default_steps
        for name, server in servers.items():
            _say(f"waiting for {name}")
            _asked(server, order("a boat", 1, steps=steps))
        alone, measures = _one_by_one(pipeline, servers["limner"], plan)
        capacity, throughput = _throughput(pipeline, servers["limner"], plan)
        measures = [throughput, *measures, _disconnects(pipeline, folder / "here", plan)]
        measures += [_health(servers["limner"], plan), _difference(pipeline)]
        rates = _under_load(servers, capacity, _DEADLINE * alone, steps, plan)
        return {
            "left_out": left_out,
            "networks": _networks(servers),
            "steps": steps,
            "alone_seconds": round(alone, 4),
            "deadline_seconds": round(_DEADLINE * alone, 3),
            "capacity_per_second": round(capacity, 3),
            "seconds_per_rate": plan.seconds,
            "rates": rates,
            "goodput_ratios": goodput_ratios(rates),
        }, measures


def _commands(engine: str, left_out: Collection[str]) -> dict[str, tuple[str, ...]]:
    """What Python runs for each server, and with which arguments."""
    serve = ("serve", "--engine", engine)
    peers = {
        name: (f"from bench.peers.server import serve; serve({name!r})",)
        for name in PEERS
        if name not in left_out
    }
    return {"limner": (LIMNER, *serve), "limner, plain loop": (_PLAIN, *serve), **peers}


def _say(what: str) -> None:
    print(f"... {what}", flush=True)


def _networks(servers: dict[str, Server]) -> dict[str, Any]:
    """How large the denoisers are, where there are peers to compare with."""
    peers = {name: server.get("/about") for name, server in servers.items() if name in PEERS}
    if not peers:
        return {}
    from bench.peers.networks import own_size

    return {"limner": asdict(own_size())} | peers


def _one_by_one(pipeline: Pipeline, server: Server, plan: _Plan) -> tuple[float, list[Measure]]:
    """Seconds of a picture from the library, and what is measured while nobody else asks, or little."""
    _say("one request at a time")
    mine, theirs = [], []
    for seed in range(plan.rounds + 1):
        mine.append(_timed(partial(_library, pipeline, seed)))
        theirs.append(_timed(partial(_asked, server, order(f"{seed} dogs in a park", seed))))
    library, served = statistics.median(mine[1:]), statistics.median(theirs[1:])
    rounds = max(3, plan.rounds // 4)
    short = order("a boat", 1, steps=4)
    alone = statistics.median(_timed(lambda: _asked(server, short)) for _ in range(rounds))
    behind = statistics.median(_behind_eight(server, short) for _ in range(rounds))
    return library, [
        Measure(
            what="latency at low load over the library's, p50",
            value=served / library,
            unit="times",
            goal=1.05,
        ),
        Measure(
            what="a 4-step request behind eight of 25 over its time alone, p50",
            value=behind / alone,
            unit="times",
            goal=2,
        ),
    ]


def _library(pipeline: Pipeline, seed: int) -> None:
    [picture] = pipeline.generate(f"{seed} dogs in a park", seed=seed)
    picture.to_bytes("png")


def _asked(server: Server, fields: dict[str, Any]) -> None:
    status, body = ask(server.address, fields)
    if status != 200:
        raise RuntimeError(f"the server answers {status}: {body[:200]!r}")


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _behind_eight(server: Server, fields: dict[str, Any]) -> float:
    """Seconds of a request that comes when eight others have begun; then they leave."""
    eight = [begun(server.address, order(f"{seed} horses", seed, steps=25)) for seed in range(8)]
    wait(lambda: server.get("/queue")["running"] > 0)
    time.sleep(0.05)
    seconds = _timed(lambda: _asked(server, fields))
    for connection in eight:
        connection.close()
    wait(lambda: not server.get("/queue")["running"])
    return seconds


def _throughput(pipeline: Pipeline, server: Server, plan: _Plan) -> tuple[float, Measure]:
    """Pictures a second with eight requests in flight, and with one and in the engine's own batches, in turn."""
    _say("eight in flight")
    rates: dict[int, list[float]] = {1: [], _CLIENTS: []}
    own: dict[int, list[float]] = {1: [], 2: [], 4: [], 8: []}
    for turn in range(3):
        for clients, found in rates.items():
            prompts = partial(_new, f"pigs of {clients} in turn {turn}", None)
            found.append(in_flight(server.address, clients, plan.seconds / 3, prompts)[0])
        for n, found in own.items():
            found.append(n / _timed(partial(pipeline.generate, "a pig", n=n, seed=1)))
    one, eight = (statistics.median(found) for found in rates.values())
    single, *batches = (statistics.median(found) for found in own.values())
    best = max(single, *batches) / single
    return eight, Measure(
        what="throughput at 8 in flight over one at a time",
        value=eight / one,
        unit="times",
        goal=min(1.3, 0.95 * best),
        at_least=True,
        note=f"the engine's own best batch gives {best:.2f} times",
    )


def _disconnects(pipeline: Pipeline, folder: Path, plan: _Plan) -> Measure:
    """How many steps are made of a picture after its client has left, by the server's own counter."""
    _say("clients that leave")
    steps = []
    with _serving(pipeline, folder) as (address, services):

        def made() -> float:
            return services.registry.get_sample_value("limner_denoise_steps_total") or 0.0

        for seed in range(plan.leavers):
            before = made()
            connection = begun(address, order("a sheep", seed, steps=200))
            # Each leaves at another moment of a step.
            wait(partial(_above, made, before + 1), pause=0.001)
            time.sleep(0.0015 * (seed % 10))
            at = made()
            connection.close()
            wait(lambda: not services.loop.load().running)
            time.sleep(0.02)
            steps.append(made() - at)
    return Measure(
        what="steps counted after a disconnect, p99",
        value=percentile(steps, 0.99),
        unit="steps",
        goal=1,
        note=f"the one under way included; {np.mean(steps):.2f} on average of {len(steps)}",
    )


def _above(number: Callable[[], float], bound: float) -> bool:
    return number() > bound


@contextmanager
def _serving(pipeline: Pipeline, folder: Path) -> Iterator[tuple[str, Services]]:
    """A server in threads of this process, whose counter can be read at any moment: its address and services."""
    settings = Settings(data_dir=folder)
    services = start_services(settings, pipeline)
    application = create_app(settings, services=services)
    with threaded(application) as server:
        yield f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", services


def _health(server: Server, plan: _Plan) -> Measure:
    seconds = health_seconds(server.address, _CLIENTS, plan.seconds)
    return Measure(
        what="/healthz with 8 in flight, p99",
        value=1e3 * percentile(seconds, 0.99),
        unit="ms",
        goal=20,
        note=f"of {len(seconds)}, p50 {1e3 * percentile(seconds, 0.5):.1f} ms",
    )


def _difference(pipeline: Pipeline) -> Measure:
    """The largest difference of a pixel, of 255, between a picture alone and in batches of 2 to 8 unlike others."""
    requests = [
        ImageRequest(prompt=f"{n} birds", seed=n, steps=4 + n % 3, guidance=(1.0, 3.0, 7.5)[n % 3])
        for n in range(8)
    ]
    alone = [_together(pipeline, [request])[0] for request in requests]
    largest = 0
    for size in range(2, 9):
        for pixels_HWC, lonely_HWC in zip(_together(pipeline, requests[:size]), alone, strict=False):
            largest = max(largest, int(np.abs(pixels_HWC.astype(int) - lonely_HWC).max()))
    return Measure(what="same seed, alone against any batch: largest pixel difference", value=largest, goal=0)


def _together(pipeline: Pipeline, requests: list[ImageRequest]) -> list[Pixels]:
    """These requests' pictures, each step of all in one call of the engine."""
    renderings = [pipeline.start(request, pipeline.encode_text(request))[0] for request in requests]
    while left := [rendering for rendering in renderings if not rendering.done]:
        step_together(pipeline.engine, left)
    return [pipeline.engine.decode(rendering.x_Chw[None])[0] for rendering in renderings]


def _new(things: str, steps: int | None, number: int) -> dict[str, Any]:
    """An order with a prompt of its own."""
    return order(f"{number} {things}", number, **({} if steps is None else {"steps": steps}))


def _under_load(
    servers: dict[str, Server], capacity: float, deadline: float, steps: int, plan: _Plan
) -> list[dict[str, Any]]:
    """How each server fares at each rate."""
    rows = []
    for rate in RATES:
        moments = arrivals(rate * capacity, plan.seconds, seed=7)
        for name, server in servers.items():
            _say(f"{rate:g} of capacity: {name}")
            outcomes = crowd(server.address, moments, partial(_new, f"trees at {rate:g}", steps))
            asked = {"asked_per_second": round(len(moments) / plan.seconds, 3)}
            rows.append({"rate": rate, "server": name} | summary(outcomes, plan.seconds, deadline) | asked)
    return rows


def goodput_ratios(rates: list[dict[str, Any]]) -> dict[str, dict[str, float | None]]:
    """How often limner's goodput holds another server's, by server and rate; None where the other's is nothing."""
    goodput = {(row["server"], row["rate"]): row["goodput"] for row in rates}
    ratios: dict[str, dict[str, float | None]] = {}
    for (name, rate), theirs in goodput.items():
        if name != "limner":
            ratio = round(goodput["limner", rate] / theirs, 3) if theirs else None
            ratios.setdefault(name, {})[f"{rate:g}"] = ratio
    return ratios


if __name__ == "__main__":
    main()

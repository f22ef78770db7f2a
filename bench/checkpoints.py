"""A checkpoint of the shape of Stable Diffusion 1.5: limner beside diffusers, OpenVINO GenAI and stable-diffusion.cpp.

Run with `python -m bench.checkpoints`; `--short` only shows that it works. Weights are random, since speed does not
depend on values; pictures are of 512x512, guided. Each server is a process of its own on loopback, only one of them
has work at a time, and they take turns in each round, so that a noisy machine is noisy for all. limner's is
`limner serve` as it is, with its queue, batching, cancellation and previews; the others are the real libraries behind
the usual server, `bench.peers.server`: one pipeline, one lock, a request after another.

A picture of 20 steps takes long on a processor. What is measured is one of few and one of more steps; what is told of
20 is a straight line through the two. With four in flight, requests have half of the steps that are told: 5 to 15 for
10 to 30.

"Ready" is a new process whose pipeline can be asked for a picture; the first one of one step is told beside it, since
who compiles late is ready early.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from bench.load import Outcome
from bench.peers.checkpoint import write_checkpoint, write_genai
from bench.peers.server import CHECKPOINT_PEERS, missing
from bench.results import Measure
from bench.running import Measured, run
from bench.servers import LIMNER, Server, ask, order, starting

__all__ = ["line_through", "main", "mixed"]

OURS = "limner"
STEPS = 20
_MIXED = (5, 15, 8, 12, 10, 6, 14, 10)
"""Half of 10 to 30, 20 on average."""
_DEADLINE = 5
"""Times that an average picture takes alone: after that it is of no use any more."""

_LIMNER_READY = """
import sys, time
from limner.loading import load
pipeline = load(sys.argv[1], cache_dir=__import__("pathlib").Path(sys.argv[2]))
print("ready", time.time(), flush=True)
pipeline.generate("a boat", steps=1, seed=1)
print("drawn", time.time(), flush=True)
"""
_DIFFUSERS_READY = """
import sys, time
from bench.peers.checkpoint import Diffusers
pipeline = Diffusers(sys.argv[1])
print("ready", time.time(), flush=True)
pipeline("a boat", 1, 1)
print("drawn", time.time(), flush=True)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """How much is measured.

    Attributes:
        few: steps of the shorter picture.
        more: steps of the longer one.
        rounds: of each.
        pictures: with four in flight.
        starts: of each process.
    """

    few: int
    more: int
    rounds: int
    pictures: int
    starts: int


_LONG = _Plan(few=1, more=4, rounds=2, pictures=4, starts=2)
_SHORT = _Plan(few=1, more=2, rounds=1, pictures=2, starts=1)


def main() -> None:
    """Measure, print, and write the result."""
    parser = argparse.ArgumentParser(prog="python -m bench.checkpoints", description="Other people's models.")
    parser.add_argument("--folder", type=Path, help="where the checkpoint is, or is written to; kept")
    run(parser, _measured_there, lambda numbers: [(name, f"{row}") for name, row in numbers["alone"].items()])


def _measured_there(options: argparse.Namespace) -> Measured:
    with tempfile.TemporaryDirectory() as temporary:
        place = options.folder or Path(temporary)
        return _measured(_prepared(place), place, _SHORT if options.short else _LONG)


def _say(what: str) -> None:
    print(f"... {what}", flush=True)


def _prepared(place: Path) -> Path:
    """The checkpoint, written and converted where it is not yet."""
    folder = place / "sd15"
    place.mkdir(parents=True, exist_ok=True)
    if not (folder / "model_index.json").is_file():
        _say("writing the checkpoint")
        write_checkpoint(folder)
    if not Path(f"{folder}-genai").is_dir():
        _say("converting it for OpenVINO GenAI")
        write_genai(folder)
    _say("converting it for limner")
    _started(_LIMNER_READY, folder, place)
    return folder


def _measured(folder: Path, place: Path, plan: _Plan) -> Measured:
    left_out = {name: missing(name) for name in CHECKPOINT_PEERS if missing(name)}
    starts = _starts(folder, place, plan)
    commands = {OURS: (LIMNER, "serve", "--model", str(folder))} | {
        name: (f"from bench.peers.server import serve; serve({name!r}, {str(folder)!r})",)
        for name in CHECKPOINT_PEERS
        if name not in left_out
    }
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(starting(place / f"server-{number}", *command))
            for number, (name, command) in enumerate(commands.items())
        }
        alone = _alone(servers, plan)
        peer = min((name for name in alone if name != OURS), key=lambda name: alone[name]["of_20_steps"])
        crowd = _crowd({name: servers[name] for name in (OURS, peer)}, alone, plan)
        memory = {name: round(server.memory()) for name, server in servers.items()}
    numbers = {
        "left_out": left_out,
        "alone": alone,
        "best_peer": peer,
        "four_in_flight": crowd,
        "starts": starts,
        "memory_mb": memory,
    }
    return numbers, _measures(numbers)


def _measures(numbers: Mapping[str, Any]) -> list[Measure]:
    alone, crowd, starts, peer = (
        numbers[name] for name in ("alone", "four_in_flight", "starts", "best_peer")
    )
    ready, drawn = (starts[OURS][what] / starts["diffusers"][what] for what in ("ready", "drawn"))
    return [
        Measure(
            what="a picture of 20 steps, limner's over the best other's",
            value=alone[OURS]["of_20_steps"] / alone[peer]["of_20_steps"],
            unit="times",
            goal=1.03,
            note=f"reckoned from shorter ones; the best other is {peer}",
        ),
        Measure(
            what="goodput with four in flight over the best other's",
            value=crowd[OURS]["goodput"] / max(crowd[peer]["goodput"], 1e-9),
            unit="times",
            goal=1.15,
            at_least=True,
            note="5 to 15 steps, for 10 to 30",
        ),
        Measure(
            what="from process start to ready, over diffusers'",
            value=ready,
            unit="times",
            goal=0.7,
            note=f"to the first picture of one step: {drawn:.2f} times",
        ),
    ]


def _starts(folder: Path, place: Path, plan: _Plan) -> dict[str, dict[str, float]]:
    """Seconds from the start of a process, in turn."""
    _say("processes that start")
    codes = {OURS: _LIMNER_READY, "diffusers": _DIFFUSERS_READY}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in codes}
    for _ in range(plan.starts):
        for name, code in codes.items():
            found[name].append(_started(code, folder, place))
    return {
        name: {what: round(statistics.median(each[what] for each in runs), 2) for what in ("ready", "drawn")}
        for name, runs in found.items()
    }


def _started(code: str, folder: Path, place: Path) -> dict[str, float]:
    began = time.time()
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), str(place)], capture_output=True, text=True, check=True
    )
    told = [line.split() for line in done.stdout.splitlines() if line.startswith(("ready", "drawn"))]
    return {what: float(moment) - began for what, moment in told}


def _alone(servers: Mapping[str, Server], plan: _Plan) -> dict[str, dict[str, float]]:
    """Seconds of a picture of few and of more steps, in turn, while nobody else asks."""
    for name, server in servers.items():
        _say(f"waiting for {name}")
        _asked(server, 1, 0)
    found: dict[str, dict[int, list[float]]] = {name: {plan.few: [], plan.more: []} for name in servers}
    for number in range(plan.rounds):
        for name, server in servers.items():
            _say(f"one at a time, round {number + 1}: {name}")
            for steps, seconds in found[name].items():
                seconds.append(_asked(server, steps, number).seconds)
    return {
        name: line_through({steps: statistics.median(seconds) for steps, seconds in each.items()})
        for name, each in found.items()
    }


def line_through(seconds: Mapping[int, float]) -> dict[str, float]:
    """What a picture of 20 steps takes, from pictures of two other numbers of steps."""
    (few, short), (more, long) = sorted(seconds.items())
    step = (long - short) / (more - few)
    outside = short - few * step
    return {
        "step": round(step, 3),
        "outside_the_steps": round(outside, 3),
        "of_20_steps": round(outside + STEPS * step, 2),
    }


def _asked(server: Server, steps: int, number: int) -> Outcome:
    fields = order(f"{number} boats in {steps} steps", number, steps=steps, size="512x512")
    start = time.perf_counter()
    status, body = ask(server.address, fields)
    if status != 200:
        raise RuntimeError(f"the server answers {status}: {body[:200]!r}")
    return Outcome(status=status, seconds=time.perf_counter() - start)


def _crowd(
    servers: Mapping[str, Server], alone: Mapping[str, Mapping[str, float]], plan: _Plan
) -> dict[str, dict[str, float]]:
    """Pictures a second within the deadline, with four clients that each ask again when they have an answer."""
    average = statistics.mean(_MIXED)
    best = min(each["outside_the_steps"] + average * each["step"] for each in alone.values())
    found = {}
    for name, server in servers.items():
        _say(f"four in flight: {name}")
        found[name] = mixed(partial(_asked, server), plan.pictures)
    return {
        name: {
            "pictures": len(waits),
            "seconds": round(seconds, 2),
            "per_second": round(len(waits) / seconds, 4),
            "longest_wait": round(max(waits), 2),
            "deadline": round(_DEADLINE * best, 2),
            "goodput": round(sum(wait <= _DEADLINE * best for wait in waits) / seconds, 4),
        }
        for name, (waits, seconds) in found.items()
    }


def mixed(draw: Callable[[int, int], Outcome], pictures: int) -> tuple[Sequence[float], float]:
    """Four clients draw so many pictures between them, of mixed steps: how long each waited, and all took."""
    numbers, start = count(), time.perf_counter()

    def visit(_client: int) -> list[float]:
        waits = []
        while (number := next(numbers)) < pictures:
            waits.append(draw(_MIXED[number % len(_MIXED)], number).seconds)
        return waits

    with ThreadPoolExecutor(4) as pool:
        waits = [wait for each in pool.map(visit, range(4)) for wait in each]
    return waits, time.perf_counter() - start


if __name__ == "__main__":
    main()

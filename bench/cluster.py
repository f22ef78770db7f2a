"""Many replicas under Ray: what Serve costs, how they scale, how soon a dead one is replaced, and a thousand of them.

Run with `python -m bench.cluster`; `--short` only shows that it works. The replicas are whole applications whose
engine sleeps for as long as a step of the real one takes here, so more of them fit this machine than it could draw
with; what goes through Ray Serve is real. Who asks, the proxy and all replicas share the cores, and each figure has
that in it.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.load import Outcome, percentile
from bench.results import Measure
from bench.running import Measured, run
from bench.servers import LIMNER, Server, ask, in_flight, order, starting
from bench.thousand import Costs, limits, simulated
from limner.loading import load

__all__ = ["main", "scaling"]

COUNTS = {1: 1.0, 2: 0.95, 4: 0.92, 8: 0.9}
"""Numbers of replicas, and the share of linear that each must reach."""

_CLIENTS = 3
"""Requests in flight for each replica: it is never without work, and never far from its next."""

_SLOW = f"import bench.replicas; bench.replicas.slow_down({{step}}); {LIMNER}"
_REPLICAS = "from bench.replicas import main; main()"
_PROXY, _CONTROLLER = "ray::ProxyActor", "ray::ServeController"
_TICKS = os.sysconf("SC_CLK_TCK")
_RATE, _SIMULATED_SECONDS, _TIMES = 0.8, 30.0, 5
_NODE = 8
"""Replicas of a simulated machine with a proxy of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """How long each part takes.

    Attributes:
        rounds: of what is measured one by one.
        seconds: of each closed loop.
        kills: replicas that die.
    """

    rounds: int
    seconds: float
    kills: int


_LONG = _Plan(rounds=45, seconds=10, kills=2)
_SHORT = _Plan(rounds=5, seconds=3, kills=1)


def main() -> None:
    """Measure, print, and write the result."""
    parser = argparse.ArgumentParser(prog="python -m bench.cluster", description="Many replicas under Ray.")
    parser.add_argument("--engine", default="openvino", help="whose steps are slept through")
    run(parser, lambda options: _measured(options.engine, _SHORT if options.short else _LONG))


def _measured(engine: str, plan: _Plan) -> Measured:
    picture, steps = _real(engine, plan)
    step = picture / steps
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        bare = stack.enter_context(
            starting(Path(place) / "bare", _SLOW.format(step=step), "serve", "--engine", "fake")
        )
        ray = stack.enter_context(_on_ray(Path(place) / "ray", step))
        address = ray.do("deploy 1")
        waits = _in_turn(bare, address, steps, plan)
        rows = [_goodput(ray, count, steps, plan) for count in COUNTS]
        ray.do("deploy 2")
        recoveries = [_recovery(ray, address, steps) for _ in range(plan.kills)]
    costs = _costs(rows)
    numbers = {
        "picture_seconds": round(picture, 4),
        "steps": steps,
        "waits": waits,
        "goodput": rows,
        "recoveries": recoveries,
        "costs": {name: round(value, 6) for name, value in asdict(costs).items()},
        "limits": {name: round(value) for name, value in limits(costs).items()},
        "simulated_seconds": _SIMULATED_SECONDS,
        "simulated": _thousand(costs),
    }
    return numbers, [_overhead(waits), *scaling(rows), *_recovered(recoveries)]


def _say(what: str) -> None:
    print(f"... {what}", flush=True)


def _real(engine: str, plan: _Plan) -> tuple[float, int]:
    """Seconds of a picture, without its file, and how many steps it has."""
    _say("a real picture")
    with tempfile.TemporaryDirectory() as cache:
        pipeline = load(engine=engine, cache_dir=Path(cache))
        pipeline.generate("a boat")
        seconds = []
        for seed in range(plan.rounds // 3):
            start = time.perf_counter()
            pipeline.generate(f"{seed} dogs in a park", seed=seed)
            seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), pipeline.engine.capabilities.default_steps


@dataclass(frozen=True, kw_only=True, slots=True)
class _OnRay:
    """`bench.replicas`, which does what it is told."""

    process: subprocess.Popen[str]
    log: Path

    def do(self, what: str) -> str:
        """Its answer.

        Raises:
            RuntimeError: it has ended.
        """
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("nobody listens")
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            # What the replicas log comes here, too.
            if line.startswith("done "):
                return line.removeprefix("done ").strip()
        raise RuntimeError(f"Ray did not start:\n{self.log.read_text()}")


@contextmanager
def _on_ray(folder: Path, step: float) -> Iterator[_OnRay]:
    folder.mkdir()
    log = folder / "log"
    environ = os.environ | {"LIMNER_DATA_DIR": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", _REPLICAS, str(step), str(_free_port())]
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=environ,
        ) as process,
    ):
        yield _OnRay(process=process, log=log)
        # It ends Ray when there is nothing more to do.


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _in_turn(bare: Server, address: str, steps: int, plan: _Plan) -> dict[str, Any]:
    """Seconds of a picture from the bare server and through Ray Serve, in turn, one at a time."""
    _say("one request at a time, with Serve and without")
    waits: dict[str, list[float]] = {bare.address: [], address: []}
    for number in range(plan.rounds + 1):
        for where, found in waits.items():
            found.append(_asked(where, _new("boats", steps, number)))
    told = (
        {f"p{round(100 * share)}": round(percentile(found[1:], share), 5) for share in (0.5, 0.95)}
        for found in waits.values()
    )
    return dict(zip(("bare", "serve"), told, strict=True))


def _new(things: str, steps: int, number: int) -> dict[str, Any]:
    return order(f"{number} {things}", number, steps=steps)


def _asked(address: str, fields: dict[str, Any]) -> float:
    start = time.perf_counter()
    status, body = ask(address, fields)
    if status != 200:
        raise RuntimeError(f"the server answers {status}: {body[:200]!r}")
    return time.perf_counter() - start


def _goodput(ray: _OnRay, count: int, steps: int, plan: _Plan) -> dict[str, Any]:
    """Pictures a second of so many replicas, and what Ray spends on them."""
    _say(f"replicas: {count}")
    address = ray.do(f"deploy {count}")
    in_flight(address, count, 2, partial(_new, f"owls of {count}", steps))
    idle = _cpu(_CONTROLLER)
    time.sleep(plan.seconds / 3)
    idle = (_cpu(_CONTROLLER) - idle) / (plan.seconds / 3)
    before = _cpu(_PROXY)
    rate, drawn = in_flight(address, _CLIENTS * count, plan.seconds, partial(_new, f"cats of {count}", steps))
    row = {
        "replicas": count,
        "per_second": round(rate, 3),
        "drawn": drawn,
        "proxy_seconds": round((_cpu(_PROXY) - before) / drawn, 6),
        "controller_cores": round(idle, 5),
    }
    _say(str(row))
    return row


def _cpu(title: str) -> float:
    """Seconds of a core that the processes of this name have taken so far."""
    total = 0
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            try:
                if (path / "cmdline").read_bytes().startswith(title.encode()):
                    fields = (path / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                    total += int(fields[11]) + int(fields[12])
            except OSError:
                continue
    return total / _TICKS


def _recovery(ray: _OnRay, address: str, steps: int) -> dict[str, float]:
    """A replica of two dies under load: seconds until there are two again, and what whoever asks notices."""
    _say("a replica dies")
    over, outcomes = threading.Event(), list[tuple[float, Outcome]]()

    def visit(client: int) -> None:
        number = client
        while not over.is_set():
            start = time.perf_counter()
            try:
                status, _ = ask(address, _new("hens", steps, number))
            except OSError:
                status = 0
            now = time.perf_counter()
            outcomes.append((now, Outcome(status=status, seconds=now - start)))
            number += 1000

    with ThreadPoolExecutor(2 * _CLIENTS) as threads:
        visitors = [threads.submit(visit, client) for client in range(2 * _CLIENTS)]
        time.sleep(3)
        seconds = float(ray.do("kill"))
        time.sleep(2)
        over.set()
        for visitor in visitors:
            visitor.result()
    drawn = sorted(moment for moment, outcome in outcomes if outcome.drawn)
    _say(f"there again after {seconds:.1f} s")
    return {
        "seconds": round(seconds, 3),
        "failed": sum(not outcome.drawn for _, outcome in outcomes),
        "asked": len(outcomes),
        "longest_pause": round(max(b - a for a, b in pairwise(drawn)), 3),
    }


def _costs(rows: list[dict[str, Any]]) -> Costs:
    """From the row with most replicas, where what they all share weighs least."""
    one, most = rows[0], rows[-1]
    return Costs(
        picture=one["replicas"] / one["per_second"],
        proxy=most["proxy_seconds"],
        controller=most["controller_cores"] / most["replicas"],
    )


def _thousand(costs: Costs) -> list[dict[str, Any]]:
    """Crowds at up to a thousand replicas, with one proxy, and with one for each machine."""
    _say("a thousand replicas")
    return [
        simulated(
            costs,
            count,
            proxies,
            rate=_RATE,
            seconds=_SIMULATED_SECONDS,
            deadline=_TIMES * costs.picture,
        )
        for count in (1, 10, 100, 1000)
        for proxies in sorted({1, -(-count // _NODE)})
    ]


def _overhead(waits: dict[str, Any]) -> Measure:
    bare, through = waits["bare"]["p50"], waits["serve"]["p50"]
    return Measure(
        what="what Serve adds to a picture, p50",
        value=1e3 * (through - bare),
        unit="ms",
        goal=15,
        note=f"{1e3 * through:.1f} ms with it, {1e3 * bare:.1f} ms without",
    )


def scaling(rows: list[dict[str, Any]]) -> list[Measure]:
    """Goodput of each number of replicas, as a share of so many times that of one."""
    one = rows[0]["per_second"]
    return [
        Measure(
            what=f"goodput of {row['replicas']} replicas, of linear",
            value=row["per_second"] / (row["replicas"] * one),
            goal=COUNTS[row["replicas"]],
            at_least=True,
            note=f"{row['per_second']:.2f} pictures a second",
        )
        for row in rows[1:]
    ]


def _recovered(recoveries: list[dict[str, float]]) -> list[Measure]:
    failed, asked = (sum(each[name] for each in recoveries) for name in ("failed", "asked"))
    return [
        Measure(
            what="a killed replica: until there are as many as before, the longest",
            value=max(each["seconds"] for each in recoveries),
            unit="s",
            goal=5,
            note=f"of {len(recoveries)}; {failed:g} of {asked:g} requests failed, and none was tried again",
        ),
        Measure(
            what="a killed replica: until the next picture, the longest",
            value=max(each["longest_pause"] for each in recoveries),
            unit="s",
            goal=5,
        ),
    ]


if __name__ == "__main__":
    main()

"""Writes the measured part of docs/deploy.md from bench/results; with --check only says whether it is up to date."""

# ruff: noqa: INP001 - a script is run, never imported

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

from generated import NOTHING, between, head, latest, measures_table, write_or_check

__all__ = ["deploy_page"]

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "deploy.md"
RESULTS = ROOT / "bench" / "results"

MILLION_A_DAY = 1e6 / 86_400
"""Pictures a second."""

PEAK, BUSY = 3, 0.8
"""How many times the average the busiest minute asks for, and how busy a replica may be then."""

PRICE = 0.10
"""Of a machine like the measured one for an hour; only there to be multiplied."""


def deploy_page(text: str, results: Path) -> str:
    """The page, with the part between its two marks written anew.

    Args:
        text: the page as it is.
        results: the folder of the results, of which the latest is told.
    """
    numbers = latest("cluster", results)
    if numbers is None:
        return between(text, [NOTHING.format(name="cluster")])
    told = head("cluster", numbers) + measures_table(numbers["measures"])
    return between(text, [told, _goodput(numbers), _sizing(numbers), _simulation(numbers)])


def _goodput(numbers: dict[str, Any]) -> str:
    one = numbers["goodput"][0]["per_second"]
    rows = [
        f"| {row['replicas']} | {row['per_second']:.2f} | {row['per_second'] / (row['replicas'] * one):.3f} "
        f"| {1e3 * row['proxy_seconds']:.1f} ms | {row['controller_cores']:.3f} |\n"
        for row in numbers["goodput"]
    ]
    return (
        "### Replicas\n\n"
        f"A picture of {numbers['steps']} steps takes {numbers['picture_seconds']:.3f} s here. These replicas sleep "
        "through each step for as long, and are kept busy.\n\n"
        "| replicas | pictures a second | of linear | proxy, per picture | controller, cores |\n"
        "|---|---|---|---|---|\n" + "".join(rows)
    )


def _sizing(numbers: dict[str, Any]) -> str:
    rate = numbers["goodput"][0]["per_second"]
    average = MILLION_A_DAY / (BUSY * rate)
    cores = numbers["machine"]["cores"]
    return (
        "### How many, and what they cost\n\n"
        f"One replica is a machine like this one, of {cores} cores, and draws {rate:.2f} pictures a second, "
        "files and all. For another machine or another model put its own rate in the place of that: "
        "`python -m bench.cluster --engine torch` measures it.\n\n"
        "| question | arithmetic | answer |\n|---|---|---|\n"
        f"| pictures a day of one replica that never rests | {rate:.2f} x 86,400 | {rate * 86_400:,.0f} |\n"
        f"| cost of a thousand pictures, for each ${PRICE:.2f} that the machine costs an hour | "
        f"{PRICE:.2f} / 3,600 / {rate:.2f} x 1,000 | ${PRICE / 3.6 / rate:.4f} |\n"
        f"| the same, {BUSY:.0%} busy | / {BUSY} | ${PRICE / 3.6 / rate / BUSY:.4f} |\n"
        f"| a million a day, evenly, {BUSY:.0%} busy | 1,000,000 / 86,400 / ({BUSY} x {rate:.2f}) | "
        f"{math.ceil(average)} replicas |\n"
        f"| the same where the busiest minute asks for {PEAK} times the average | x {PEAK} | "
        f"{math.ceil(PEAK * average)} replicas |\n"
    )


def _simulation(numbers: dict[str, Any]) -> str:
    costs, limits = numbers["costs"], numbers["limits"]
    rows = [
        f"| {row['replicas']:,} | {row['proxies']} | {row['p50']:.2f} s | {row['p99']:.2f} s "
        f"| {row['goodput']:,.1f} /s | {row['goodput'] * numbers['simulated_seconds'] / row['asked']:.0%} |\n"
        for row in numbers["simulated"]
    ]
    first = min(limits, key=lambda name: limits[name])
    told = "; ".join(f"{name} at about {count:,} replicas" for name, count in limits.items())
    return (
        "### A thousand replicas\n\n"
        "Worked out by `bench/thousand.py`, not run: requests come by chance, 80% of what the replicas draw; a "
        f"proxy takes {1e3 * costs['proxy']:.1f} ms of its one core for each, and hands it to the less busy of two "
        f"replicas, which take {costs['picture']:.3f} s. A picture is in time within five times that.\n\n"
        "| replicas | proxies | p50 | p99 | goodput | in time |\n|---|---|---|---|---|---|\n"
        + "".join(rows)
        + f"\nWhat there is only one of is full, at 90% of a core: {told}. **What breaks first is {first}.** "
        "`limner deploy` places a proxy on each machine; put a load balancer in front of them. The controller is "
        "not on the way of a request: when it is full, dead replicas are replaced later.\n"
    )


if __name__ == "__main__":
    sys.exit(write_or_check(PAGE, deploy_page(PAGE.read_text(encoding="utf-8"), RESULTS)))

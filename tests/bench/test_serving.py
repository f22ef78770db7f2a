"""`bench.serving`: the table of what every server made of the same load."""

from __future__ import annotations

from typing import Any

from bench.serving import goodput_ratios, rates_table

ROW: dict[str, Any] = {"rate": 0.3, "server": "limner", "asked_per_second": 2.0, "refused": 0}
ROW |= {"p50": 0.25, "p95": 0.5, "p99": 1.0, "goodput": 1.5}


def test_each_server_has_a_row_at_each_rate() -> None:
    """Rate and server, waits, what was there in time of what was asked for, and refusals."""
    [(label, told)] = rates_table({"rates": [ROW]})
    assert label == "0.3 of capacity: limner"
    assert " ".join(told.split()) == "p50 0.25s p95 0.50s p99 1.00s goodput 1.50/s of 2.00/s, refused 0"


def test_who_draws_nothing_has_no_waits() -> None:
    """A dash, and a goodput of nothing."""
    [(_, told)] = rates_table({"rates": [ROW | {"p50": None, "p95": None, "p99": None, "goodput": 0.0}]})
    assert told.split()[:6] == ["p50", "-", "p95", "-", "p99", "-"]


def test_others_are_compared_at_the_same_rate() -> None:
    """How often limner's goodput holds theirs; there is no answer where theirs is nothing."""
    rows = [ROW, ROW | {"server": "peer", "goodput": 1.0}, ROW | {"server": "stuck", "goodput": 0.0}]
    assert goodput_ratios(rows) == {"peer": {"0.3": 1.5}, "stuck": {"0.3": None}}

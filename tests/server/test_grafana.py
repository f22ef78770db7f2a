"""`docs/grafana.json` shows what `/metrics` tells: all of it, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

DASHBOARD = json.loads((Path(__file__).parents[2] / "docs" / "grafana.json").read_text(encoding="utf-8"))
SERIES = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


@pytest.fixture(scope="module")
def told(lenient: TestClient) -> dict[str, set[str]]:
    """The names of the time series of each metric."""
    kinds = re.findall(r"# TYPE (limner_\w+) (\w+)", lenient.get("/metrics").text)
    return {
        name: {name + ending for ending in SERIES[kind]}
        for name, kind in kinds
        if not name.endswith("_created")
    }


def shown() -> set[str]:
    """The names of the time series in all queries of all panels."""
    queries = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return {name for query in queries for name in re.findall(r"limner_\w+", query)}


def test_what_is_shown_is_told(told: dict[str, set[str]]) -> None:
    """A panel of a metric that there is not would stay empty."""
    assert shown() - set().union(*told.values()) == set()


def test_what_is_told_is_shown(told: dict[str, set[str]]) -> None:
    """Nobody sees a metric that is in no panel."""
    assert [name for name, series in told.items() if not series & shown()] == []


def test_panels_have_names_and_places_of_their_own() -> None:
    """And each says what it means."""
    for name in ("id", "title", "gridPos", "description"):
        values = [json.dumps(panel[name]) for panel in DASHBOARD["panels"]]
        assert len(set(values)) == len(values)

"""`limner.server.contract.models`: a name decides by whose rules a request is judged."""

from __future__ import annotations

import pytest

from limner.errors import SettingsError
from limner.server.contract.models import OPENAI_NAMES, Family, ModelTable
from tests.server.helpers import MODELS


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("dall-e-2", Family.D2),
        ("dall-e-3", Family.D3),
        ("gpt-image-1", Family.G1),
        ("gpt-image-1-mini", Family.G1),
        ("gpt-image-1.5-2025-12-16", Family.G1),
        ("chatgpt-image-latest", Family.G1),
        ("gpt-image-2-2026-04-21", Family.G2),
        ("gpt-image-2.5-flare-2026-09-08", Family.G2),
        ("gpt-image-2.6-sunburst", Family.G2),
        ("limner-2", Family.G2),
    ],
)
def test_dead_dated_and_own_names_are_known(name: str, family: Family) -> None:
    """Each is answered under the very name that was asked for."""
    found = MODELS.find(name)
    assert found is not None
    assert (found.id, found.family) == (name, family)


@pytest.mark.parametrize(
    "name", ["", "dall-e", "gpt-4o", "DALL-E-3", "limner-2-2026-01-01", "dall-e-3-latest"]
)
def test_other_names_are_not(name: str) -> None:
    """Neither nothing nor what only looks alike, nor dates behind names that are not OpenAI's."""
    assert MODELS.find(name) is None


def test_features_come_with_the_generation() -> None:
    """Complexity is new in 2.6, the finest quality in 2.5; fidelity was for gpt-image-1 and 1.5, not for mini."""
    features = {name.id: name.features for name in OPENAI_NAMES}
    assert {name for name in features if "complexity" in features[name]} == {
        "gpt-image-2.6-sunburst",
        "gpt-image-2.6-flare",
    }
    assert "max_quality" in features["gpt-image-2.5-flare"]
    assert "max_quality" not in features["gpt-image-2"]
    assert "input_fidelity" in features["gpt-image-1.5"]
    assert "input_fidelity" not in features["gpt-image-1-mini"]


def test_the_operator_names_and_hides() -> None:
    """An alias follows the contract that it is given; OpenAI's names can be switched off."""
    table = ModelTable("m", created=1, openai_names=False, aliases=["painter=dall-e-3"])
    assert [name.id for name in table.all()] == ["m", "painter"]
    painter = table.find("painter")
    assert painter is not None
    assert painter.family == Family.D3
    assert table.find("dall-e-3-2026-01-01") is None


@pytest.mark.parametrize("alias", ["painter", "painter=", "=dall-e-3", "painter=limner"])
def test_an_alias_without_a_contract_is_told_at_start(alias: str) -> None:
    """The error names the variable and what may stand there."""
    with pytest.raises(SettingsError, match=r"LIMNER_ALIASES.*dall-e-3"):
        ModelTable("m", created=1, aliases=[alias])

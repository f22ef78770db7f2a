"""`limner.cluster.application`: what a configuration of Ray Serve may say, without Ray."""

from __future__ import annotations

import sys

import pytest

from limner.cluster.application import build, plan_from
from limner.cluster.plan import Plan
from limner.errors import EngineUnavailableError, InvalidRequestError


def test_a_plan_from_a_configuration() -> None:
    """Numbers of a file, or text of a command line."""
    assert plan_from({"replicas": 2, "gpus": 0.5}) == Plan(replicas=2, gpus=0.5)
    assert plan_from({"replicas": "2", "most": "4"}) == Plan(replicas=2, most=4)
    assert plan_from({}) == Plan()


@pytest.mark.parametrize(
    ("args", "told"), [({"replica": 2}, "no argument 'replica'"), ({"replicas": "two"}, "Write numbers")]
)
def test_what_a_configuration_cannot_say_is_refused(args: dict[str, object], told: str) -> None:
    """A misspelt name, and what is no number."""
    with pytest.raises(InvalidRequestError, match=told):
        plan_from(args)


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EngineUnavailableError, match=r"pip install 'limner\[cluster\]'"):
        build({})

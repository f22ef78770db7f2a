"""`deploy/`: the files for containers name only what there is. Nothing here runs a container."""

from __future__ import annotations

import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from limner.cli import app
from limner.cluster.application import plan_from
from limner.cluster.deployment import ENVIRON
from limner.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
FILES = ROOT / "deploy"


def read(name: str) -> Any:
    """What a file says."""
    return yaml.safe_load((FILES / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def kuberay() -> Any:
    """The cluster for Kubernetes."""
    return read("kuberay.yaml")["spec"]


def variables() -> dict[str, list[str]]:
    """The variables that each file sets."""
    spec = read("kuberay.yaml")["spec"]["rayClusterConfig"]
    pods = [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
    containers = [each for pod in pods for each in pod["template"]["spec"]["containers"]]
    return {
        "compose.yaml": list(read("compose.yaml")["services"]["limner"]["environment"]),
        "kuberay.yaml": [variable["name"] for container in containers for variable in container["env"]],
    }


@pytest.mark.parametrize("name", ["compose.yaml", "kuberay.yaml"])
def test_variables_are_settings(name: str) -> None:
    """A misspelt one would keep the container from starting; where pictures lie is said in each."""
    found = [variable for variable in variables()[name] if variable.startswith(PREFIX)]
    assert f"{PREFIX}STORAGE_URL" in found
    assert {variable.removeprefix(PREFIX).lower() for variable in found} <= set(Settings.model_fields)


def test_kubernetes_runs_the_application(kuberay: Any) -> None:
    """By the name that it has, with arguments that it takes, and on cores that the pods have."""
    [application] = yaml.safe_load(kuberay["serveConfigV2"])["applications"]
    module, _, name = application["import_path"].partition(":")
    assert callable(getattr(import_module(module), name))
    plan = plan_from(application["args"])
    [workers] = kuberay["rayClusterConfig"]["workerGroupSpecs"]
    [container] = workers["template"]["spec"]["containers"]
    assert int(container["resources"]["limits"]["cpu"]) == plan.cpus
    assert workers["maxReplicas"] == plan.most


@pytest.mark.parametrize("command", [read("compose.yaml")["services"]["limner"]["command"]])
def test_the_command_is_one(command: list[str], tmp_path: Path) -> None:
    """Its options are known: what stops it here is that there is no key."""
    result = CliRunner().invoke(app, [*command, "--engine", "fake", "--data-dir", str(tmp_path)])
    assert "limner keys new" in result.output


def test_the_image_has_what_is_installed_from() -> None:
    """Each file that the package is built from is copied, and the extra is there."""
    told = (FILES / "Dockerfile").read_text(encoding="utf-8")
    copied = {word for line in told.splitlines() if line.startswith("COPY") for word in line.split()[1:-1]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert {"pyproject.toml", "src", "data", project["project"]["readme"]} <= copied
    assert set(project["project"]["license-files"]) <= copied
    assert all((ROOT / name).exists() for name in copied)
    assert "cluster" in project["project"]["optional-dependencies"]


def test_rays_proxies_find_the_envelope(kuberay: Any) -> None:
    """By the name that `limner deploy` uses, too, and that there is."""
    name = ENVIRON["RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH"]
    module, _, function = name.partition(":")
    assert getattr(import_module(module), function)()
    [container] = kuberay["rayClusterConfig"]["headGroupSpec"]["template"]["spec"]["containers"]
    assert name in [variable["value"] for variable in container["env"]]
    assert name in (FILES / "Dockerfile").read_text(encoding="utf-8")

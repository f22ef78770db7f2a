"""schemathesis: every operation does what the OpenAPI document says, whatever it is sent.

Statuses, media types, bodies and the header Allow are as documented, what the document does not allow is refused,
and nothing is a fault of the server's. The same requests are made each time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from schemathesis import Case
from schemathesis.config import (
    CoveragePhaseConfig,
    GenerationConfig,
    PhasesConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance
from starlette.testclient import TestClient

import limner
from limner.server.app import create_app
from limner.settings import Settings
from tests.server.helpers import Serve, error_of

ORIGIN = "http://testserver"
KEY = {"authorization": "Bearer lk-described"}
DOCUMENT = create_app(Settings(engine="fake", data_dir=Path("nowhere"))).openapi()

NOT_FOR_US = [
    positive_data_acceptance,  # a schema cannot say which fields go together, nor which models there are
    ignored_auth,  # tested below, once for each operation
]


def described(*, coverage: bool) -> BaseSchema:
    """The document, and how to try it: random requests, and on top of them each bound of each field in turn."""
    generation = GenerationConfig(max_examples=12, deterministic=True, database="none")
    project = ProjectConfig(
        base_url=ORIGIN,
        generation=generation,
        phases=PhasesConfig(coverage=CoveragePhaseConfig(enabled=coverage)),
        parameters={"path.deployment": "dall-e-3"},
    )
    config = SchemathesisConfig(seed=7, projects=ProjectsConfig(default=project))
    return schemathesis.openapi.from_dict(DOCUMENT, config=config)


# Azure's paths lead to the same code, so there random requests will do.
IS_AZURE = "^/openai/"
OPENAI = described(coverage=True).exclude(path_regex=IS_AZURE)
AZURE = described(coverage=False).include(path_regex=IS_AZURE)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """A server that wants a key."""
    settings = Settings(
        engine="fake", data_dir=tmp_path_factory.mktemp("described"), api_keys=("lk-described",)
    )
    return create_app(settings, limner.load(engine="fake"))


def check(case: Case[Any], served: FastAPI) -> None:
    """Send what was thought up, and hold the answer against the document."""
    answer = case.call(app=served, headers=KEY)
    case.validate_response(answer, headers=KEY, excluded_checks=NOT_FOR_US)


@OPENAI.parametrize()
def test_every_operation_is_as_documented(case: Case[Any], served: FastAPI) -> None:
    """Also with another method, another content type, and values at and beyond every bound."""
    check(case, served)


@AZURE.parametrize()
def test_azures_paths_are_as_documented(case: Case[Any], served: FastAPI) -> None:
    """With a deployment that is there."""
    check(case, served)


def test_without_the_key_every_operation_is_401(serve: Serve) -> None:
    """Without any and with a wrong one, either way of sending it; but health and signed links need none."""
    operations = [
        (method, path.replace("{deployment}", "dall-e-3").replace("{file_id}", "0"), operation)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    ]
    with serve(api_keys=("lk-described",)) as client:
        for method, path, operation in operations:
            for headers in ({}, {"authorization": "Bearer lk-other"}, {"api-key": "lk-other"}):
                check_key(client, method, path, headers, needed="security" in operation)
    assert sum("security" in operation for _, _, operation in operations) == 17


def check_key(client: TestClient, method: str, path: str, headers: dict[str, str], *, needed: bool) -> None:
    """Hold the answer to a request with these headers against whether a key is needed."""
    answer = client.request(method, path, headers=headers)
    assert (answer.status_code == 401) == needed, (method, path)
    if needed:
        assert answer.headers["www-authenticate"]
        error_of(answer)

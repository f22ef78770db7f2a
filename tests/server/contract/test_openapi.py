"""`limner.server.contract.openapi`: the document describes what the server does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from limner.server.contract.field import Route
from limner.server.contract.fields import fields_of

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def document(lenient: TestClient) -> dict[str, Any]:
    """The OpenAPI document, as clients get it."""
    told: dict[str, Any] = lenient.get("/openapi.json").json()
    return told


@pytest.mark.parametrize(
    ("route", "form", "kind"),
    [
        (Route.GENERATIONS, "json", "application/json"),
        (Route.EDITS, "json", "application/json"),
        (Route.EDITS, "form", "multipart/form-data"),
        (Route.VARIATIONS, "form", "multipart/form-data"),
    ],
)
def test_bodies_have_the_fields_of_the_table(
    document: dict[str, Any], route: Route, form: str, kind: str
) -> None:
    """All of them, each described."""
    schema = document["paths"][f"/v1/images/{route}"]["post"]["requestBody"]["content"][kind]["schema"]
    properties = {name: told for name, told in schema["properties"].items() if name != "image[]"}
    assert list(properties) == [field.name for field in fields_of(route, form)]
    assert all(told["description"] for told in properties.values())


def test_every_error_is_in_the_envelope(document: dict[str, Any]) -> None:
    """Each status is told by its number; 422 is none: OpenAI never answers it, nor does this server."""
    for methods in document["paths"].values():
        for operation in methods.values():
            errors = {status: told for status, told in operation["responses"].items() if int(status) >= 400}
            assert "500" in errors
            assert "422" not in errors
            assert all("ErrorEnvelope" in str(told) for told in errors.values())


def test_bounds_are_exact(document: dict[str, Any]) -> None:
    """Whole numbers as such: 2**63 - 1 is no decimal number."""
    schema = document["paths"]["/v1/images/generations"]["post"]["requestBody"]["content"]["application/json"]
    assert str(schema["schema"]["properties"]["seed"]["maximum"]) == str(2**63 - 1)


def test_what_is_set_aside_may_be_anything(document: dict[str, Any]) -> None:
    """And a picture is required, under one of its names in a form."""
    content = document["paths"]["/v1/images/edits"]["post"]["requestBody"]["content"]
    form, json = content["multipart/form-data"]["schema"], content["application/json"]["schema"]
    assert set(json["properties"]["svg"]) == {"description"}
    assert json["required"] == ["prompt", "images"]
    assert form["anyOf"] == [{"required": ["image"]}, {"required": ["image[]"]}]


def test_references_lead_somewhere(document: dict[str, Any]) -> None:
    """Every schema that is named is there."""
    schemas = document["components"]["schemas"]
    text = str(document)
    named = {part.split("'")[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= set(schemas)
    assert "$defs" not in text


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    """Client generators need them."""
    names = [
        operation["operationId"] for methods in document["paths"].values() for operation in methods.values()
    ]
    assert len(names) == len(set(names))


def test_the_page_for_people_is_there(lenient: TestClient) -> None:
    """At /docs."""
    assert "swagger" in lenient.get("/docs").text


def test_the_api_page_is_up_to_date() -> None:
    """docs/api-compat.md says what the table says; `make docs` writes it."""
    command = [sys.executable, str(ROOT / "scripts" / "api_page.py"), "--check"]
    assert subprocess.run(command, check=False).returncode == 0


def test_no_field_is_ignored() -> None:
    """Every row of the page says that a field is honoured, set aside or refused."""
    rows = [
        line.split(" | ")
        for line in (ROOT / "docs" / "api-compat.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `") and line.count(" | ") == 8
    ]
    assert len(rows) > 50
    assert {row[6] for row in rows} == {"honoured", "set aside", "refused"}
    assert not any("ignored" in cell for row in rows for cell in row)

"""Lists of calls, and what becomes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.testclient import TestClient

from tests.server.helpers import until

__all__ = ["GENERATIONS", "answers", "call", "created", "ended", "sent", "written"]

GENERATIONS = "/v1/images/generations"


def call(custom_id: str = "a", url: str = GENERATIONS, **body: Any) -> dict[str, Any]:
    """A line that draws at once."""
    asked = {"model": "gpt-image-1", "prompt": f"picture {custom_id}", "seed": 5} | body
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": asked}


def written(*lines: object) -> bytes:
    """A file of these lines; strings are written as they are."""
    return "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines).encode()


def sent(client: TestClient, *lines: object, purpose: str = "batch") -> str:
    """The id of an uploaded file of these lines."""
    files = {"file": ("calls.jsonl", written(*lines))}
    answer = client.post("/v1/files", data={"purpose": purpose}, files=files)
    assert answer.status_code == 200, answer.text
    file_id: str = answer.json()["id"]
    return file_id


def created(client: TestClient, *lines: object, endpoint: str = GENERATIONS, **more: Any) -> dict[str, Any]:
    """A batch of these lines."""
    body = {"input_file_id": sent(client, *lines), "endpoint": endpoint, "completion_window": "24h"} | more
    answer = client.post("/v1/batches", json=body)
    assert answer.status_code == 200, answer.text
    batch: dict[str, Any] = answer.json()
    return batch


def ended(client: TestClient, batch: Mapping[str, Any]) -> dict[str, Any]:
    """The batch when nothing more happens to it."""
    found: dict[str, Any] = {}

    def over() -> bool:
        found.update(client.get(f"/v1/batches/{batch['id']}").json())
        return found["status"] in ("completed", "failed", "cancelled", "expired")

    until(over)
    return found


def answers(client: TestClient, batch: Mapping[str, Any], kind: str = "output") -> dict[str, dict[str, Any]]:
    """The lines of a file that a batch has put out, by their custom_id; each is there once."""
    file_id = batch[f"{kind}_file_id"]
    if file_id is None:
        return {}
    lines = [json.loads(line) for line in client.get(f"/v1/files/{file_id}/content").text.splitlines()]
    found = {line["custom_id"]: line for line in lines}
    assert len(found) == len(lines)
    return found

"""Requests that nobody should send, by the thousand; the same ones each time.

Each function gives the requests of one kind. None of them makes a name be looked up or a host be called. Fields and
values are thinned out here: `test_hostile` has validation judge each value of each field.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from limner.server.contract.field import Route
from limner.server.contract.fields import fields_of
from tests.server.helpers import ICON, data_url
from tests.server.hostile_pictures import broken_pictures, odd_pictures
from tests.server.hostile_words import (
    BODIES,
    FILENAMES,
    HEADER_VALUES,
    HEADERS,
    KINDS,
    LINKS,
    MIMES,
    NAMES,
    PART_HEADS,
    PATHS,
    TEXTS,
    VALUES,
)

__all__ = ["BASE", "GENERATIONS", "JUDGED", "UNREAD", "Group", "Sent"]

GENERATIONS, EDITS, VARIATIONS = (f"/v1/images/{route}" for route in Route)
FILES = "/v1/files"
FORM = "multipart/form-data; boundary=b"
END = b"--b--\r\n"

BASE = {"model": "gpt-image-2", "prompt": "a", "size": "1024x1024"}
"""What every body has besides, right in both modes."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request."""

    path: str
    content: bytes = b""
    kind: str = "application/json"
    method: str = "POST"
    headers: Mapping[str, bytes] = field(default_factory=dict)


def _json(path: str, **values: Any) -> Sent:
    return Sent(path, json.dumps(values).encode())


def _part(name: str, content: bytes, *, filename: str | None = None, kind: str | None = None) -> bytes:
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"'
    head += "" if filename is None else f'; filename="{filename}"'
    head += "" if kind is None else f"\r\nContent-Type: {kind}"
    return head.encode(errors="surrogatepass") + b"\r\n\r\n" + content + b"\r\n"


def _image(
    data: bytes = ICON, name: str = "image", filename: str = "a.png", kind: str = "image/png"
) -> bytes:
    return _part(name, data, filename=filename, kind=kind)


def _form(path: str, values: Mapping[str, str], *files: bytes) -> Sent:
    texts = [_part(name, value.encode(errors="surrogatepass")) for name, value in values.items()]
    return Sent(path, b"".join([*texts, *files, END]), FORM)


def wrong_values() -> Iterator[Sent]:
    """Each field of a JSON body with many values."""
    edit = {"images": [{"image_url": data_url(ICON)}]}
    for route, more in ((Route.GENERATIONS, {}), (Route.EDITS, edit)):
        for known in fields_of(route, "json"):
            for value in VALUES[::7]:
                yield _json(f"/v1/images/{route}", **BASE | more | {known.name: value})


def wrong_texts() -> Iterator[Sent]:
    """Each field of a form with many texts, and with a file in its place."""
    for route in (Route.EDITS, Route.VARIATIONS):
        for known in fields_of(route, "form"):
            for text in TEXTS[::5]:
                yield _form(f"/v1/images/{route}", BASE | {known.name: text}, _image())
            yield _form(f"/v1/images/{route}", BASE, _image(), _image(name=known.name))


def wrong_names() -> Iterator[Sent]:
    """Fields that nobody knows, by names that break things elsewhere."""
    for name in NAMES:
        yield _json(GENERATIONS, **BASE | {name: 1})
        yield _form(EDITS, BASE | {name: "1"}, _image())


def wrong_mimes() -> Iterator[Sent]:
    """A picture under another type, and another name; the bytes are what counts."""
    for filename in FILENAMES:
        yield from (_form(EDITS, BASE, _image(kind=kind, filename=filename)) for kind in MIMES)
        yield _form(FILES, {"purpose": "vision"}, _image(name="file", filename=filename))


def bad_pictures() -> Iterator[Sent]:
    """Files that are cut, bent, lying, huge or seldom, as picture and as mask, in turns in each way to send one."""
    old = {"model": "dall-e-2", "size": "1024x1024"}
    for index, data in enumerate((*broken_pictures(), *odd_pictures())):
        link = {"image_url": data_url(data)}
        yield (
            _form(EDITS, BASE, _image(data)),
            _form(EDITS, BASE, _image(), _image(data, name="mask")),
            _json(EDITS, **BASE, images=[link], mask=link),
        )[index % 3]
        if index % 2:
            yield _form(VARIATIONS, old, _image(data))


def no_json() -> Iterator[Sent]:
    """What is not JSON, or not what a body should be, under every content type."""
    for path in (GENERATIONS, EDITS, "/v1/moderations"):
        yield from (Sent(path, content) for content in BODIES)
        yield from (Sent(path, content, kind) for kind in KINDS for content in BODIES[::10])


def torn_forms() -> Iterator[Sent]:
    """A good form that is cut after each few bytes, or has a few others."""
    rng = random.Random(7)
    whole = _form(EDITS, BASE | {"purpose": "vision"}, _image(), _image(name="file")).content
    for path in (EDITS, VARIATIONS, FILES):
        yield from (Sent(path, whole[:length], FORM) for length in range(0, len(whole), 47))
        yield from (Sent(path, _bent(whole, rng), FORM) for _ in range(40))


def _bent(data: bytes, rng: random.Random) -> bytes:
    found = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        found[rng.randrange(len(found))] = rng.randrange(256)
    return bytes(found)


def odd_forms() -> Iterator[Sent]:
    """Forms that break the rules of forms."""
    parts = [head + b"\r\n" + content for head in PART_HEADS for content in (b"", b"x", ICON)]
    whole = [b"--b\r\n" + part + b"\r\n" + END for part in parts]
    stumps = [
        b"\r\n",
        b"--b",
        END,
        END * 10,
        b"--b\r\n\r\n",
        b"--c\r\n" * 1000,
        b"--b\r\n" * 1000,
        b"a--b\r\n",
    ]
    many = [_part("a", b"") * 300 + END, _image() * 40 + END, _part("a", b"") * 2 + END]
    for path in (EDITS, VARIATIONS, FILES):
        yield from (Sent(path, content, FORM) for content in (*whole, *stumps, *many))


def bad_links() -> Iterator[Sent]:
    """Addresses as picture, as mask, and as an uploaded file's id."""
    good = [{"image_url": data_url(ICON)}]
    for link in LINKS:
        yield _json(EDITS, **BASE, images=[{"image_url": link}])
        yield _json(EDITS, **BASE, images=good, mask={"image_url": link})
        yield _json(EDITS, **BASE, images=[{"file_id": link}])


def bad_paths() -> Iterator[Sent]:
    """Ways out of folders, ids that are none, and methods that nobody has."""
    folders = ("/v1/files/images/", "/v1/files/", "/v1/models/", "/openai/deployments/", "/")
    for name in PATHS:
        for folder in folders:
            yield from (Sent(folder + name, method=method) for method in ("GET", "DELETE"))
        yield Sent(f"/v1/files/{name}/content", method="GET")
        yield Sent(f"/openai/deployments/{name}/images/edits")
    for method in ("PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "GETT", "*"):
        yield from (Sent(path, method=method) for path in (GENERATIONS, EDITS, FILES, "/healthz", "/"))


def bad_headers() -> Iterator[Sent]:
    """Headers with anything in them."""
    body = json.dumps(BASE | {"n": 0}).encode()
    for name in HEADERS:
        yield from (Sent(GENERATIONS, body, headers={name: value}) for value in HEADER_VALUES)


def bad_queries() -> Iterator[Sent]:
    """The list of files, moderations and uploads, asked for nonsense."""
    for text in TEXTS:
        shown = text.encode(errors="surrogatepass").hex("%")[:3000]
        for name in ("limit", "after", "order", "purpose", "a"):
            yield Sent(f"{FILES}?{name}=%{shown}", method="GET")
    for value in VALUES[::2]:
        yield from (_json("/v1/moderations", input=given) for given in (value, [value]))
        yield _json("/v1/moderations", input=[{"type": "text", "text": value}], model=value)
        for name in ("purpose", "expires_after[seconds]", "expires_after[anchor]"):
            yield _form(FILES, {"purpose": "vision"} | {name: str(value)}, _image(name="file"))


Group: TypeAlias = Callable[[], Iterable[Sent]]

JUDGED: tuple[Group, ...] = (wrong_values, wrong_texts, wrong_names, wrong_mimes, bad_pictures)
"""Those on which the two modes do not agree."""

UNREAD: tuple[Group, ...] = (no_json, torn_forms, odd_forms, bad_links, bad_paths, bad_headers, bad_queries)
"""Those that both refuse alike."""

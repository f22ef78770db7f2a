"""`limner.server.http.bodies`: what clients put on the wire, read but not judged."""

from __future__ import annotations

from collections.abc import Iterator

import anyio
import pytest
from starlette.requests import Request

from limner.server.errors import ApiError
from limner.server.http.bodies import Body, read_body

BOUNDARY = "openai-7"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def read(kind: str | None, data: bytes, *, forms: tuple[str, ...] = ("json", "form"), chunk: int = 7) -> Body:
    """The body of a request that arrives in small pieces."""
    headers = [] if kind is None else [(b"content-type", kind.encode())]
    pieces: Iterator[bytes] = iter([data[i : i + chunk] for i in range(0, len(data), chunk)])

    async def receive() -> dict[str, object]:
        piece = next(pieces, b"")
        return {"type": "http.request", "body": piece, "more_body": bool(piece)}

    async def whole() -> Body:
        request = Request({"type": "http", "headers": headers, "method": "POST", "app": None}, receive)
        async with read_body(request, forms=forms) as body:
            return body

    return anyio.run(whole)


def parts(*lines: str) -> bytes:
    """A form of parts, each with its headers and its content."""
    return "".join(f"--{BOUNDARY}\r\n{line}\r\n" for line in lines).encode() + f"--{BOUNDARY}--\r\n".encode()


def part(name: str, content: str, rest: str = "") -> str:
    """One part of a form."""
    return f'Content-Disposition: form-data; name="{name}"{rest}\r\n\r\n{content}'


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "text/plain", None])
def test_json_is_read_under_all_its_names(kind: str | None) -> None:
    """Also without one."""
    assert read(kind, b'{"n": 1}').values == {"n": 1}


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[1]", b'"x"', b"null", b'{"n": NaN}', b"\xff\xfe{}", b"[" * 100_000, b'{"a":1}x']
)
def test_what_is_no_json_object_is_told(data: bytes) -> None:
    """One sentence, known to clients, for all of it."""
    with pytest.raises(ApiError, match="We could not parse the JSON body of your request") as caught:
        read("application/json", data, chunk=50_000)
    assert (caught.value.status, caught.value.code) == (400, None)


def test_a_large_body_is_read_as_well() -> None:
    """On another thread, with the same result."""
    assert read("application/json", b'{"a": "' + b"x" * 300_000 + b'"}', chunk=65_536).values["a"][-1] == "x"


def test_a_form_is_read_in_whatever_pieces_it_comes() -> None:
    """Texts as strings, files apart, names as they were written."""
    data = parts(
        part("prompt", "ein Bär"),
        part("image[]", "PNG", '; filename="upload"\r\nContent-Type: application/octet-stream'),
        part("image[]", "PNG", '; filename="b"\r\nContent-Type: image/png'),
    )
    body = read(FORM, data)
    assert (body.form, body.values) == ("form", {"prompt": "ein Bär"})
    assert [file.filename for file in body.files["image"]] == ["upload", "b"]
    assert body.names == ("prompt", "image[]", "image[]")


def test_names_without_quotes_and_with_stars_are_read() -> None:
    """So writes .NET: RFC 6266 in its widest reading."""
    data = parts(
        "Content-Disposition: form-data; name=image; filename=\"a.png\"; filename*=utf-8''a.png\r\n\r\nPNG",
        "Content-Disposition: form-data; name=prompt\r\n\r\na cat",
    )
    body = read(FORM, data)
    assert body.values == {"prompt": "a cat"}
    assert list(body.files) == ["image"]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("multipart/form-data", parts(part("n", "1"))),
        (FORM, b"nonsense"),
        (FORM, parts(part("n", "1"))[:-6]),
        (FORM, parts(part("image", "PNG", '; filename="a"'))[:-20]),
        (FORM, f"--{BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nx\r\n--{BOUNDARY}--\r\n".encode()),
        (FORM, parts(*[part("n", "1")] * 300)),
        (FORM, parts(*[part("image[]", "x", '; filename="a"')] * 40)),
    ],
    ids=["no boundary", "no form", "no end", "half a file", "no name", "many texts", "many files"],
)
def test_what_is_no_form_is_told(kind: str, data: bytes) -> None:
    """A 400, whatever the parser thinks."""
    with pytest.raises(ApiError) as caught:
        read(kind, data, chunk=4096)
    assert caught.value.status == 400


def test_a_repeated_text_is_refused() -> None:
    """Which of the two counts is nobody's guess."""
    with pytest.raises(ApiError, match="Duplicate parameter: 'n'") as caught:
        read(FORM, parts(part("n", "1"), part("n", "2")))
    assert caught.value.param == "n"


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "image/png", "multipart/mixed"])
def test_another_content_type_is_a_415(kind: str) -> None:
    """The sentence names what is accepted."""
    with pytest.raises(ApiError, match="'application/json' and 'multipart/form-data'") as caught:
        read(kind, b"x")
    assert caught.value.status == 415


def test_a_route_accepts_what_it_accepts() -> None:
    """JSON alone, or forms alone."""
    with pytest.raises(ApiError, match="only accepts 'application/json' requests"):
        read(FORM, parts(part("n", "1")), forms=("json",))
    with pytest.raises(ApiError, match="only accepts 'multipart/form-data' requests"):
        read("application/json", b"{}", forms=("form",))

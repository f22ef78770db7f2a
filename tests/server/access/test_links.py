"""`limner.server.access.links`: links are read in one way, or not at all."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.errors import InvalidRequestError
from limner.server.access.links import MAX_URL_CHARACTERS, Target, decode_data_url, host_name, parse_link

PARAM = "images[0].image_url"


@pytest.mark.parametrize(
    ("link", "host", "port", "path"),
    [
        ("https://pictures.test/a.png", "pictures.test", 443, "/a.png"),
        ("HTTPS://Pictures.TEST.", "pictures.test", 443, "/"),
        ("https://pictures.test:8443?a=b&c=%20#x", "pictures.test", 8443, "/?a=b&c=%20"),
        ("https://pictures.test:/a#b", "pictures.test", 443, "/a"),
        ("https://bücher.test/ä", "xn--bcher-kva.test", 443, "/%C3%A4"),
        ("https://8.8.8.8/a", "8.8.8.8", 443, "/a"),
        ("https://[2606:4700::1111]:444/a", "2606:4700::1111", 444, "/a"),
        ("https://pictures.test/a@b/https://c?d=[e]", "pictures.test", 443, "/a@b/https://c?d=%5Be%5D"),
        (
            "https://pictures.test/\ud83d\udc36".encode("utf-16", "surrogatepass").decode("utf-16"),
            "pictures.test",
            443,
            "/%F0%9F%90%B6",
        ),
    ],
)
def test_a_link_is_taken_apart(link: str, host: str, port: int, path: str) -> None:
    """Host in ASCII and lower case, without its last dot; path and query quoted; no fragment."""
    assert parse_link(link, PARAM) == Target(host=host, port=port, path=path)


def test_the_host_header_names_an_odd_port_only() -> None:
    """443 goes without saying; an IPv6 address stands in brackets."""
    found = [
        parse_link(f"https://{host}/", PARAM).authority for host in ("a.test", "a.test:444", "[2a00::1]")
    ]
    assert found == ["a.test", "a.test:444", "[2a00::1]"]


ODD = [
    "",
    "pictures.test/a.png",
    "//pictures.test/a.png",
    "http://pictures.test/a.png",
    "file:///etc/passwd",
    "gopher://pictures.test",
    "https:pictures.test",
    "https:///a.png",
    "https://",
    "https://.",
    "https://a..test",
    "https://user@pictures.test",
    "https://user:word@pictures.test",
    "https://public.test@127.0.0.1/",
    "https://public.test\\@127.0.0.1/",
    "https://public.test\\.inside.test/",
    "https://127.1/",
    "https://0177.0.0.1/",
    "https://0x7f.0.0.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://127.0.0.1.0x/",
    "https://127.0.0.01/",
    "https://\uff11\uff12\uff17.\uff11/",
    "https://%31%32%37.0.0.1/",
    "https://pictures%2etest/",
    "https://pictures.test:99999/",
    "https://pictures.test:-1/",
    "https://pictures.test:443@inside.test/",
    "https://[::1/",
    "https://[::1%25lo]/",
    "https://[fe80::1%lo]/",
    "https://[127.0.0.1]/",
    "https://[v1.x]/",
    "https://pictures.test/a b",
    "https://pictures.test/a\r\nHost: inside.test",
    "https://pictures.test/a\tb",
    "https://pictures.test/\0",
    " https://pictures.test/",
    "https://pictures.test/\ud800",
    "https://pictures.test\uff0f@inside.test/",
    f"https://{'a' * 64}.test/",
    f"https://{'a.' * 130}test/",
    f"https://pictures.test/{'a' * 8192}",
]


@pytest.mark.parametrize("link", ODD)
def test_an_odd_link_is_refused(link: str) -> None:
    """What programs read in different ways is read in none; the error names the field."""
    with pytest.raises(InvalidRequestError, match=r"^Invalid 'images\[0\]\.image_url': ") as caught:
        parse_link(link, PARAM)
    assert caught.value.param == PARAM


def test_an_ideographic_dot_is_a_dot() -> None:
    """An IDN's other full stops cannot hide an address (RFC 3490, 3.1)."""
    assert host_name("127。0。0。1") == "127.0.0.1"
    assert host_name("pictures。test") == "pictures.test"


@settings(deadline=None, derandomize=True)
@given(st.text(), st.text("abc019.:@[]%\\/?#x-\r\n\t 。½", max_size=30))
def test_any_text_is_a_clean_target_or_refused(start: str, rest: str) -> None:
    """Nothing but a plain host and an ASCII path without blanks ever comes out."""
    for link in (start, f"https://{rest}", f"https://a.test{rest}", f"https://{rest}{start}"):
        try:
            target = parse_link(link, PARAM)
        except InvalidRequestError:
            continue
        assert set(target.host) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-_:")
        assert target.path.startswith("/")
        assert target.path.isascii()
        assert not set(target.path) & set(" \r\n\t\\#")


@pytest.mark.parametrize("head", ["data:image/png;base64", "data:;base64", "DATA:image/png;name=a;BASE64"])
def test_a_data_url_is_decoded(head: str) -> None:
    """Whatever type it claims; the bytes will tell."""
    assert decode_data_url(f"{head},{base64.b64encode(b'picture').decode()}", PARAM) == b"picture"


@pytest.mark.parametrize(
    "url",
    [
        "data:",
        "data:image/png;base64",
        "data:image/png;base64,",
        "data:image/png;base64,YWJ",  # a digit is missing
        "data:image/png;base64,YWJj ZGVm",
        "data:image/png;base64,YW\nJj",
        "data:image/png;base64,YWJj%3D",
        "data:image/png;base64,_-__",  # the alphabet for links
        "data:image/png;base64,é===",
        "data:image/svg+xml,%3Csvg%3E",
        "data:text/plain,YWJj",
        "data:image/png;base64;x,YWJj",
    ],
)
def test_a_bad_data_url_is_refused(url: str) -> None:
    """Only strict base64 is read; percent codes are not. The words are OpenAI's."""
    with pytest.raises(InvalidRequestError, match=r"^Invalid base64 image_url\.$") as caught:
        decode_data_url(url, PARAM)
    assert caught.value.param == PARAM


def test_the_longest_data_url() -> None:
    """20,971,520 characters are read, one more is not."""
    head = "data:image/png;base64,"
    text = "A" * (MAX_URL_CHARACTERS - len(head) - 2)
    assert len(decode_data_url(f"{head}{text}", PARAM)) > 15_000_000
    with pytest.raises(
        InvalidRequestError,
        match=r"string too long. Expected a string with maximum length 20971520, but got .* 20971521 instead",
    ):
        decode_data_url(f"{head}{text}AAA", PARAM)

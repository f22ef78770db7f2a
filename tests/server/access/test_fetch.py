"""`limner.server.access.fetch`: what a stranger's link can make the server do, and what it cannot."""

from __future__ import annotations

import base64
import itertools
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from limner.errors import InvalidRequestError, SettingsError
from limner.server.access.fetch import Fetcher, system_addresses
from tests.server.access.test_addresses import CLOSED
from tests.server.access.tls import Answer, Server, believing, serving

PARAM = "images[0].image_url"
FAILED = r"^Error while downloading file\. "


def answer(
    body: bytes = b"picture",
    status: int = 200,
    headers: dict[str, str] | None = None,
    length: int | None = None,
) -> Answer:
    """An ordinary answer; `length` may lie."""

    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = True

    return send


def redirect(location: str, status: int = 302) -> Answer:
    """An answer that sends the client elsewhere."""
    return answer(b"moved", status, {"Location": location})


def endless(first: bytes, then: bytes, pause: threading.Event) -> Answer:
    """An answer that never ends: a byte, or a block, every hundredth of a second."""

    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(first)
        while not pause.wait(0.01):
            handler.wfile.write(then)

    return send


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server with all that the tests ask for."""
    over = threading.Event()
    ok = b"HTTP/1.1 200 OK\r\n"
    answers = {
        "/picture?size=1": answer(),
        "/empty": answer(b""),
        "/large": answer(b"x" * 1001),
        "/full": answer(b"x" * 1000),
        "/missing": answer(b"no", 404),
        "/broken": answer(b"no", 500),
        "/partial": answer(b"pict", 206),
        "/short": answer(b"pict", length=7),
        "/announced": answer(b"", length=10**12),
        "/garbage": lambda handler: handler.wfile.write(b"SSH-2.0\r\n\r\n") and None,
        "/hangup": lambda handler: handler.connection.close(),
        "/slow-body": endless(ok + b"\r\n", b"x", over),
        "/slow-head": endless(ok, b"X-A: a\r\n", over),
        "/slow-line": endless(ok, b"x", over),
        "/flood": endless(ok + b"\r\n", b"x" * 500, over),
        "/chunked": endless(
            ok + b"Transfer-Encoding: chunked\r\n\r\n", b"1f4\r\n" + b"x" * 500 + b"\r\n", over
        ),
        "/to-nowhere": answer(b"", 302),
        "/to-itself": redirect("/to-itself"),
        "/to-http": redirect("http://pictures.test/picture"),
        "/to-file": redirect("file:///etc/passwd"),
        "/to-data": redirect("data:image/png;base64,AAAA"),
        "/to-brackets": redirect("https://[/"),
        "/to-inside": redirect("https://inside.test/"),
        "/to-user": redirect("https://a@other.test/"),
    }
    with serving(answers) as running:
        for status in (301, 302, 303, 307, 308):
            running.answers[f"/to-{status}"] = redirect("/picture?size=1", status)
        for hops in range(1, 5):
            last = "picture?size=1" if hops == 1 else f"hops-{hops - 1}"
            running.answers[f"/hops-{hops}"] = redirect(f"https://other.test:{running.port}/{last}")
        yield running
        over.set()


def looks_up(
    addresses: dict[str, list[str]], asked: list[str] | None = None
) -> Callable[[str, int], Sequence[str]]:
    """A resolver that knows these names only, and notes what it was asked."""

    def resolve(host: str, port: int) -> Sequence[str]:
        if asked is not None:
            asked.append(host)
        if host not in addresses:
            raise socket.gaierror(port, "unknown")
        return addresses[host]

    return resolve


@pytest.fixture(scope="module")
def trust() -> ssl.SSLContext:
    """Belief in the server's certificate."""
    return believing()


@pytest.fixture
def fetcher(trust: ssl.SSLContext) -> Fetcher:
    """A fetcher that may ask pictures.test and other.test for at most 1,000 bytes."""
    return fetcher_for(trust, seconds=10)


def fetcher_for(trust: ssl.SSLContext, seconds: float) -> Fetcher:
    """One that takes so many seconds at most."""
    names = ("pictures.test", "other.test", "inside.test", "xn--bcher-kva.test")
    return Fetcher(
        hosts=["Pictures.test.", "other.test", "bücher.test"],
        seconds=seconds,
        max_bytes=1000,
        resolve=looks_up({name: ["127.0.0.1"] for name in names}),
        context=trust,
    )


def fetch(fetcher: Fetcher, server: Server, path: str, host: str = "pictures.test") -> bytes:
    """What comes from the server's path."""
    return fetcher.fetch(f"https://{host}:{server.port}{path}", PARAM)


def test_a_picture_is_fetched_under_its_hosts_name(fetcher: Fetcher, server: Server) -> None:
    """The bytes come from the address that was looked up; certificate, SNI and Host are for the name."""
    assert fetch(fetcher, server, "/picture?size=1#fragment") == b"picture"
    assert server.seen[-1] == ("pictures.test", f"pictures.test:{server.port}", "/picture?size=1")
    assert fetch(fetcher, server, "/empty") == b""
    assert fetch(fetcher, server, "/full", "BÜCHER.test") == b"x" * 1000
    assert "xn--bcher-kva.test" in {name for name, _, _ in server.seen}


def test_a_data_url_needs_no_network() -> None:
    """Its bytes are decoded, whatever the case of its scheme; what is wrong with it is told of its field."""
    fetcher = Fetcher(resolve=looks_up({}))
    assert (
        fetcher.fetch(f"Data:image/png;base64,{base64.b64encode(b'picture').decode()}", PARAM) == b"picture"
    )
    with pytest.raises(InvalidRequestError, match="Invalid base64 image_url") as caught:
        fetcher.fetch("data:image/png,abc", PARAM)
    assert caught.value.param == PARAM


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/broken", r"Upstream status code: 500\.$"),
        ("/partial", r"Upstream status code: 206\.$"),
        ("/short", "less than it announced"),
        ("/large", "more than 1,000 bytes"),
        ("/announced", "more than 1,000 bytes"),
        ("/flood", "more than 1,000 bytes"),
        ("/chunked", "more than 1,000 bytes"),
        ("/garbage", "did not answer as it should"),
        ("/hangup", "did not answer as it should"),
        ("/to-nowhere", "more than 3 redirects"),
        ("/to-itself", "more than 3 redirects"),
        ("/hops-4", "more than 3 redirects"),
        ("/to-brackets", "did not answer as it should"),
        ("/to-inside", "no public address"),
    ],
)
def test_a_download_that_fails_is_told(fetcher: Fetcher, server: Server, path: str, reason: str) -> None:
    """The error is OpenAI's, of the parameter `url`, and says what happened."""
    with pytest.raises(InvalidRequestError, match=FAILED + f".*{reason}") as caught:
        fetch(fetcher, server, path)
    assert caught.value.param == "url"


@pytest.mark.parametrize(
    "path", ["/to-301", "/to-302", "/to-303", "/to-307", "/to-308", "/hops-1", "/hops-3"]
)
def test_redirects_are_followed(fetcher: Fetcher, server: Server, path: str) -> None:
    """Three at most, also to another host."""
    assert fetch(fetcher, server, path) == b"picture"


@pytest.mark.parametrize("path", ["/slow-head", "/slow-line", "/slow-body"])
def test_a_slow_answer_is_left(trust: ssl.SSLContext, server: Server, path: str) -> None:
    """A byte now and then, which keeps every single read short, does not keep the fetcher."""
    with pytest.raises(InvalidRequestError, match=FAILED + r"It took more than 0\.2 seconds"):
        fetch(fetcher_for(trust, 0.2), server, path)


def test_a_status_is_told_in_openais_words(fetcher: Fetcher, server: Server) -> None:
    """Clients may match on them."""
    with pytest.raises(InvalidRequestError) as caught:
        fetch(fetcher, server, "/missing")
    assert str(caught.value) == "Error while downloading file. Upstream status code: 404."


@pytest.mark.parametrize("path", ["/to-http", "/to-file", "/to-data", "/to-user"])
def test_redirects_are_links_like_any_other(fetcher: Fetcher, server: Server, path: str) -> None:
    """Where they lead must be a plain https link."""
    with pytest.raises(InvalidRequestError, match=r"^Invalid 'url'") as caught:
        fetch(fetcher, server, path)
    assert caught.value.param == "url"


@pytest.mark.parametrize("address", CLOSED.values(), ids=CLOSED)
def test_no_closed_address_is_connected_to(trust: ssl.SSLContext, address: str) -> None:
    """A name with one address that is not public is refused, however many others it has; so is no address."""
    for addresses in ([address], ["8.8.8.8", address], [address, "8.8.8.8"]):
        fetcher = Fetcher(resolve=looks_up({"evil.test": addresses}), context=trust)
        with pytest.raises(InvalidRequestError, match=FAILED + "The host 'evil.test' has no public address"):
            fetcher.fetch("https://evil.test/", PARAM)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "[::ffff:127.0.0.1]", "localhost"])
def test_no_closed_address_can_be_written_out(host: str) -> None:
    """An address in the link is looked up and judged like a name, here by the system's own resolver."""
    with pytest.raises(InvalidRequestError, match="has no public address"):
        Fetcher(resolve=system_addresses).fetch(f"https://{host}/", PARAM)


def test_unknown_and_private_names_are_refused_alike() -> None:
    """Which names a network has cannot be found out."""
    fetcher = Fetcher(resolve=looks_up({"known.test": ["10.0.0.1"]}))
    messages = []
    for name in ("known", "unknown"):
        with pytest.raises(InvalidRequestError) as caught:
            fetcher.fetch(f"https://{name}.test/", PARAM)
        messages.append(str(caught.value).replace(name, ""))
    assert messages[0] == messages[1]


def test_a_name_is_looked_up_once_and_that_is_where_it_goes(server: Server) -> None:
    """A resolver that answers otherwise the second time (DNS rebinding) is not asked a second time."""
    answers = itertools.chain([["127.0.0.1"]], itertools.repeat(["192.0.2.1"]))
    fetcher = Fetcher(
        hosts=["pictures.test"], resolve=lambda _host, _port: next(answers), context=believing()
    )
    assert fetch(fetcher, server, "/picture?size=1") == b"picture"
    assert next(answers) == ["192.0.2.1"]


def test_every_redirect_is_looked_up(server: Server) -> None:
    """Each hop is resolved by itself, and judged by its own host."""
    asked: list[str] = []
    known = {"pictures.test": ["127.0.0.1"], "other.test": ["127.0.0.1"]}
    fetcher = Fetcher(hosts=["pictures.test"], resolve=looks_up(known, asked), context=believing())
    with pytest.raises(InvalidRequestError, match="Only port 443"):
        fetch(fetcher, server, "/hops-1")
    fetcher = Fetcher(
        hosts=["pictures.test", "other.test"], resolve=looks_up(known, asked), context=believing()
    )
    assert fetch(fetcher, server, "/hops-2") == b"picture"
    assert asked == ["pictures.test", "pictures.test", "other.test", "other.test"]


def test_other_ports_are_for_own_hosts() -> None:
    """A public host cannot be made to be asked for at the port of another service."""
    with pytest.raises(InvalidRequestError, match="Only port 443 may be used"):
        Fetcher(resolve=looks_up({"evil.test": ["8.8.8.8"]})).fetch("https://evil.test:22/", PARAM)


def test_a_certificate_must_be_valid(server: Server) -> None:
    """One that nobody signed, or for another name, ends it before anything is asked."""
    before = len(server.seen)
    for context, host in ((None, "pictures.test"), (believing(), "wrong.test")):
        known = looks_up({host: ["127.0.0.1"]})
        fetcher = Fetcher(hosts=[host], resolve=known, context=context)
        with pytest.raises(InvalidRequestError, match="certificate is not valid"):
            fetch(fetcher, server, "/picture?size=1", host)
    assert len(server.seen) == before


def test_the_next_address_is_tried(server: Server) -> None:
    """An address at which nobody listens is not the end."""
    known = looks_up({"pictures.test": ["127.0.0.2", "127.0.0.1"]})
    fetcher = Fetcher(hosts=["pictures.test"], resolve=known, context=believing())
    assert fetch(fetcher, server, "/picture?size=1") == b"picture"


def test_nobody_there_is_told() -> None:
    """A closed port is an error like any other."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    fetcher = Fetcher(hosts=["pictures.test"], resolve=looks_up({"pictures.test": ["127.0.0.1"]}))
    with pytest.raises(InvalidRequestError, match="did not answer as it should"):
        fetcher.fetch(f"https://pictures.test:{port}/", PARAM)


def test_a_host_that_says_nothing_is_left() -> None:
    """A connection that is accepted and never answered, not even to shake hands, ends in time."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        fetcher = Fetcher(
            hosts=["pictures.test"], resolve=looks_up({"pictures.test": ["127.0.0.1"]}), seconds=0.1
        )
        with pytest.raises(InvalidRequestError, match=r"more than 0\.1 seconds: send the picture itself"):
            fetcher.fetch(f"https://pictures.test:{listening.getsockname()[1]}/", PARAM)


def test_a_slow_resolver_is_left() -> None:
    """The time for looking up counts, too."""
    over = threading.Event()

    def resolve(_host: str, _port: int) -> Sequence[str]:
        over.wait()
        return []

    with pytest.raises(InvalidRequestError, match=r"more than 0\.1 seconds"):
        Fetcher(resolve=resolve, seconds=0.1).fetch("https://pictures.test/", PARAM)
    over.set()


@pytest.mark.parametrize("host", ["", "a b", "https://a.test", "a/b", "127.1"])
def test_a_wrong_host_in_the_setting_is_told(host: str) -> None:
    """Found at start, with the setting's name."""
    with pytest.raises(SettingsError, match=r"write it like pictures\.example\.com") as caught:
        Fetcher(hosts=[host])
    assert caught.value.param == "LIMNER_FETCH_HOSTS"


def test_proxies_of_the_environment_are_not_used(
    fetcher: Fetcher, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would resolve the name again, out of sight."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert fetch(fetcher, server, "/picture?size=1") == b"picture"


def test_by_default_the_systems_certificates_are_believed() -> None:
    """And hosts' names are checked against them."""
    context: Any = Fetcher()._context
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)

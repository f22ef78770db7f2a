"""`limner.storage.disk`: links that work for their time, for those who have them, and for nobody else."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.errors import ExpiredError, NotFoundError, OutputError, SettingsError, StorageFullError
from limner.storage.disk import MEDIA_TYPES, DiskStore, StoredFile, StoredName
from limner.storage.signing import signature, signing_key
from tests.clock import Clock

KEY = b"k" * 32
HOUR = 3600

one_folder = settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def clock() -> Clock:
    """A clock at some time in 2026."""
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> DiskStore:
    """A store for an hour and 1,000 bytes."""
    return DiskStore(tmp_path / "pictures", KEY, HOUR, clock, max_bytes=1000)


def follow(store: DiskStore, link: str) -> StoredFile:
    """What a server does with a link."""
    parts = urlsplit(link)
    return store.open(parts.path.rpartition("/")[2], dict(parse_qsl(parts.query)))


def files(store: DiskStore) -> list[str]:
    """What lies in the store's folder."""
    return sorted(path.name for path in store._depot.folder.iterdir())


@pytest.mark.parametrize(("extension", "media_type"), MEDIA_TYPES.items())
def test_a_link_leads_to_its_picture(store: DiskStore, extension: str, media_type: str) -> None:
    """Its bytes, their number, their type, and a strong entity tag that is made from them."""
    link = store.url_path(store.put(b"picture", extension, media_type))
    found = follow(store, link)
    assert found.path.read_bytes() == b"picture"
    assert (found.size, found.media_type) == (7, media_type)
    assert found.etag == f'"{hashlib.sha256(b"picture").hexdigest()}"'


def test_a_link_ends_in_the_true_extension(store: DiskStore) -> None:
    r"""The path is one that clients which look for [\w\d]+\.png understand, and holds 128 random bits."""
    path = urlsplit(store.url_path(store.put(b"x", "png", "image/png"))).path
    assert re.fullmatch(r"/files/images/\w+_[0-9a-f]{32}\.png", path)


@pytest.mark.parametrize(
    ("extension", "media_type"), [("png", "image/webp"), ("html", "text/html"), ("", "")]
)
def test_an_extension_cannot_lie(store: DiskStore, extension: str, media_type: str) -> None:
    """An ending that does not belong to the type, or to no picture, is refused before anything is written."""
    with pytest.raises(OutputError, match="must not end in"):
        store.put(b"x", extension, media_type)
    assert files(store) == []


def test_equal_pictures_have_two_links(store: DiskStore) -> None:
    """The same bytes twice are two files with one entity tag."""
    links = [store.url_path(store.put(b"x", "png", "image/png")) for _ in range(2)]
    assert links[0] != links[1]
    assert follow(store, links[0]).etag == follow(store, links[1]).etag


def test_a_link_works_for_its_time(store: DiskStore, clock: Clock) -> None:
    """It works until the last moment of its hour, and is over at the next second, and for good."""
    link = store.url_path(store.put(b"x", "png", "image/png"))
    clock.now += HOUR - 0.001
    assert follow(store, link).size == 1
    clock.now += 1
    with pytest.raises(ExpiredError, match="draw the picture again"):
        follow(store, link)
    clock.now += HOUR
    assert store.sweep() == 1
    with pytest.raises(ExpiredError):
        follow(store, link)


def test_a_restart_keeps_links(tmp_path: Path, clock: Clock) -> None:
    """With the key from the folder, a store that is opened again, for longer, follows the old links."""
    link = ""
    for lifetime in (HOUR, 2 * HOUR):
        store = DiskStore(tmp_path, signing_key(tmp_path), lifetime, clock)
        link = link or store.url_path(store.put(b"x", "png", "image/png"))
        assert follow(store, link).size == 1


def test_an_hour_is_the_least(tmp_path: Path) -> None:
    """A shorter lifetime, or one that is no number, is refused at start."""
    for lifetime in (HOUR - 1, float("nan")):
        with pytest.raises(SettingsError, match="at least 3,600 seconds"):
            DiskStore(tmp_path, KEY, lifetime)


@pytest.mark.parametrize("query", [{}, {"signature": ""}, {"signature": "0" * 64}, {"signature": "é\ud800"}])
def test_a_link_without_its_signature_leads_nowhere(store: DiskStore, query: dict[str, str]) -> None:
    """The error does not tell whether such a picture exists."""
    name = store.put(b"x", "png", "image/png")
    with pytest.raises(NotFoundError, match="There is no such picture") as caught:
        store.open(name, query)
    with pytest.raises(NotFoundError, match=re.escape(str(caught.value))):
        store.open(name.replace("img_", "img_9"), query)


@one_folder
@given(st.integers(0, 200), st.characters(codec="utf-8"))
def test_a_changed_link_leads_nowhere(store: DiskStore, at: int, character: str) -> None:
    """No character of name or signature can be another; least of all those of the time."""
    name = f"img_1800000000_{'5' * 32}.png"
    (store._depot.folder / name).touch()
    link = f"{name} {signature(KEY, name)}"
    at %= len(link)
    changed = (link[:at] + character + link[at + 1 :]).split(" ")
    if changed != link.split(" "):
        with pytest.raises(NotFoundError, match="There is no such picture"):
            store.open(changed[0], {"signature": changed[-1]})


escapes = st.one_of(
    st.text(),
    st.text("./\\%2ef\0\n:~ png_img0123456789", max_size=80),
    st.builds(
        "{}img_1800000000_{}.png{}".format,
        st.sampled_from(["", "../", "/", "..\\", "\0", "./"]),
        st.text("0123456789abcdef٣/.", min_size=32, max_size=32),
        st.sampled_from(["\n", "\0", "/", "/../signing.key", ".", ":stream"]),
    ),
)


@one_folder
@given(escapes)
def test_no_name_leaves_the_folder(store: DiskStore, name: str) -> None:
    """A name of another form is refused even if it is signed, before the disk is touched."""
    signed = signature(KEY, name) if name.isascii() else ""
    with pytest.raises(NotFoundError, match="There is no such picture"):
        store.open(name, {"signature": signed})


def test_what_others_put_into_the_folder_stays_theirs(store: DiskStore, clock: Clock) -> None:
    """Neither the key nor a stranger's file can be fetched, or is swept away."""
    for name in ("signing.key", "notes.txt"):
        (store._depot.folder / name).write_bytes(b"x")
        with pytest.raises(NotFoundError):
            store.open(name, {"signature": signature(KEY, name)})
    clock.now += 100 * HOUR
    assert store.sweep() == 0


def test_a_picture_that_was_deleted_by_hand_is_not_found(store: DiskStore) -> None:
    """A good link to a file that is gone is an error of ours."""
    name = store.put(b"x", "png", "image/png")
    (store._depot.folder / name).unlink()
    with pytest.raises(NotFoundError, match="not there any more"):
        follow(store, store.url_path(name))


def test_sweeping_deletes_what_has_expired(store: DiskStore, clock: Clock) -> None:
    """Only that, and not before readers who came in time are through: a minute."""
    old = store.put(b"x", "png", "image/png")
    clock.now += HOUR / 2
    new = store.put(b"x", "png", "image/png")
    clock.now += HOUR / 2
    assert store.sweep() == 0
    assert files(store) == sorted([old, new])
    clock.now += 60
    assert store.sweep() == 1
    assert files(store) == [new]


def test_a_full_store_refuses(store: DiskStore, clock: Clock) -> None:
    """What does not fit is refused with numbers; it fits when something has expired."""
    store.put(b"x" * 600, "png", "image/png")
    with pytest.raises(StorageFullError, match=r"500 bytes do not fit: 600 of at most 1,000.*STORE_BYTES"):
        store.put(b"x" * 500, "png", "image/png")
    store.put(b"x" * 400, "png", "image/png")
    clock.now += HOUR + 60
    assert len(files(store)) == 2
    store.put(b"x" * 500, "png", "image/png")
    assert len(files(store)) == 1


def test_the_limit_holds_however_small_the_pictures(store: DiskStore) -> None:
    """Twenty pictures of fifty bytes are all that 1,000 bytes hold."""
    for _ in range(20):
        store.put(b"x" * 50, "png", "image/png")
    with pytest.raises(StorageFullError):
        store.put(b"x", "png", "image/png")


def test_four_stores_share_one_limit(tmp_path: Path, clock: Clock) -> None:
    """Processes that know nothing of each other stay below the limit of their folder together."""
    stores = [DiskStore(tmp_path, KEY, HOUR, clock, max_bytes=1000) for _ in range(4)]
    for store in stores * 10:
        try:
            store.put(b"x" * 50, "png", "image/png")
        except StorageFullError:
            break
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 1000


def test_many_threads_may_write_and_sweep(store: DiskStore) -> None:
    """No picture is lost, and sweeping in between is no error."""

    def put(number: int) -> StoredName:
        store.sweep()
        return store.put(b"%d" % number, "png", "image/png")

    with ThreadPoolExecutor(8) as threads:
        names = list(threads.map(put, range(50)))
    assert files(store) == sorted(names)


def test_a_killed_write_leaves_nothing_to_see(store: DiskStore, clock: Clock) -> None:
    """`kill -9` before the bytes are safe leaves a temporary file only, which is swept after an hour."""
    code = (
        "import os, signal, sys\n"
        "from limner.storage.disk import DiskStore\n"
        "store = DiskStore(sys.argv[1], b'k' * 32)\n"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "store.put(b'x', 'png', 'image/png')\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(store._depot.folder)], check=False, timeout=30)
    assert done.returncode == -9
    [name] = files(store)
    clock.now = (store._depot.folder / name).stat().st_mtime + HOUR
    assert (name.endswith(".tmp"), store.sweep()) == (True, 0)
    clock.now += 1
    assert (store.sweep(), files(store)) == (1, [])

"""API keys. A key is shown once, when it is made; what is kept is its SHA-256.

The hash needs neither salt nor slowness: a key is 256 random bits, which no list and no computer can guess.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from limner.errors import InvalidRequestError, NotFoundError, OutputError, SettingsError
from limner.files import write_json_atomic

__all__ = ["ApiKey", "KeyFile", "KeyRing"]

_PREFIX = "lk-"
_MAX_NAME = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """What is known of a key, which is not the key.

    Attributes:
        id: what it is called in lists, logs and limits; "key-" and 12 hexadecimal digits.
        name: what it is for, in its maker's words.
        sha256: of the key, in hexadecimal.
        created: seconds of the epoch.
        revoked: the same, or None while it is good.
    """

    id: str
    name: str
    sha256: str
    created: int
    revoked: int | None = None


class KeyFile:
    """A JSON file of keys, which any number of processes may read and change.

    Args:
        path: the file; it is made, with its folder, at the first key.
        clock: the time in seconds of the epoch.
    """

    def __init__(self, path: str | os.PathLike[str], clock: Callable[[], float] = time.time) -> None:
        self._path = Path(path)
        self._clock = clock
        self._seen: tuple[int, int, int] | None = None
        self._keys: tuple[ApiKey, ...] = ()

    def new(self, name: str) -> tuple[ApiKey, str]:
        """Make a key.

        Returns:
            What is kept of it, and the key itself, which is nowhere else.

        Raises:
            InvalidRequestError: the name is empty, or longer than 100 characters.
            OutputError: the file cannot be written.
            SettingsError: the file is damaged.
        """
        if not name.strip() or len(name) > _MAX_NAME:
            raise InvalidRequestError(
                f"a key's name must have 1 to {_MAX_NAME} characters: say what the key is for", param="name"
            )
        key = _PREFIX + secrets.token_urlsafe(32)
        made = ApiKey(
            id=f"key-{secrets.token_hex(6)}", name=name, sha256=_hash(key), created=int(self._clock())
        )
        with self._locked():
            self._write([*self.all(), made])
        return made, key

    def all(self) -> tuple[ApiKey, ...]:
        """All keys, revoked ones included, in the order in which they were made.

        The file is read again when it has changed, so that a server need not be told.

        Raises:
            SettingsError: the file is damaged, or cannot be read.
        """
        try:
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if seen != self._seen:
                self._keys = tuple(ApiKey(**facts) for facts in json.loads(self._path.read_bytes())["keys"])
                self._seen = seen
        except FileNotFoundError:
            self._seen, self._keys = None, ()
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise SettingsError(
                f"the keys file {self._path} cannot be read ({error}): restore it, or delete it and make new "
                "keys with `limner keys new`",
                param="LIMNER_KEYS_FILE",
            ) from error
        return self._keys

    def revoke(self, key_id: str) -> ApiKey:
        """End a key for good; one that is revoked already stays as it is.

        Raises:
            NotFoundError: there is no key of this id.
            OutputError: the file cannot be written.
            SettingsError: the file is damaged.
        """
        with self._locked():
            keys = {key.id: key for key in self.all()}
            if key_id not in keys:
                raise NotFoundError(f"there is no key {key_id}: `limner keys list` shows all", param="id")
            if keys[key_id].revoked is None:
                keys[key_id] = replace(keys[key_id], revoked=int(self._clock()))
                self._write(keys.values())
        return keys[key_id]

    def _write(self, keys: Iterable[ApiKey]) -> None:
        write_json_atomic(self._path, {"keys": [asdict(key) for key in keys]})

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes from changing the file at the same time, which would lose a change."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = self._path.with_name(f"{self._path.name}.lock").open("wb")
        except OSError as error:
            raise OutputError(
                f"{self._path} cannot be written ({error}): choose another file with LIMNER_KEYS_FILE"
            ) from error
        with lock:
            _lock(lock.fileno())
            yield


def _lock(handle: int) -> None:
    # Windows has no flock; two people who make a key in the same millisecond there take turns by themselves.
    with contextlib.suppress(ImportError):
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX)


class KeyRing:
    """Who may use the server: the keys of a file, and those that a setting names.

    Args:
        file: the file of keys.
        fixed: keys as they are, such as those of the setting `api_keys`.
    """

    def __init__(self, file: KeyFile, fixed: Iterable[str] = ()) -> None:
        self._file = file
        self._fixed = {digest: f"key-{digest[:12]}" for digest in map(_hash, fixed)}

    def needed(self) -> bool:
        """Whether callers need a key: one was made or set, be it revoked by now."""
        return bool(self._fixed or self._file.all())

    def owner(self, key: str) -> str | None:
        """The id of a key, or None if it is unknown or revoked; takes the same time for any wrong key."""
        given = _hash(key)
        known = self._fixed | {each.sha256: each.id for each in self._file.all() if each.revoked is None}
        found = [owner for digest, owner in known.items() if hmac.compare_digest(digest, given)]
        return found[0] if found else None


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()

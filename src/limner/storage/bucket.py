"""Object storage that speaks Amazon's S3, for servers on many machines.

Address and keys of the service come from the usual variables: AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY, or from the machine's role.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.errors import OutputError, SettingsError, StorageDownError
from limner.storage.depot import Depot, FolderDepot, Item

if TYPE_CHECKING:
    from obstore.store import BackoffConfig, S3Store

__all__ = ["BucketDepot"]

_COPY_SECONDS = 3600
_REQUEST = timedelta(seconds=20)
# Within two or three seconds; clients that are told to come back outlast what takes longer.
_RETRIES = 5


class BucketDepot(Depot):
    """A part of a bucket.

    What is asked for is copied to this disk first, and handed out from there. A copy is deleted with its object, or
    within the hours after another machine deleted that.

    Args:
        url: of the bucket: s3://bucket or s3://bucket/prefix.
        name: of the part.
        folder: for copies; it is made if need be, for its owner's eyes only.

    Raises:
        SettingsError: the package for it is not installed, or a variable is wrong.
        OutputError: the folder cannot be made.
    """

    def __init__(self, url: str, name: str, folder: str | os.PathLike[str]) -> None:
        self._bucket = _opened(url)
        self._name = name
        self.title = f"{url.rstrip('/')}/{name}"
        self._copies = FolderDepot(folder)
        self.folder = self._copies.folder

    def put(self, name: str, data: bytes) -> None:  # noqa: D102  see the class above
        with _asking(name):
            self._bucket.put(self._path(name), data)

    def put_file(self, name: str, path: Path) -> None:  # noqa: D102
        with _asking(name):
            self._bucket.put(self._path(name), path)

    def agreed(self, name: str, data: bytes) -> bytes:  # noqa: D102
        from obstore.exceptions import AlreadyExistsError

        with contextlib.suppress(FileNotFoundError):
            return self.read(name)
        with _asking(name), contextlib.suppress(AlreadyExistsError):
            self._bucket.put(self._path(name), data, mode="create")
        return self.read(name)

    def read(self, name: str) -> bytes:  # noqa: D102
        with _asking(name, missing=True):
            return bytes(self._bucket.get(self._path(name)).bytes())

    def find(self, name: str) -> Path:  # noqa: D102
        path = self._copies.find(name)
        if not path.exists():
            self._copies.put(name, self.read(name))
        return path

    def items(self, owner: str = "") -> list[Item]:  # noqa: D102
        with _asking(owner or self._name):
            found = [self._item(each) for page in self._listed(owner) for each in page]
        self._tidy(owner, {item.name for item in found})
        return found

    def remove(self, name: str) -> bool:  # noqa: D102
        with _asking(name):
            self._bucket.delete(self._path(name))
        self._copies.remove(name)
        return True

    def _path(self, name: str) -> str:
        return f"{self._name}/{name}"

    def _listed(self, owner: str) -> Iterator[Any]:
        return iter(self._bucket.list(self._path(owner).rstrip("/")))

    def _item(self, told: Mapping[str, Any]) -> Item:
        return Item(
            name=told["path"].removeprefix(f"{self._name}/"),
            size=told["size"],
            changed=told["last_modified"].timestamp(),
        )

    def _tidy(self, owner: str, names: set[str]) -> None:
        """Delete old copies of what is not in the bucket any more."""
        for copy in self._copies.items(owner):
            if copy.name not in names and time.time() - copy.changed > _COPY_SECONDS:
                self._copies.remove(copy.name)


def _opened(url: str) -> S3Store:
    """The bucket, or the part of it below a prefix; nothing is asked of it yet."""
    try:
        from obstore.exceptions import BaseError
        from obstore.store import S3Store
    except ImportError as error:
        raise SettingsError(
            f"object storage cannot be used: {error}. Install it with: pip install 'limner[cluster]'",
            param="LIMNER_STORAGE_URL",
        ) from error
    backoff: BackoffConfig = {
        "init_backoff": timedelta(seconds=0.1),
        "max_backoff": timedelta(seconds=1),
        "base": 2,
    }
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    try:
        return S3Store(
            bucket,
            prefix=prefix.strip("/") or None,
            # Only where the operator wrote it so; the default is TLS.
            client_options={
                "allow_http": os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://"),
                "timeout": _REQUEST,
            },
            retry_config={"max_retries": _RETRIES, "retry_timeout": _REQUEST, "backoff": backoff},
        )
    except (BaseError, ValueError) as error:
        raise SettingsError(
            f"{url} cannot be used: {error}. Correct it, or the AWS_* variables", param="LIMNER_STORAGE_URL"
        ) from error


@contextlib.contextmanager
def _asking(name: str, *, missing: bool = False) -> Iterator[None]:
    """What the service refuses is an error of ours.

    Args:
        name: of what is asked for.
        missing: it may be that there is no such thing; otherwise that means that there is no such bucket.

    Raises:
        FileNotFoundError: there is no such thing, and that may be.
        StorageDownError: the service cannot be reached, or fails.
        OutputError: it does not do it.
    """
    from obstore.exceptions import BaseError, GenericError

    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        if missing and isinstance(error, FileNotFoundError):
            raise
        # Its first line: what follows tells of the library's own inside.
        reason = str(error).strip().partition("\n")[0]
        kind = StorageDownError if isinstance(error, GenericError) else OutputError
        raise kind(
            f"the object storage does not do it for {name}: {reason}. Check LIMNER_STORAGE_URL, the AWS_* "
            "variables and the service"
        ) from error

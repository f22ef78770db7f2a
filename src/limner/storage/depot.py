"""Where the stores keep their bytes: under names, in one place that any number of processes share.

A name has letters, digits and a few signs, and at most one slash: an owner's things lie below the owner.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from limner.files import link_or_copy, write_atomic
from limner.storage._folder import entries, private_folder, remove

__all__ = ["Depot", "FolderDepot", "Item", "depot_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """What lies under a name; `changed` is when it was put there, in seconds of the epoch."""

    name: str
    size: int
    changed: float


class Depot(ABC):
    """Bytes under names.

    Attributes:
        title: where that is, for messages.
        folder: on this disk: where they are, or where copies of them are.
    """

    title: str
    folder: Path

    @abstractmethod
    def put(self, name: str, data: bytes) -> None:
        """Put bytes under a name, all of them or, if that fails, none.

        Raises:
            OutputError: they cannot be written.
        """

    @abstractmethod
    def put_file(self, name: str, path: Path) -> None:
        """Put a file of this disk, which nobody changes any more, under a name.

        Raises:
            OutputError: it cannot be written.
        """

    @abstractmethod
    def agreed(self, name: str, data: bytes) -> bytes:
        """What all processes keep under a name: `data`, if nothing was there before.

        Raises:
            OSError, OutputError: it can be neither read nor written.
        """

    @abstractmethod
    def read(self, name: str) -> bytes:
        """The bytes under a name, as they are now.

        Raises:
            FileNotFoundError: there are none.
        """

    @abstractmethod
    def find(self, name: str) -> Path:
        """A file of this disk with the bytes under a name, which do not change.

        Raises:
            FileNotFoundError: there are none.
        """

    @abstractmethod
    def items(self, owner: str = "") -> list[Item]:
        """What there is, of one owner or of all and none; what others delete meanwhile is left out."""

    @abstractmethod
    def remove(self, name: str) -> bool:
        """Delete; False if another process did, or it cannot be done now."""


class FolderDepot(Depot):
    """A folder on a disk.

    Args:
        folder: where everything lies; it is made if need be, for its owner's eyes only.

    Raises:
        OutputError: the folder cannot be made.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = private_folder(folder)
        self.title = str(self.folder)

    def put(self, name: str, data: bytes) -> None:  # noqa: D102  see the class above
        write_atomic(self._made(name), data)

    def put_file(self, name: str, path: Path) -> None:  # noqa: D102
        link_or_copy(path, self._made(name))

    def agreed(self, name: str, data: bytes) -> bytes:  # noqa: D102
        path = self.folder / name
        if not path.exists():
            _create(path, data)
        return path.read_bytes()

    def read(self, name: str) -> bytes:  # noqa: D102
        return (self.folder / name).read_bytes()

    def find(self, name: str) -> Path:  # noqa: D102
        return self.folder / name

    def items(self, owner: str = "") -> list[Item]:  # noqa: D102
        top = self.folder / owner
        folders = [top] if owner else [top, *(path for path in top.iterdir() if path.is_dir())]
        return [
            Item(name=entry.path.relative_to(self.folder).as_posix(), size=entry.size, changed=entry.changed)
            for folder in folders
            for entry in entries(folder)
        ]

    def remove(self, name: str) -> bool:  # noqa: D102
        return remove(self.folder / name)

    def _made(self, name: str) -> Path:
        path = self.folder / name
        if path.parent != self.folder:
            private_folder(path.parent)
        return path


def depot_of(place: Depot | str | os.PathLike[str]) -> Depot:
    """The depot itself, or the one that a folder is.

    Raises:
        OutputError: the folder cannot be made.
    """
    return place if isinstance(place, Depot) else FolderDepot(place)


def _create(path: Path, data: bytes) -> None:
    temporary = path.parent / f".{secrets.token_hex(8)}.tmp"
    handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, does not replace what a process put there that was faster.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temporary)
    finally:
        temporary.unlink()

"""Batches in a folder of one machine: a JSON file for each, and beside it what it goes in and out.

::

    batch_<48 hex digits>.json           its state; written anew, whole, whenever that changes
    batch_<48 hex digits>.input.jsonl    its lines, from when it is taken in until it is over
    batch_<48 hex digits>.output.jsonl   the answers so far, each line one of them
    batch_<48 hex digits>.errors.jsonl   the same, of lines that failed

The lists are there before the state and go after it, so a process that is killed leaves nothing but lists without a
state, which `sweep` deletes after an hour. The processes of a machine may share a folder: one of them works.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any, Literal, TypeAlias

from limner.bulk.ledger import Ledger
from limner.errors import LimnerError
from limner.files import link_or_copy, take_lock, write_json_atomic
from limner.storage._folder import (
    Quota,
    entries,
    folder_of,
    is_stray,
    private_folder,
    remove,
    writing,
)
from limner.storage.batches import KEPT_SECONDS, Answers, Batch, BatchStore, is_batch_id

__all__ = ["FolderBatchStore"]

_Kind: TypeAlias = Literal["input", "output", "errors"]
_LIST = re.compile(r"(.*)\.(input|output|errors)\.jsonl")
_ORPHAN_SECONDS = 3600


class _Ledgers(Answers):
    """Two files that only grow."""

    def __init__(self, output: Path, errors: Path) -> None:
        self._ledgers = (Ledger(output), Ledger(errors))
        self._ids = tuple(
            {str(line["custom_id"]) for line in ledger if "custom_id" in line} for ledger in self._ledgers
        )

    def has(self, custom_id: str) -> bool:
        return any(custom_id in ids for ids in self._ids)

    def count(self, *, failed: bool) -> int:
        return len(self._ids[failed])

    def add(self, custom_id: str, pieces: Iterable[bytes], *, failed: bool) -> bool:
        # Nobody else works on it, and who does takes each line once.
        del custom_id
        self._ledgers[failed].append_bytes(pieces)
        return True

    def failures(self) -> Iterator[dict[str, Any]]:
        return iter(self._ledgers[True])

    def file(self, *, failed: bool) -> contextlib.AbstractContextManager[Path]:
        return contextlib.nullcontext(self._ledgers[failed].path)

    def close(self) -> None:
        for ledger in self._ledgers:
            ledger.close()


class FolderBatchStore(BatchStore):
    """A folder of batches.

    Args:
        folder: where they lie; it is made if need be, for its owner's eyes only.
        clock: the time in seconds of the epoch.
        max_bytes: how much all answers of batches that are not over may take together.

    Raises:
        OutputError: the folder cannot be made.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        clock: Callable[[], float] = time.time,
        *,
        max_bytes: float = math.inf,
    ) -> None:
        super().__init__(clock)
        self._folder = private_folder(folder)
        self._right: IO[bytes] | None = None
        self._quota = Quota(
            max_bytes,
            used=self._answers_bytes,
            sweep=lambda: None,
            remedy="Wait for other batches to be over, or raise LIMNER_STORE_BYTES",
        )

    def claim(self) -> list[Batch]:  # noqa: D102  see `BatchStore`
        self._right = self._right or take_lock(self._folder / ".lock")
        if self._right is None:
            return []
        found = [batch for folder in self._owners() for batch in self._of(folder) if not batch.over]
        return sorted(found, key=lambda batch: batch.id)

    def release(self) -> None:  # noqa: D102
        if self._right is not None:
            self._right.close()
            self._right = None

    def add(self, batch: Batch, source: Path) -> None:  # noqa: D102
        private_folder(folder_of(self._folder, batch.owner))
        with writing():
            if not batch.over:
                link_or_copy(source, self._list_path(batch, "input"))
            self.put(batch)

    def put(self, batch: Batch) -> Batch:  # noqa: D102
        write_json_atomic(self._state_path(batch), asdict(batch))
        if batch.over:
            for kind in ("input", "output", "errors"):
                remove(self._list_path(batch, kind))
        return batch

    def cancel(self, batch: Batch) -> Batch:  # noqa: D102
        if batch.status != "in_progress":
            return batch
        return self.put(replace(batch, status="cancelling", cancelling_at=self.now()))

    def _find(self, batch_id: str, owner: str) -> Batch | None:
        return _read(folder_of(self._folder, owner) / f"{batch_id}.json")

    def _newest(self, owner: str, count: int, after: str | None) -> list[Batch]:
        found = sorted(self._of(folder_of(self._folder, owner)), key=lambda batch: batch.id, reverse=True)
        return [batch for batch in found if after is None or batch.id < after][:count]

    def unfinished(self, owner: str) -> int:  # noqa: D102
        return sum(not batch.over for batch in self._of(folder_of(self._folder, owner)))

    def lines(self, batch: Batch) -> Path:  # noqa: D102
        return self._list_path(batch, "input")

    def answers(self, batch: Batch) -> Answers:  # noqa: D102
        return _Ledgers(self._list_path(batch, "output"), self._list_path(batch, "errors"))

    def take_room(self, size: int) -> None:  # noqa: D102
        self._quota.take(size)

    def sweep(self) -> int:  # noqa: D102
        return sum(remove(path) for folder in self._owners() for path in self._litter(folder))

    def _litter(self, folder: Path) -> Iterator[Path]:
        now = self._clock()
        for entry in entries(folder):
            age, found = now - entry.changed, _LIST.fullmatch(entry.path.name)
            if is_stray(entry.path.name, entry.changed, now):
                yield entry.path
            elif entry.path.suffix == ".json" and age > KEPT_SECONDS:
                yield from (entry.path for batch in [_read(entry.path)] if batch and batch.over)
            elif found and is_batch_id(found[1]) and age > _ORPHAN_SECONDS:
                batch = _read(folder / f"{found[1]}.json")
                yield from [entry.path] if batch is None or batch.over else []

    def _answers_bytes(self) -> int:
        listed = (entry for folder in self._owners() for entry in entries(folder))
        return sum(
            entry.size for entry in listed if entry.path.name.endswith((".output.jsonl", ".errors.jsonl"))
        )

    def _of(self, folder: Path) -> Iterator[Batch]:
        for entry in entries(folder):
            if entry.path.suffix == ".json" and (batch := _read(entry.path)) is not None:
                yield batch

    def _owners(self) -> list[Path]:
        return [path for path in self._folder.iterdir() if path.is_dir()]

    def _state_path(self, batch: Batch) -> Path:
        return folder_of(self._folder, batch.owner) / f"{batch.id}.json"

    def _list_path(self, batch: Batch, kind: _Kind) -> Path:
        return folder_of(self._folder, batch.owner) / f"{batch.id}.{kind}.jsonl"


def _read(path: Path) -> Batch | None:
    """The batch whose state is in the file; None if there is none."""
    try:
        facts = json.loads(path.read_bytes())
        return Batch(**facts | {"errors": tuple(facts["errors"])})
    except FileNotFoundError:
        return None
    except (OSError, TypeError, ValueError, KeyError) as error:
        raise LimnerError(
            f"{path} cannot be read ({error}): delete it, and the batch was never there"
        ) from error

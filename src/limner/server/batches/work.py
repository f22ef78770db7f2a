"""A batch that is worked off: its lines drawn, its answers kept, and its files handed out in the end.

A line is answered when its answer is kept; whoever takes the batch up after a kill goes on with those that have none.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Generator
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import Any

from limner.bulk.runner import Piece
from limner.bulk.wishes import numbered_lines, object_of
from limner.errors import CancelledError, ShuttingDownError, StorageFullError
from limner.server.batches.answering import Answer, Answerer
from limner.server.batches.lines import BatchLine, read_line
from limner.server.errors import from_limner
from limner.server.http.pieces import JsonPieces
from limner.storage.batches import Batch, BatchStore
from limner.storage.uploads import UploadStore

__all__ = ["BatchWork"]

_logger = logging.getLogger("limner.server")

_LEFT = {
    "cancelled": ("batch_cancelled", "This request was not executed because the batch was cancelled."),
    "expired": (
        "batch_expired",
        "This request could not be executed before the completion window expired.",
    ),
}


class BatchWork:
    """The work of one batch, for a `Runner`.

    Args:
        batch: its state.
        store: where that is kept.
        uploads: where its files go in the end.
        answerer: draws its lines.

    Raises:
        LimnerError: its answers cannot be read or written.
    """

    def __init__(self, batch: Batch, store: BatchStore, uploads: UploadStore, answerer: Answerer) -> None:
        self._store = store
        self._uploads = uploads
        self._answerer = answerer
        self._lock = Lock()
        self._answers = store.answers(batch)
        answered, failed = (self._answers.count(failed=failed) for failed in (False, True))
        self._batch = replace(batch, completed=answered, failed=failed)
        self._rest = self._lines()
        self._halted = False
        self.gone = False

    @property
    def owner(self) -> str:
        """Whose it is."""
        return self._batch.owner

    @property
    def batch(self) -> Batch:
        """Where it stands, now."""
        return self._batch

    def cancel(self) -> Batch:
        """Begin nothing more; what is under way is finished.

        Raises:
            OutputError: that cannot be kept, and so is not so.
        """
        with self._lock:
            if self._batch.status == "in_progress":
                self._set(replace(self._batch, status="cancelling", cancelling_at=self._store.now()))
            return self._batch

    def hear(self, batch: Batch) -> None:
        """Somebody else may have cancelled it."""
        with self._lock:
            if batch.status == "cancelling" and self._batch.status == "in_progress":
                self._batch = replace(self._batch, status="cancelling", cancelling_at=batch.cancelling_at)

    def lose(self) -> None:
        """Stop here: somebody else works it off."""
        self._halted = True

    def take(self) -> Piece | None:
        """The next line that has no answer; None when there is none, or no more is to be begun."""
        if self._halted or self._batch.status != "in_progress" or self._is_late():
            return None
        line = next(self._rest, None)
        return None if line is None else partial(self._answer, line)

    def broke(self, error: Exception) -> None:
        """Stop here, until somebody takes the batch up again: that is no line's fault."""
        if not self._halted and not isinstance(error, CancelledError | ShuttingDownError):
            _logger.error("batch %s stops for now: %s", self._batch.id, error, exc_info=error)
        self._halted = True

    def finish(self) -> None:
        """Hand out what there is, unless it stopped halfway."""
        try:
            if not self._halted:
                self._conclude()
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the files; whoever takes the batch up again opens them anew."""
        self._rest.close()
        self._answers.close()
        self.gone = True

    def _is_late(self) -> bool:
        return self._store.now() >= self._batch.expires_at

    def _lines(self) -> Generator[BatchLine]:
        for _, line in numbered_lines(self._store.lines(self._batch)):
            found = read_line(object_of(line), self._batch.endpoint)
            if not self._answers.has(found.custom_id):
                yield found

    def _answer(self, line: BatchLine) -> None:
        answer = self._answerer.answer(line, self._batch)
        if answer.status == 200 and self._kept(line, answer):
            return
        if answer.status == 200:
            told = from_limner(StorageFullError("there is no room for the answer"))
            answer = Answer(status=told.status, body=told.envelope(), request_id=answer.request_id)
        self._keep(line.custom_id, _line(line.custom_id, response=answer.told()), failed=True)

    def _kept(self, line: BatchLine, answer: Answer) -> bool:
        """The answer is kept; False if there is no room for it."""
        pieces = _line(line.custom_id, response=answer.told())
        try:
            self._store.take_room(len(pieces))
        except StorageFullError:
            return False
        self._keep(line.custom_id, pieces, failed=False)
        return True

    def _keep(self, custom_id: str, pieces: JsonPieces, *, failed: bool) -> None:
        if self._answers.add(custom_id, pieces, failed=failed):
            with self._lock:
                name = "failed" if failed else "completed"
                self._batch = replace(self._batch, **{name: getattr(self._batch, name) + 1})

    def _set(self, batch: Batch) -> None:
        self._batch = self._store.put(batch)

    def _conclude(self) -> None:
        with self._lock:
            if self._batch.status == "in_progress":
                self._set(replace(self._batch, status="finalizing", finalizing_at=self._store.now()))
        left = self._write_off()
        self._name_files()
        batch, now = self._batch, self._store.now()
        self._hand_out()
        if batch.cancelling_at is not None:
            batch = replace(batch, status="cancelled", cancelled_at=now)
        elif left:
            batch = replace(batch, status="expired", expired_at=now)
        else:
            batch = replace(batch, status="completed", completed_at=now)
        with self._lock:
            self._set(batch)
        _logger.info(
            "batch %s is %s: %d of %d lines answered, %d failed",
            batch.id,
            batch.status,
            batch.completed,
            batch.total,
            batch.failed,
        )

    def _write_off(self) -> bool:
        """Whether lines were left; each gets an error, so that every line is in one of the files."""
        code, message = _LEFT["expired" if self._batch.cancelling_at is None else "cancelled"]
        for line in self._rest:
            pieces = _line(line.custom_id, error={"code": code, "message": message})
            self._keep(line.custom_id, pieces, failed=True)
        return any((line.get("error") or {}).get("code") == code for line in self._answers.failures())

    def _name_files(self) -> None:
        """Choose the files' ids before there are files: so a kill in between makes none twice."""
        batch = self._batch
        if batch.completed and batch.output_file_id is None:
            batch = replace(batch, output_file_id=self._uploads.new_id())
        if batch.failed and batch.error_file_id is None:
            batch = replace(batch, error_file_id=self._uploads.new_id())
        with self._lock:
            self._set(batch)

    def _hand_out(self) -> None:
        batch = self._batch
        for failed, file_id in ((False, batch.output_file_id), (True, batch.error_file_id)):
            if file_id is None:
                continue
            with self._answers.file(failed=failed) as path:
                self._uploads.adopt(
                    path,
                    file_id,
                    owner=batch.owner,
                    filename=f"{batch.id}_{'error' if failed else 'output'}.jsonl",
                    expires_after=batch.output_seconds,
                )


def _line(
    custom_id: str, *, response: dict[str, Any] | None = None, error: dict[str, str] | None = None
) -> JsonPieces:
    return JsonPieces(
        {
            "id": f"batch_req_{secrets.token_hex(16)}",
            "custom_id": custom_id,
            "response": response,
            "error": error,
        }
    )

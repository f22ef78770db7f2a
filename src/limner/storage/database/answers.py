"""The answers to a batch's lines, a row each."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from limner.storage.batches import Answers
from limner.storage.database.connection import Database
from limner.storage.database.tables import AnswerRow

__all__ = ["SharedAnswers"]

# Lines may hold whole pictures.
_AT_ONCE = 8


class SharedAnswers(Answers):
    """Rows of a database.

    Args:
        database: where they are.
        batch_id: of which batch.
    """

    def __init__(self, database: Database, batch_id: str) -> None:
        self._database = database
        self._batch = batch_id
        wanted = select(AnswerRow.line_id, AnswerRow.failed).where(AnswerRow.batch == batch_id)
        with database.statements() as connection:
            self._known: dict[str, bool] = {row[0]: row[1] for row in connection.execute(wanted)}

    def has(self, custom_id: str) -> bool:  # noqa: D102  see `Answers`
        return _line_id(custom_id) in self._known

    def count(self, *, failed: bool) -> int:  # noqa: D102
        return list(self._known.values()).count(failed)

    def add(self, custom_id: str, pieces: Iterable[bytes], *, failed: bool) -> bool:  # noqa: D102
        row = {
            "batch": self._batch,
            "line_id": _line_id(custom_id),
            "failed": failed,
            "line": b"".join(pieces),
        }
        once = insert(AnswerRow).values(row).on_conflict_do_nothing().returning(AnswerRow.line_id)
        with self._database.statements() as connection:
            return connection.scalar(once) is not None

    def failures(self) -> Iterator[dict[str, Any]]:  # noqa: D102
        return map(json.loads, self._lines(failed=True))

    @contextmanager
    def file(self, *, failed: bool) -> Iterator[Path]:  # noqa: D102
        with tempfile.TemporaryDirectory(prefix="limner-") as folder:
            path = Path(folder, "answers.jsonl")
            with path.open("wb") as file:
                file.writelines(line + b"\n" for line in self._lines(failed=failed))
            yield path

    def close(self) -> None:
        """There is nothing to let go of."""

    def _lines(self, *, failed: bool) -> Iterator[bytes]:
        last = ""
        mine = (AnswerRow.batch == self._batch, AnswerRow.failed == failed)
        wanted = select(AnswerRow.line_id, AnswerRow.line).order_by(AnswerRow.line_id).limit(_AT_ONCE)
        while True:
            with self._database.statements() as connection:
                rows = connection.execute(wanted.where(*mine, AnswerRow.line_id > last)).all()
            if not rows:
                return
            last = rows[-1][0]
            yield from (line for _, line in rows)


def _line_id(custom_id: str) -> str:
    # The database takes not every text; whoever sends a line may call it by any.
    return hashlib.sha256(custom_id.encode(errors="surrogatepass")).hexdigest()

"""The file that judgements are kept in: SQLite in WAL mode, answers are only ever added.

| table | a row is |
|---|---|
| clip | a window of an episode, with the sha256 of what it shows |
| pair | two clips, which of them is on the left, and the pair that it repeats, if any |
| labeler | a name |
| session | one opened page |
| assignment | a pair handed to a labeler for a while (a lease); its id makes an answer idempotent |
| judgment | an answer; a later one supersedes it (``superseded_by``), undo is such a row too |

At most one judgment of a pair and labeler is active, an assignment is answered at most once, and no
judgment is changed or deleted: the file itself refuses, by unique indices and triggers.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from rewardwrap.data import DataError

APPLICATION = 0x72776A64
"""SQLite's application_id: "rwjd"."""
FORMAT = 1
PATIENCE = 30.0
"""Seconds that a writer waits for another one."""
CHOICES = ("a", "b", "equal", "skip")
UNDONE = "undone"

SCHEMA = f"""
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE clip(
  id INTEGER PRIMARY KEY, episode_id TEXT NOT NULL, episode INTEGER NOT NULL,
  start INTEGER NOT NULL, length INTEGER NOT NULL, hash TEXT NOT NULL,
  UNIQUE(episode, start, length)
) STRICT;
CREATE TABLE labeler(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created REAL NOT NULL) STRICT;
CREATE TABLE session(
  id INTEGER PRIMARY KEY, labeler INTEGER NOT NULL REFERENCES labeler,
  ui_version TEXT NOT NULL, opened REAL NOT NULL
) STRICT;
CREATE TABLE pair(
  id INTEGER PRIMARY KEY, a INTEGER NOT NULL REFERENCES clip, b INTEGER NOT NULL REFERENCES clip,
  a_left INTEGER NOT NULL CHECK(a_left IN (0, 1)), repeats INTEGER REFERENCES pair,
  only_for INTEGER REFERENCES labeler, created REAL NOT NULL
) STRICT;
CREATE TABLE assignment(
  id TEXT PRIMARY KEY, pair INTEGER NOT NULL REFERENCES pair,
  labeler INTEGER NOT NULL REFERENCES labeler, session INTEGER REFERENCES session,
  place INTEGER NOT NULL, created REAL NOT NULL, leased_until REAL NOT NULL,
  closed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX assignment_open ON assignment(pair, labeler) WHERE closed = 0;
CREATE TABLE judgment(
  id INTEGER PRIMARY KEY, assignment TEXT NOT NULL REFERENCES assignment,
  pair INTEGER NOT NULL REFERENCES pair, labeler INTEGER NOT NULL REFERENCES labeler,
  choice TEXT NOT NULL CHECK(choice IN {(*CHOICES, UNDONE)!r}), ms INTEGER,
  session INTEGER REFERENCES session, ui_version TEXT NOT NULL, created REAL NOT NULL,
  superseded_by INTEGER REFERENCES judgment DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE UNIQUE INDEX judgment_active ON judgment(pair, labeler) WHERE superseded_by IS NULL;
CREATE UNIQUE INDEX judgment_answer ON judgment(assignment) WHERE choice <> '{UNDONE}';
CREATE TRIGGER judgment_stays BEFORE DELETE ON judgment
  BEGIN SELECT RAISE(ABORT, 'judgments are only ever added'); END;
CREATE TRIGGER judgment_is_final BEFORE UPDATE ON judgment
  WHEN OLD.superseded_by IS NOT NULL OR NEW.superseded_by IS NULL
    OR (OLD.id, OLD.assignment, OLD.pair, OLD.labeler, OLD.choice, OLD.created)
      IS NOT (NEW.id, NEW.assignment, NEW.pair, NEW.labeler, NEW.choice, NEW.created)
  BEGIN SELECT RAISE(ABORT, 'judgments are only ever added'); END;
"""


class Database:
    """One file, one connection, one writer at a time; other processes may read and write too.

    Args:
        path: The file.
        create: Make it where there is none.

    Raises:
        DataError: No such file, or one that holds something else.
    """

    def __init__(self, path: str | os.PathLike[str], *, create: bool = False) -> None:
        self.path = Path(path)
        if not create and not self.path.is_file():
            raise DataError(
                f"judgements must exist, got {self.path}. Make them with rewardwrap label."
            )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        if create:
            # who said what is nobody else's; SQLite's own files beside it take over these rights
            self.path.touch(mode=0o600)
        self._connection = sqlite3.connect(
            self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
        )
        # who forgets to close it gets no warning from Python 3.13
        weakref.finalize(self, self._connection.close)
        self._connection.row_factory = sqlite3.Row
        try:
            self._open(create)
        except sqlite3.DatabaseError as error:
            self.close()
            raise DataError(
                f"{self.path} must be a file of judgements, got: {error}. "
                "Give another --out, or the file that rewardwrap label wrote."
            ) from error
        except DataError:
            self.close()
            raise

    def _open(self, create: bool) -> None:
        run = self._connection.execute
        run("PRAGMA foreign_keys = ON")
        owner, version = (
            run(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        empty = not run("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if empty and create:
            run("PRAGMA journal_mode = WAL")
        elif (owner, version) != (APPLICATION, FORMAT):
            raise DataError(
                f"{self.path} must be a file of judgements of format {FORMAT}, got another SQLite "
                f"file (format {version}). Give another --out."
            )
        # every commit reaches the disk before it returns: WAL alone would leave that to checkpoints
        run("PRAGMA synchronous = FULL")
        if empty:
            with self.write() as connection:
                if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    for statement in _statements(SCHEMA):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA application_id = {APPLICATION}")
                    connection.execute(f"PRAGMA user_version = {FORMAT}")

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is on disk when the block ends, or never happened."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def read(self, query: str, values: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        """Rows of one query."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def meta(self, key: str, default: str = "") -> str:
        """A setting of this file."""
        found = self.read("SELECT value FROM meta WHERE key = ?", (key,))
        return str(found[0]["value"]) if found else default

    def close(self) -> None:
        """Give the file back; the last one to close folds the log into it."""
        self._connection.close()

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def set_meta(connection: sqlite3.Connection, key: str, value: object) -> None:
    """Write a setting, within a transaction."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, str(value)))


def _statements(script: str) -> Iterator[str]:
    """One statement after the other; ``executescript`` would commit the transaction around it."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""

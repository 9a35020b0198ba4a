"""The file a history lies in: SQLite, opened with care, its errors told as what the user can do about them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hfci import __version__
from hfci.errors import EnvironmentUnfit, HfciError, UsageError
from hfci.parsing import UNREADABLE, written_by

__all__ = ["PATIENCE_S", "Database"]

APPLICATION_ID = int.from_bytes(b"hfci")
SCHEMA = 4
SCHEMA_FILE = Path(__file__).parent / "data" / "history.sql"

# From each older schema to the next, when somebody writes: until then it is read as it is.
UPGRADES = {
    1: "CREATE TABLE about (hfci TEXT NOT NULL)",
    2: "-- a run may have a column of causes: whoever does not know it must not write the others",
    3: "-- it may have columns of speeds, of which the same holds",
}

# Seconds to wait for other writers: the longest import measured takes a few, and several may stand in line.
PATIENCE_S = 120.0

# What SQLite's primary result codes mean for the user (https://sqlite.org/rescode.html).
MEANINGS: dict[int, tuple[type[HfciError], str]] = {
    sqlite3.SQLITE_FULL: (EnvironmentUnfit, "the disk is full; the history is as it was"),
    sqlite3.SQLITE_IOERR: (EnvironmentUnfit, "the disk is full or fails; the history is as it was"),
    sqlite3.SQLITE_READONLY: (EnvironmentUnfit, "it cannot be written; check the rights of the file and its folder"),
    sqlite3.SQLITE_PERM: (EnvironmentUnfit, "it cannot be written; check the rights of the file and its folder"),
    sqlite3.SQLITE_CANTOPEN: (EnvironmentUnfit, "it cannot be opened; check the rights of the file and its folder"),
    sqlite3.SQLITE_BUSY: (EnvironmentUnfit, "another process has been writing for too long; try again"),
    sqlite3.SQLITE_LOCKED: (EnvironmentUnfit, "another process has been writing for too long; try again"),
    sqlite3.SQLITE_NOTADB: (UsageError, "this is no history of hfci"),
    sqlite3.SQLITE_CORRUPT: (UsageError, "this history is damaged; restore a copy, or begin a new one"),
}


class Database:
    """One SQLite file with the schema of a history.

    A rollback journal instead of a write-ahead log, so that a history at rest is one file that can be copied; and every
    commit on the disk before it is acknowledged (`synchronous` FULL).
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Take an open connection; `open` makes one."""
        self.path = path
        self._connection = connection

    @classmethod
    def open(cls, path: Path, *, create: bool = False, patience_s: float = PATIENCE_S) -> Database:
        """Open `path`; with `create`, make it where there is none.

        Raises UsageError where there is none, or what is there is no history or one of a newer hfci;
        EnvironmentUnfit where it cannot be opened or made.
        """
        if not create and not path.is_file():
            raise UsageError(f"no history at {path}; `hfci history add` begins one")
        with _explaining(path):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise EnvironmentUnfit(f"cannot make the folder of the history {path}: {error.strerror}") from error
            address = f"{path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"
            connection = sqlite3.connect(address, uri=True, timeout=patience_s, isolation_level=None)
            database = cls(path, connection)
            try:
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA foreign_keys = ON")
                if database._is_empty() and create:
                    database._begin()
                database._require_schema()
            except BaseException:
                connection.close()
                raise
            return database

    def close(self) -> None:
        """Close the file; idempotent."""
        self._connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that sees the history as it is now, whatever others write meanwhile."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give a connection whose changes are all made at the end, or none of them."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            if (schema := self._pragma("user_version")) in UPGRADES:
                for older in range(schema, SCHEMA):
                    connection.execute(UPGRADES[older])
                self._sign(connection)
            yield connection

    def shrink(self) -> None:
        """Give the space of what was deleted back to the disk."""
        with _explaining(self.path):
            self._connection.execute("VACUUM")

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with _explaining(self.path):
            self._connection.execute(begin)
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # After some errors SQLite has already rolled back; after others the next one to open the file does.
                with suppress(sqlite3.Error):
                    self._connection.rollback()
                raise

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    def _is_empty(self) -> bool:
        return self._pragma("schema_version") == 0

    def _begin(self) -> None:
        with self.writing() as connection:
            if not self._is_empty():  # another process was faster
                return
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            for statement in SCHEMA_FILE.read_text(encoding="utf-8").split(";")[:-1]:
                connection.execute(statement)
            self._sign(connection)

    def _sign(self, connection: sqlite3.Connection) -> None:
        """Say that the file is of this schema, and that this hfci made it so."""
        connection.execute(f"PRAGMA user_version = {SCHEMA}")
        connection.execute("DELETE FROM about")
        connection.execute("INSERT INTO about VALUES (?)", (__version__,))

    def _writer(self) -> str:
        """Return which hfci made the file what it is, where it says so."""
        try:
            return written_by(*self._connection.execute("SELECT hfci FROM about").fetchone())
        except (sqlite3.Error, TypeError):  # a newer one may keep it elsewhere, or nothing there
            return ""

    def _require_schema(self) -> None:
        if self._pragma("application_id") != APPLICATION_ID:
            raise UsageError(f"{self.path}: {MEANINGS[sqlite3.SQLITE_NOTADB][1]}")
        if (schema := self._pragma("user_version")) not in (*UPGRADES, SCHEMA):
            readable = ", ".join(map(str, (*UPGRADES, SCHEMA)))
            raise UsageError(f"{self.path}{self._writer()}: a history of schema {schema}, this hfci reads {readable}")


@contextmanager
def _explaining(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.DatabaseError, *UNREADABLE) as error:
        # Where SQLite has no code of its own for it, what it read is not what was written.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        kind, meaning = MEANINGS.get(code, MEANINGS[sqlite3.SQLITE_CORRUPT])
        raise kind(f"{path}: {meaning} ({error})") from error

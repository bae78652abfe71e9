"""The tickets changed last, found without looking at all of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from storage.indexes import Chronicle

START = datetime(2026, 3, 2, tzinfo=UTC)
minutes = st.integers(0, 30)


class SmallBlocks(Chronicle):
    """A chronicle that splits its blocks early."""

    BLOCK = 2


@given(st.dictionaries(st.integers(1, 40), st.lists(minutes, min_size=1, max_size=3)), minutes, st.integers(0, 41))
def test_a_chronicle_orders_like_a_sorted_list(moves: dict[int, list[int]], asked: int, number: int) -> None:
    """Whatever moved how often, pages and periods come out as if everything were sorted anew."""
    chronicle = SmallBlocks()
    for row_id, times in moves.items():
        for place, minute in enumerate(times):
            if place:
                chronicle.discard(row_id, START + timedelta(minutes=times[place - 1]))
            chronicle.add(row_id, START + timedelta(minutes=minute))
    moment = START + timedelta(minutes=asked)
    expected = sorted(((times[-1], row_id) for row_id, times in moves.items()), reverse=True)
    assert [row_id for _, row_id in chronicle.latest(100, None)] == [row_id for _, row_id in expected]
    assert chronicle.since(moment) == {row_id for minute, row_id in expected if minute >= asked}
    older = [row_id for minute, row_id in expected if (minute, row_id) < (asked, number)]
    assert [row_id for _, row_id in chronicle.latest(3, (moment, number))] == older[:3]

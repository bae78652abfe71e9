"""A whole desk goes from any store into any other one, and nobody can tell by what it answers."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rules.errors import StoreUnavailableError
from storage.content import Sum, compare, copy, sums_of
from storage.memory import MemoryStore
from storage.sql.store import SqlStore
from storage.tinydb_store import TinyDBStore
from tests.builders import MONDAY
from tests.storage import test_sql_machine as machine
from tests.storage.whole_desks import all_tables_are_filled, answers, fill, opened, take_in

KINDS = ["tinydb", "sqlite", "postgresql"]
SOAK = bool(os.environ.get("DESKBELL_SOAK"))
THESE = settings(
    max_examples=100 if SOAK else 10, deadline=None, derandomize=not SOAK,
    phases=list(Phase) if SOAK else [Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


def moved(source: Any, target: Any) -> dict[str, Sum]:
    """Everything goes over."""
    with source.content() as content, target.loading() as loading:
        return copy(content, loading)


@pytest.mark.parametrize("target_kind", KINDS)
@pytest.mark.parametrize("source_kind", KINDS)
def test_every_pair_of_stores(
    source_kind: str, target_kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Rows and their ids, raw bytes, what was seen, ledgers, the archive; then it goes on where it was."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    source = opened(source_kind, tmp_path / "a", request)()
    open_target = opened(target_kind, tmp_path / "b", request)
    target = open_target()
    try:
        fill(source)
        sums = moved(source, target)
        assert all_tables_are_filled({name: one.rows for name, one in sums.items()}) == []
        target.close()
        target = open_target()
        assert compare(sums, sums_of(target)) == []
        assert answers(target) == answers(source)
        assert list(target.verify()) == []
        for store in (source, target):
            with store.read() as look:
                assert not look.seen("mail:8")
                assert look.seen("mail:1")
            take_in(store, 8)
        assert answers(target) == answers(source)
        assert target.claim(MONDAY) == source.claim(MONDAY)
    finally:
        source.close()
        target.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_that_holds_something_is_not_filled(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    source, target = MemoryStore(), opened(kind, tmp_path, request)()
    try:
        fill(source)
        take_in(target, 1)
        before = answers(target)
        with pytest.raises(StoreUnavailableError, match="not empty"):
            moved(source, target)
        assert answers(target) == before
    finally:
        target.close()


def test_a_lost_row_and_a_changed_one_are_told_by_their_table() -> None:
    sums = {"tickets": Sum(3, "aa"), "entries": Sum(5, "bb")}
    fewer, changed = compare(sums, {"tickets": Sum(2, "aa"), "entries": Sum(5, "cc")})
    assert fewer == "The table tickets should have 3 rows and has 2."
    assert changed == "The table entries has 5 rows as it should, but not all say the same."
    assert compare(sums, dict(sums)) == []


@given(batches=st.lists(machine.units, max_size=4))
@THESE
def test_whatever_a_desk_went_through_goes_over(
    batches: Any, tmp_path_factory: pytest.TempPathFactory, postgres_url: str
) -> None:
    """Round through every kind of store, whatever was done before: each answers as the first."""
    folder = tmp_path_factory.mktemp("desk")
    machine.emptied(postgres_url)
    first = MemoryStore()
    for units in batches:
        for steps, commits in units:
            with first.begin() as work:
                for step in steps:
                    step(work)
                if commits:
                    work.commit()
    stores: list[Any] = [
        first, TinyDBStore(folder / "one"), SqlStore(f"sqlite:///{folder}/desk.db"), SqlStore(postgres_url, lease_s=0),
        TinyDBStore(folder / "two"),
    ]  # fmt: skip
    try:
        wanted = asked(first)
        for source, target in pairwise(stores):
            sums = moved(source, target)
            assert compare(sums, sums_of(target)) == []
            assert machine.difference(asked(target), wanted) == ""
    finally:
        for store in stores:
            store.close()


def asked(store: Any) -> Any:
    """What a store says to every question."""
    with store.read() as look:
        return machine.answers(look)

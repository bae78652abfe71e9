"""Every noun that is stored comes back as it was, whatever is written in its fields."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.effects import OutboxEntry
from rules.errors import StoreError
from rules.model import Alarm, Customer, Entry, Link, Proof, Quarantined, Tally, Ticket, Timer
from storage.records import LONG, codec, dumps, loads, loads_at
from storage.state import Kept
from tests.builders import MONDAY, a_ticket, an_entry

STORED = [Ticket, Entry, OutboxEntry, Timer, Link, Customer, Tally, Proof, Alarm, Quarantined, Kept]

texts = st.text(st.characters(), max_size=8) | st.text(st.characters(), min_size=LONG + 1, max_size=LONG + 3)


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Anything that a field with this type may hold."""
    simple = {
        str: texts,
        int: st.integers(-(2**62), 2**62),
        bool: st.booleans(),
        datetime: st.datetimes(timezones=st.just(UTC)),
        timedelta: st.timedeltas(),
    }
    if hint in simple:
        return simple[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    if dataclasses.is_dataclass(hint):
        return nouns(hint)
    origin, args = get_origin(hint), get_args(hint)
    if origin is tuple:
        return st.lists(values_of(args[0]), max_size=2).map(tuple)
    if origin in (Union, types.UnionType):
        return st.one_of([st.none() if one is type(None) else values_of(one) for one in args])
    assert issubclass(origin, Mapping)
    return st.dictionaries(texts, texts, max_size=2)


def nouns(kind: Any) -> st.SearchStrategy[Any]:
    """Any noun of one class."""
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: values_of(hints[field.name]) for field in dataclasses.fields(kind)})


@pytest.mark.parametrize("kind", STORED)
def test_a_noun_comes_back_as_it_was(kind: Any) -> None:
    """Through the codec, through JSON, with long texts kept elsewhere; a glimpse says the same of the short fields."""
    kept: list[str] = []

    def keep(text: str) -> str:
        kept.append(text)
        return str(len(kept) - 1)

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(nouns(kind))
    def comes_back(noun: Any) -> None:
        line = dumps(codec(kind).encode(noun, keep))
        assert b"\n" not in line
        record = json.loads(line)
        assert codec(kind).decode(record, lambda place: kept[int(place)]) == noun
        glimpse = codec(kind).glimpse(line)
        for field in dataclasses.fields(noun):
            value = getattr(noun, field.name)
            if not dataclasses.is_dataclass(value) and not (isinstance(value, str) and len(value) > LONG):
                assert getattr(glimpse, field.name) == value

    comes_back()


def test_a_long_text_leaves_only_its_place() -> None:
    """A journal row stays small however long the mail was."""
    kept: list[str] = []

    def keep(text: str) -> str:
        kept.append(text)
        return "1:0:10000:abc"

    record = codec(Entry).encode(an_entry(text="x" * 10_000), keep)
    assert record["text"] == {"at": "1:0:10000:abc"}
    assert kept == ["x" * 10_000]


def test_what_has_its_default_is_left_out() -> None:
    """Rows stay small and readable."""
    record = codec(Ticket).encode(a_ticket(), str)
    assert "assignee" not in record
    assert record["status"] == "new"
    assert record["opened_at"] == "2026-03-02T09:00:00+00:00"


def test_times_of_other_zones_are_stored_in_utc() -> None:
    """The same moment, written the same way."""
    offset = MONDAY.astimezone(datetime.strptime("+0800", "%z").tzinfo)
    assert codec(Ticket).encode(a_ticket(opened_at=offset), str)["opened_at"] == "2026-03-02T09:00:00+00:00"


def test_a_time_without_a_zone_is_refused() -> None:
    """Nobody could say which moment it meant."""
    with pytest.raises(ValueError, match="without a zone"):
        codec(Ticket).encode(a_ticket(opened_at=MONDAY.replace(tzinfo=None)), str)


def test_a_field_of_a_newer_desk_is_not_dropped_in_silence() -> None:
    """An older version must not write back a record that it understood in part."""
    with pytest.raises(StoreError, match="invented_later"):
        codec(Link).decode({"key": "k", "ticket": 1, "invented_later": 2}, str)


def test_a_type_nobody_knows_how_to_write_down_is_told_at_once() -> None:
    """A new kind of field fails when the codec is made, not when the first mail comes."""

    @dataclasses.dataclass(frozen=True)
    class Odd:
        """Has a field that cannot be stored."""

        numbers: complex

    with pytest.raises(TypeError, match="complex"):
        codec(Odd)


def test_a_field_that_nouns_had_once_is_left_out() -> None:
    """A folder written by an older version opens; a field that nobody ever knew does not pass in silence."""
    with pytest.raises(StoreError, match="shoe_size"):
        codec(Customer).decode({"email": "mei@example.net", "shoe_size": 44}, str)
    old = {"email": "mei@example.net", "acknowledged": 3, "acknowledged_at": "2026-03-02T09:00:00+00:00"}
    assert codec(Customer).decode(old, str).email == "mei@example.net"


@given(
    st.dictionaries(st.text(max_size=20), st.one_of(st.text(), st.integers(-(2**70), 2**70), st.booleans(), st.none()))
)
def test_a_row_is_the_same_line_whatever_wrote_it(record: dict[str, Any]) -> None:
    """What the desk wrote with the standard library and what it writes now is one format, letter by letter."""
    line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
    assert dumps(record) == line
    assert loads(line) == record


def test_half_a_letter_of_a_damaged_mail_comes_back_as_it_was() -> None:
    record = {"key": "mail:\ud83d", "subject": "caf\u00e9 \udcff"}
    assert dumps(record).isascii(), "no line of the journal may be unreadable as UTF-8"
    assert loads(dumps(record)) == record


@given(
    st.one_of(
        st.text(),
        st.text(st.characters(exclude_categories=())),
        st.integers(-(2**63), 2**63 - 1),
        # JSON has neither of the two that are left out.
        st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_the_first_value_of_a_row_is_read_without_the_rest(value: Any) -> None:
    """Whatever it is: with quotes and backslashes in it, half a letter, a whole number or another."""
    assert loads_at(dumps({"key": value, "rest": '"'}), len('{"key":')) == value

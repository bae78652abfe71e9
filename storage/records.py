"""Turns the desk's nouns into plain JSON records and back, whatever fields they have.

A record leaves out every field that has its default, so **a default is part of the format**: changing one changes what
stored records mean. Times are ISO 8601 in UTC, durations whole microseconds, one of several kinds of content carries
its class name under ``kind``. Long texts are handed to a text store and stand in the record as ``{"at": place}``.
"""

from __future__ import annotations

import dataclasses
import json
import re
import types
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from rules.effects import Mail, Post, Quoted, Whisper
from rules.errors import StoreError
from rules.model import Customer, Entry

T = TypeVar("T")

KeepText = Callable[[str], str]
"""Takes a long text, gives the place where it is found again."""

ReadText = Callable[[str], str]
"""Takes a place, gives the text that was kept there."""

Encode = Callable[[Any, KeepText], Any]
Decode = Callable[[Any, ReadText], Any]

LONG_FIELDS: Mapping[type, frozenset[str]] = {
    Entry: frozenset({"text", "quoted_text"}),
    Mail: frozenset({"text", "html"}),
    Post: frozenset({"text", "quote"}),
    Quoted: frozenset({"text"}),
    Whisper: frozenset({"text"}),
}
"""Fields whose texts are kept outside the record when they are long; all are in nouns read one at a time."""

RETIRED_FIELDS: Mapping[type, frozenset[str]] = {
    Customer: frozenset({"acknowledged", "acknowledged_at"}),
}
"""Fields that nouns had once; records that still hold them are read without."""

LONG = 200
"""More characters than this make a text long."""

_MICROSECOND = timedelta(microseconds=1)


_plain = msgspec.json.Encoder().encode
_escaped = json.JSONEncoder(separators=(",", ":")).encode
_parsed = msgspec.json.Decoder().decode
_scan = json.JSONDecoder().raw_decode
_WHOLE_NUMBER = re.compile(rb"-?[0-9]{1,20}(?![0-9.eE])")


class _Way(NamedTuple):
    """How values of one type go into a record and come back; None means: as they are."""

    encode: Encode | None
    decode: Decode | None


_AS_IS = _Way(None, None)


class _Field(NamedTuple):
    name: str
    default: Any
    way: _Way


def dumps(record: Any) -> bytes:
    """A record as one line of JSON. Broken surrogates from damaged mail survive, escaped."""
    try:
        return _plain(record)
    except UnicodeEncodeError:
        return _escaped(record).encode()


def loads(line: bytes) -> Any:
    """The value of a line of JSON. Raises ValueError when it is none."""
    try:
        return _parsed(line)
    except msgspec.DecodeError:
        # Broken surrogates, which no JSON should have, are read all the same.
        return json.loads(line)


def loads_at(line: bytes, start: int) -> Any:
    """The JSON value that begins at ``start`` in a line of ours; what follows it is not looked at."""
    if line[start : start + 1] == b'"':
        end = line.index(b'"', start + 1)
        text = line[start + 1 : end]
        if b"\\" not in text:
            return text.decode()
    elif number := _WHOLE_NUMBER.match(line, start):
        return int(number[0])
    return _scan(line.decode(), start)[0]


class Codec(Generic[T]):
    """Writes and reads the records of one dataclass."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        hints = get_type_hints(kind)
        long_fields = LONG_FIELDS.get(kind, frozenset())
        self.has_long_texts = bool(long_fields)
        """Whether the noun's own fields may hold a text of any length."""
        self._fields = tuple(
            _Field(field.name, _default_of(field), _LONG_TEXT if field.name in long_fields else _way(hints[field.name]))
            for field in dataclasses.fields(cast(Any, kind))
        )
        self._values_of = cast("Callable[[T], tuple[Any, ...]]", _getter([field.name for field in self._fields]))
        self._by_name = {field.name: field for field in self._fields}
        self._ways_out = tuple((field.name, field.default, field.way.encode) for field in self._fields)
        self._retired = RETIRED_FIELDS.get(kind, frozenset()) - self._by_name.keys()

    def encode(self, value: T, keep: KeepText) -> dict[str, Any]:
        """The record of a noun; long texts go to ``keep``. Raises ValueError for a time without a zone."""
        record = {}
        for (name, default, encode), held in zip(self._ways_out, self._values_of(value), strict=True):
            if held is not default and held != default:
                record[name] = held if encode is None else encode(held, keep)
        return record

    def decode(self, record: Mapping[str, Any], read: ReadText) -> T:
        """The noun of a record. Raises StoreError for a field or a value that this version does not know."""
        values = {}
        try:
            for name, stored in record.items():
                if name in self._retired:
                    continue
                decode = self._by_name[name].way.decode
                values[name] = stored if decode is None else decode(stored, read)
        except KeyError as unknown:
            raise StoreError(
                f"A record of {self._kind.__name__} holds {unknown}, which this version of Deskbell does not know: a "
                "newer one wrote it; start that one, or restore the backup made before the upgrade"
            ) from unknown
        return self._kind(**values)

    def glimpse(self, line: bytes) -> T:
        """Something with the fields of the noun in ``line``, each decoded when asked for; long texts are left empty.

        A required first field is read without parsing the rest: an index over a million rows needs no more of most.
        """
        return cast(T, _Glimpse(line, self._fields[0], self._by_name))


class _Glimpse:
    """A line of JSON that answers like its noun."""

    __slots__ = ("_fields", "_first", "_line", "_record")

    def __init__(self, line: bytes, first: _Field, fields: Mapping[str, _Field]) -> None:
        self._line = line
        self._first = first
        self._fields = fields
        self._record: dict[str, Any] | None = None

    def __getattr__(self, name: str) -> Any:
        if self._record is None:
            if name == self._first.name and self._first.way is _AS_IS and self._first.default is dataclasses.MISSING:
                return loads_at(self._line, len(name) + 4)
            self._record = loads(self._line)
        field = self._fields.get(name)
        if field is None:
            raise AttributeError(name)
        if name not in self._record:
            return field.default
        stored = self._record[name]
        return stored if field.way.decode is None else field.way.decode(stored, _no_text)


def _no_text(place: str) -> str:
    return ""


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) == 1:
        only = attrgetter(names[0])
        return lambda value: (only(value),)
    return attrgetter(*names)


def codec(kind: type[T]) -> Codec[T]:
    """The codec of a dataclass, made once."""
    made = _made.get(kind)
    if made is None:
        made = _made[kind] = Codec(kind)
    return cast(Codec[T], made)


_made: dict[type, Codec[Any]] = {}


def _default_of(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return dataclasses.MISSING


def _way(hint: Any) -> _Way:
    if hint in (str, int, bool, float):
        return _AS_IS
    if hint is datetime:
        return _Way(_encode_time, lambda stored, read: datetime.fromisoformat(stored))
    if hint is timedelta:
        return _Way(lambda value, keep: value // _MICROSECOND, lambda stored, read: timedelta(microseconds=stored))
    if isinstance(hint, type) and issubclass(hint, Enum):
        members = hint._value2member_map_
        # A third of what the property ``value`` costs, for the same.
        return _Way(lambda value, keep: value._value_, lambda stored, read: members[stored])
    if dataclasses.is_dataclass(hint):
        inner = codec(cast(Any, hint))
        return _Way(inner.encode, inner.decode)
    return _way_of_several(hint)


def _way_of_several(hint: Any) -> _Way:
    origin, args = get_origin(hint), get_args(hint)
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        return _tuple_way(_way(args[0]))
    if origin in (Union, types.UnionType):
        kinds = [one for one in args if one is not type(None)]
        inner = _way(kinds[0]) if len(kinds) == 1 else _tagged_way(kinds)
        return inner if len(kinds) == len(args) else _optional_way(inner)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return _Way(lambda value, keep: dict(value), lambda stored, read: stored)
    raise TypeError(f"No way to write down a {hint!r}")


def _tuple_way(item: _Way) -> _Way:
    encode, decode = item
    return _Way(
        lambda value, keep: list(value) if encode is None else [encode(one, keep) for one in value],
        lambda stored, read: tuple(stored) if decode is None else tuple([decode(one, read) for one in stored]),
    )


def _optional_way(inner: _Way) -> _Way:
    encode, decode = inner
    if encode is None or decode is None:
        return _AS_IS
    return _Way(
        lambda value, keep: None if value is None else encode(value, keep),
        lambda stored, read: None if stored is None else decode(stored, read),
    )


def _tagged_way(kinds: list[type]) -> _Way:
    codecs: dict[str, Codec[Any]] = {kind.__name__.lower(): codec(kind) for kind in kinds}

    def encode(value: Any, keep: KeepText) -> dict[str, Any]:
        kind = type(value).__name__.lower()
        return {"kind": kind, **codecs[kind].encode(value, keep)}

    def decode(stored: dict[str, Any], read: ReadText) -> Any:
        rest = dict(stored)
        return codecs[rest.pop("kind")].decode(rest, read)

    return _Way(encode, decode)


def _encode_time(value: datetime, keep: KeepText) -> str:
    if value.tzinfo is None:
        raise ValueError(f"A time without a zone cannot be stored: {value}")
    return value.isoformat() if value.tzinfo is UTC else value.astimezone(UTC).isoformat()


def _encode_text(value: str, keep: KeepText) -> Any:
    return value if len(value) <= LONG else {"at": keep(value)}


def _decode_text(stored: Any, read: ReadText) -> str:
    return stored if isinstance(stored, str) else read(stored["at"])


_LONG_TEXT = _Way(_encode_text, _decode_text)

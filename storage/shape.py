"""What this version can keep: tables, fields and values. What a newer one wrote beyond that is refused, not dropped."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import cache
from typing import Any, get_args, get_type_hints

from rules.errors import StoreError
from storage.kinds import KINDS
from storage.records import RETIRED_FIELDS

_OTHERS = frozenset({"seen", "ledger"})


@cache
def shape() -> tuple[str, ...]:
    """Every field and value that records of this version may have, at any depth: ``Ticket.number``, ``Status.new``."""
    found: dict[str, None] = {}
    for name, kind in KINDS.items():
        found[name] = None
        _walk(kind.noun, found, set())
    return tuple(sorted(found))


def check_shape(said: Iterable[str], where: object) -> None:
    """Raises StoreError when a snapshot says that its records may have what this version does not know."""
    if unknown := sorted(set(said) - _known()):
        raise newer(where, unknown)


def check_row(table: str, row: Any, where: object) -> None:
    """Raises StoreError when a row of the journal has a table, a field or a state that this version does not know."""
    fields = _fields().get(table)
    if fields is None:
        if table not in _OTHERS:
            raise newer(where, [table])
    elif row is not None and not row.keys() <= fields:
        raise newer(where, [f"{KINDS[table].noun.__name__}.{name}" for name in sorted(row.keys() - fields)])
    elif row is not None:
        for name, values in _values()[table]:
            if name in row and row[name] not in values:
                raise newer(where, [f"{KINDS[table].noun.__name__}.{name}: {row[name]}"])


def newer(where: object, unknown: list[str]) -> StoreError:
    """What is raised for what another version wrote."""
    told = ", ".join(unknown[:3]) + (f" and {len(unknown) - 3} more" if len(unknown) > 3 else "")
    return StoreError(
        f"{where} holds what this version of Deskbell does not know ({told}): a newer one wrote it; nothing was "
        "changed; start that one, or restore the backup made before the upgrade"
    )


@cache
def _known() -> frozenset[str]:
    retired = [f"{kind.__name__}.{name}" for kind, names in RETIRED_FIELDS.items() for name in names]
    return frozenset((*shape(), *retired))


@cache
def _fields() -> Mapping[str, frozenset[str]]:
    return {
        table: frozenset(field.name for field in dataclasses.fields(kind.noun)) | RETIRED_FIELDS.get(kind.noun, set())
        for table, kind in KINDS.items()
    }


@cache
def _values() -> Mapping[str, tuple[tuple[str, frozenset[Any]], ...]]:
    return {
        table: tuple(
            (name, frozenset(member.value for member in hint))
            for name, hint in get_type_hints(kind.noun).items()
            if isinstance(hint, type) and issubclass(hint, Enum)
        )
        for table, kind in KINDS.items()
    }


def _walk(hint: Any, found: dict[str, None], met: set[Any]) -> None:
    for inner in get_args(hint):
        _walk(inner, found, met)
    if not isinstance(hint, type) or hint in met:
        return
    met.add(hint)
    if issubclass(hint, Enum):
        found.update((f"{hint.__name__}.{member.value}", None) for member in hint)
    elif dataclasses.is_dataclass(hint):
        for name, inner in get_type_hints(hint).items():
            found[f"{hint.__name__}.{name}"] = None
            _walk(inner, found, met)

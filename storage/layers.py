"""Finds rows by a trait in both places where they are: in memory what changed, in the snapshot's index the rest."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from storage.indexes import Chronicle, DueTimes
from storage.kinds import moment_of
from storage.tables import Rows, Source

K = TypeVar("K", bound=Hashable)
L = TypeVar("L", bound=Hashable, contravariant=True)


class Groups(Protocol[L]):
    """Row ids in memory that share a trait."""

    def of(self, trait: L, /) -> Iterable[int]:
        """The row ids of one group."""


class Layered(Generic[K]):
    """Row ids that share a trait. ``number_of`` gives the number by which the snapshot's index knows a trait."""

    def __init__(self, rows: Rows[Any], trait: str, number_of: Callable[[K], int], fresh: Groups[K]) -> None:
        self._rows = rows
        self._trait = trait
        self._number_of = number_of
        self._fresh = fresh

    def of(self, trait: K) -> list[int]:
        """The rows that have this trait, ascending; of a text a few may be among them that have another one."""
        settled = list(self._settled(trait, archived=True))
        fresh = list(self._fresh.of(trait))
        return sorted(settled + fresh) if settled else sorted(fresh)

    def live(self, trait: K) -> list[int]:
        """Those of them that are not in the archive."""
        return [*self._fresh.of(trait), *self._settled(trait, archived=False)]

    def _settled(self, trait: K, *, archived: bool) -> Iterator[int]:
        for pairs, passed_over in self._rows.sources(self._trait, archived=archived):
            for row_id in pairs.among(self._number_of(trait)):
                if not passed_over(row_id):
                    yield row_id


class Newest:
    """Tickets by the time they were changed last."""

    def __init__(self, rows: Rows[Any], trait: str, fresh: Chronicle) -> None:
        self._rows = rows
        self._trait = trait
        self._fresh = fresh

    def since(self, at: datetime) -> set[int]:
        """The rows at or after a time."""
        found = self._fresh.since(at)
        for pairs, passed_over in self._rows.sources(self._trait):
            first = pairs.place_of(moment_of(at), 0)
            found.update(row_id for row_id in pairs.ids[first:] if not passed_over(row_id))
        return found

    def latest(self, limit: int, before: tuple[datetime, int] | None) -> list[int]:
        """The rows with the latest times before a time and row id, latest first."""
        fresh = self._fresh.latest(limit, before)
        settled = [_downwards(source, before) for source in self._rows.sources(self._trait)]
        return [row_id for _, row_id in islice(heapq.merge(fresh, *settled, reverse=True), limit)]


class Due:
    """Timers by due time. What rang already is passed over in the snapshot's index once, not each time."""

    def __init__(self, rows: Rows[Any], trait: str, fresh: DueTimes) -> None:
        self._rows = rows
        self._trait = trait
        self._fresh = fresh
        self._place = 0

    def start_over(self) -> None:
        """A row of the snapshot may count again that did not."""
        self._place = 0

    def first(self) -> int | None:
        """The row that is due next, or None."""
        heads = [self._fresh.head(), next(self._settled(), None)]
        return min((head for head in heads if head is not None), default=(0, None))[1]

    def until(self, now: datetime, limit: int) -> list[int]:
        """Rows due at or before ``now``, earliest first, then by row id; at most ``limit``."""
        moment = moment_of(now)
        settled: list[tuple[int, int]] = []
        for due in islice(self._settled(), limit):
            if due[0] > moment:
                break
            settled.append(due)
        return [row_id for _, row_id in sorted(settled + self._fresh.until(now, limit))[:limit]]

    def _settled(self) -> Iterator[tuple[int, int]]:
        sources = self._rows.sources(self._trait, archived=False)
        if not sources:
            return
        pairs, changed = sources[0]
        ids, end = pairs.ids, len(pairs.ids)
        place = self._place
        while place < end and changed(ids[place]):
            place += 1
        self._place = place
        for one in range(place, end):
            if not changed(ids[one]):
                yield pairs.keys[one], ids[one]


def _downwards(source: Source, before: tuple[datetime, int] | None) -> Iterator[tuple[int, int]]:
    """Moments and rows of a file, latest first, from a moment and row id on."""
    (keys, ids), passed_over = source
    end = len(keys) if before is None else source.pairs.place_of(moment_of(before[0]), before[1])
    for place in range(end - 1, -1, -1):
        if not passed_over(ids[place]):
            yield keys[place], ids[place]

"""Merges long sorted lists of numbers in small pieces, so that no other thread waits for them."""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Container, Sequence
from itertools import chain, compress

from storage.index_file import Numbers, Pairs, TableIndex

STEP = 4096
"""How many numbers are copied in one piece."""


class Placed:
    """Where the rows of a table went."""

    def __init__(self) -> None:
        self.ids, self.offsets = array("I"), array("Q")
        self.lengths, self.checksums = array("I"), array("I")

    def add(self, row_id: int, offset: int, length: int, checksum: int) -> None:
        """One new row."""
        self.ids.append(row_id)
        self.offsets.append(offset)
        self.lengths.append(length)
        self.checksums.append(checksum)

    def extend(self, old: TableIndex, first: int, end: int, moved: int) -> None:
        """Rows of another file, so many bytes further on."""
        self.ids.frombytes(_bytes(old.ids[first:end]))
        self.offsets.extend(map(moved.__add__, old.offsets[first:end]))
        self.lengths.frombytes(_bytes(old.lengths[first:end]))
        self.checksums.frombytes(_bytes(old.checksums[first:end]))


def in_order(added: list[tuple[int, int]], pause: Callable[[], None]) -> list[tuple[int, int]]:
    """In order, without a long sort that no other thread could interrupt."""
    parts = []
    for at in range(0, len(added), STEP):
        parts.append(sorted(added[at : at + STEP]))
        pause()
    return list(heapq.merge(*parts)) if len(parts) > 1 else [*chain(*parts)]


def merged(
    old: Pairs | None,
    changed: Container[int],
    added: Sequence[tuple[int, int]],
    pause: Callable[[], None],
    id_type: str = "I",
) -> Pairs:
    """Pairs of which some rows changed: those taken out, ``added`` (in order) put in."""
    if old is None or not len(old.keys):
        return Pairs(array("Q", [key for key, _ in added]), array(id_type, [row_id for _, row_id in added]))
    left = _without(old, changed, pause, id_type)
    return _with(left, added, pause, id_type) if added else left


def merged_rows(old: TableIndex, new: TableIndex, moved: int, pause: Callable[[], None]) -> TableIndex:
    """The rows of two files, where both have one that of the new; places in the new one are moved so many bytes on."""
    rows, at = Placed(), 0
    for place, row_id in enumerate(new.ids):
        before = bisect_left(old.ids, row_id, at)
        rows.extend(old, at, before, 0)
        at = before + 1 if before < len(old.ids) and old.ids[before] == row_id else before
        rows.add(row_id, new.offsets[place] + moved, new.lengths[place], new.checksums[place])
        pause()
    rows.extend(old, at, len(old.ids), 0)
    changed: Collection[int] = frozenset(new.ids)
    traits = {
        name: merged(old.traits.get(name), changed, list(zip(pairs.keys, pairs.ids, strict=True)), pause)
        for name, pairs in new.traits.items()
    }
    return TableIndex(rows.ids, rows.offsets, rows.lengths, rows.checksums, traits)


def _without(old: Pairs, changed: Container[int], pause: Callable[[], None], id_type: str) -> Pairs:
    keys, ids = array("Q"), array(id_type)
    for at in range(0, len(old.keys), STEP):
        some_keys, some_ids = old.keys[at : at + STEP], old.ids[at : at + STEP]
        stay = [row_id not in changed for row_id in some_ids]
        if all(stay):
            keys.frombytes(_bytes(some_keys))
            ids.frombytes(_bytes(some_ids))
        else:
            keys.extend(compress(some_keys, stay))
            ids.extend(compress(some_ids, stay))
        pause()
    return Pairs(keys, ids)


def _with(old: Pairs, added: Sequence[tuple[int, int]], pause: Callable[[], None], id_type: str) -> Pairs:
    keys, ids = array("Q"), array(id_type)
    at = 0
    for key, row_id in added:
        place = old.place_of(key, row_id)
        if place > at:
            keys.frombytes(_bytes(old.keys[at:place]))
            ids.frombytes(_bytes(old.ids[at:place]))
            at = place
        keys.append(key)
        ids.append(row_id)
        pause()
    keys.frombytes(_bytes(old.keys[at:]))
    ids.frombytes(_bytes(old.ids[at:]))
    return Pairs(keys, ids)


def _bytes(numbers: Numbers) -> bytes:
    """The numbers as they are in memory."""
    return memoryview(numbers).cast("B").tobytes() if len(numbers) else b""  # type: ignore[arg-type]  # all are buffers

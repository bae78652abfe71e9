"""Finding what is due, whose turn it is and what belongs together, without looking at every row."""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Hashable, Mapping
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from storage.kinds import moment_of

K = TypeVar("K", bound=Hashable)


class Groups(Generic[K]):
    """Row ids that share a trait (the timers of one ticket), each group ascending.

    A group is a tuple: small, and ignored by the garbage collector. It is meant for groups of a handful; use
    ``Sets`` where a group may hold a good part of the table.
    """

    def __init__(self) -> None:
        self._ids: dict[K, tuple[int, ...]] = {}

    def of(self, trait: K) -> tuple[int, ...]:
        """The row ids of one group."""
        return self._ids.get(trait, ())

    def add(self, trait: K, row_id: int) -> None:
        """Put a row into a group."""
        ids = self._ids.get(trait, ())
        if not ids or ids[-1] < row_id:
            self._ids[trait] = (*ids, row_id)
        elif row_id not in ids:
            self._ids[trait] = tuple(sorted((*ids, row_id)))

    def discard(self, trait: K, row_id: int) -> None:
        """Take a row out of a group."""
        left = tuple(one for one in self._ids.get(trait, ()) if one != row_id)
        if left:
            self._ids[trait] = left
        else:
            self._ids.pop(trait, None)


class Sets(Generic[K]):
    """Row ids that share a trait, for few and large groups (all closed tickets)."""

    def __init__(self) -> None:
        self._ids: dict[K, set[int]] = {}

    def of(self, trait: K) -> set[int]:
        """The row ids of one group; not to be changed."""
        return self._ids.get(trait, set())

    def add(self, trait: K, row_id: int) -> None:
        """Put a row into a group."""
        self._ids.setdefault(trait, set()).add(row_id)

    def discard(self, trait: K, row_id: int) -> None:
        """Take a row out of a group."""
        group = self._ids.get(trait)
        if group is not None:
            group.discard(row_id)
            if not group:
                del self._ids[trait]


class Chronicle:
    """Row ids by a time that moves forward, in blocks, so that a change costs the same with many rows as with few."""

    BLOCK = 1000

    def __init__(self) -> None:
        self._blocks: list[list[tuple[int, int]]] = []

    def add(self, row_id: int, at: datetime) -> None:
        """Put a row at its time."""
        one = (moment_of(at), row_id)
        if not self._blocks:
            self._blocks.append([one])
            return
        index = min(self._block_of(one), len(self._blocks) - 1)
        block = self._blocks[index]
        insort(block, one)
        if len(block) > 2 * self.BLOCK:
            self._blocks[index : index + 1] = [block[: self.BLOCK], block[self.BLOCK :]]

    def discard(self, row_id: int, at: datetime) -> None:
        """Take a row away from the time it was put at."""
        one = (moment_of(at), row_id)
        index = self._block_of(one)
        if index == len(self._blocks):
            return
        block = self._blocks[index]
        place = bisect_left(block, one)
        if block[place] == one:
            del block[place]
            if not block:
                del self._blocks[index]

    def since(self, at: datetime) -> set[int]:
        """The rows at or after a time."""
        first = (moment_of(at), 0)
        index = self._block_of(first)
        found = {row_id for block in self._blocks[index + 1 :] for _, row_id in block}
        if index < len(self._blocks):
            block = self._blocks[index]
            found.update(row_id for _, row_id in block[bisect_left(block, first) :])
        return found

    def latest(self, limit: int, before: tuple[datetime, int] | None) -> list[tuple[int, int]]:
        """The latest moments with their rows before a time and row id, latest first."""
        index, place = len(self._blocks), 0
        if before is not None:
            one = (moment_of(before[0]), before[1])
            index = self._block_of(one)
            place = bisect_left(self._blocks[index], one) if index < len(self._blocks) else 0
        found: list[tuple[int, int]] = []
        while len(found) < limit:
            if not place:
                if not index:
                    break
                index -= 1
                place = len(self._blocks[index])
            place -= 1
            found.append(self._blocks[index][place])
        return found

    def _block_of(self, one: tuple[int, int]) -> int:
        """The first block that ends at or after ``one``."""
        return bisect_left(self._blocks, one, key=_last)


def _last(block: list[tuple[int, int]]) -> tuple[int, int]:
    return block[-1]


class DueTimes:
    """Row ids by due time. A row that moved leaves its old place behind; it is skipped when it comes up."""

    def __init__(self) -> None:
        self._due: dict[int, int] = {}
        self._heap: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._due)

    def set(self, row_id: int, due_at: datetime) -> None:
        """Give a row its due time, whatever it was before."""
        due = moment_of(due_at)
        if self._due.get(row_id) == due:
            return
        self._due[row_id] = due
        heapq.heappush(self._heap, (due, row_id))
        if len(self._heap) > 2 * len(self._due) + 64:
            self._heap = [(due, row_id) for row_id, due in self._due.items()]
            heapq.heapify(self._heap)

    def discard(self, row_id: int) -> None:
        """Forget a row."""
        self._due.pop(row_id, None)

    def first(self) -> int | None:
        """The row that is due next, or None."""
        head = self.head()
        return head[1] if head else None

    def head(self) -> tuple[int, int] | None:
        """The moment and id of the row that is due next."""
        while self._heap:
            due, row_id = self._heap[0]
            if self._due.get(row_id) == due:
                return due, row_id
            heapq.heappop(self._heap)
        return None

    def until(self, now: datetime, limit: int) -> list[tuple[int, int]]:
        """Moments and rows due at or before ``now``, earliest first, then by row id; at most ``limit``."""
        moment = moment_of(now)
        found: dict[int, int] = {}
        while len(found) < limit and self._heap and self._heap[0][0] <= moment:
            due, row_id = heapq.heappop(self._heap)
            if self._due.get(row_id) == due:
                found[row_id] = due
        for row_id, due in found.items():
            heapq.heappush(self._heap, (due, row_id))
        return [(due, row_id) for row_id, due in found.items()]


class _Owed(NamedTuple):
    """What the lanes know of an unsettled outbox entry."""

    lane: str
    channel: str
    due_at: datetime
    urgency: int
    sending: bool


class Lanes:
    """Unsettled outbox entries, lane by lane: only the first of a lane may be sent, so order is kept within it."""

    def __init__(self) -> None:
        self._owed: dict[int, _Owed] = {}
        self._lanes: dict[str, list[int]] = {}
        self._heads = DueTimes()
        self._waiting: list[tuple[float, int]] = []
        self._ready: dict[str, list[tuple[int, int]]] = {}

    def enter(
        self, row_id: int, lane: str, due_at: datetime, urgency: int, *, sending: bool, channel: str = ""
    ) -> None:
        """Add an unsettled entry; its place in the lane is that of its row id (the order recorded)."""
        self._owed[row_id] = _Owed(lane, channel, due_at, urgency, sending)
        ids = self._lanes.setdefault(lane, [])
        insort(ids, row_id)
        if ids[0] == row_id and len(ids) > 1:
            self._heads.discard(ids[1])
        self._show_head(lane)

    def leave(self, row_id: int) -> None:
        """Take out an entry that is settled or about to change; the next of its lane moves up."""
        owed = self._owed.pop(row_id, None)
        if owed is None:
            return
        self._heads.discard(row_id)
        ids = self._lanes[owed.lane]
        del ids[bisect_left(ids, row_id)]
        if ids:
            self._show_head(owed.lane)
        else:
            del self._lanes[owed.lane]

    def claimable(self, now: datetime, limit: int, rooms: Mapping[str, int] | None = None) -> list[int]:
        """Heads of lanes that are queued and due: lower urgency first, then the order recorded.

        ``rooms`` says how many a channel takes at most; one that it does not name takes any number.
        """
        moment = now.timestamp()
        while self._waiting and self._waiting[0][0] <= moment:
            row_id = heapq.heappop(self._waiting)[1]
            if self._is_queued_head(row_id):
                self._make_ready(row_id)
        left: dict[str, int] = dict(rooms or {})
        found: dict[int, None] = {}
        while len(found) < limit and (channel := self._next_channel(left)) is not None:
            urgency, row_id = heapq.heappop(self._ready[channel])
            valid = self._is_queued_head(row_id) and self._owed[row_id].urgency == urgency
            if valid and row_id not in found and self._is_due(row_id, moment):
                found[row_id] = None
                left[channel] = left.get(channel, limit) - 1
        for row_id in found:
            self._make_ready(row_id)
        return list(found)

    def _make_ready(self, row_id: int) -> None:
        owed = self._owed[row_id]
        heapq.heappush(self._ready.setdefault(owed.channel, []), (owed.urgency, row_id))

    def _next_channel(self, left: Mapping[str, int]) -> str | None:
        """The channel with room whose next entry goes first."""
        heads = [(heap[0], channel) for channel, heap in self._ready.items() if heap and left.get(channel, 1) > 0]
        return min(heads)[1] if heads else None

    def first_due(self) -> datetime | None:
        """When the earliest queued head of a lane is due."""
        row_id = self._heads.first()
        return None if row_id is None else self._owed[row_id].due_at

    def _is_due(self, row_id: int, moment: float) -> bool:
        """Whether an entry may be sent; one that was put off after it had become due goes back to waiting."""
        due = self._owed[row_id].due_at.timestamp()
        if due > moment:
            heapq.heappush(self._waiting, (due, row_id))
        return due <= moment

    def _is_queued_head(self, row_id: int) -> bool:
        owed = self._owed.get(row_id)
        return owed is not None and not owed.sending and self._lanes[owed.lane][0] == row_id

    def _show_head(self, lane: str) -> None:
        row_id = self._lanes[lane][0]
        owed = self._owed[row_id]
        if owed.sending:
            self._heads.discard(row_id)
            return
        self._heads.set(row_id, owed.due_at)
        heapq.heappush(self._waiting, (owed.due_at.timestamp(), row_id))

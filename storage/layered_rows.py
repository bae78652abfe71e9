"""One table's rows in three places: what changed in memory, over the last snapshot, over the archive."""

from __future__ import annotations

from itertools import filterfalse

from storage.base import BaseTable
from storage.merging import GONE, Rows


class LayeredRows:
    """One table as lines of JSON: what changed since the last snapshot in memory, over the snapshot, over the archive.

    ``rows`` holds what changed; a row that is gone stands there as ``GONE`` as long as a snapshot has it.
    """

    def __init__(self) -> None:
        self.rows: dict[int, bytes] = {}
        self.base: BaseTable | None = None
        self.archive: BaseTable | None = None
        self._being_written: Rows = {}
        self._count: int | None = 0
        self._last = 0
        """There is no row after this one and never was."""

    def __len__(self) -> int:
        if self._count is None:
            self._count = len(self.ids())
        return self._count

    def __contains__(self, row_id: int) -> bool:
        return self.is_live(row_id) or (self.archive is not None and row_id in self.archive)

    def is_live(self, row_id: int) -> bool:
        """Whether there is such a row that is not in the archive only."""
        row = self.rows.get(row_id)
        return self._settled(row_id) if row is None else row is not GONE

    def live(self, row_id: int) -> bytes | None:
        """One row as a line of JSON, unless it is in the archive only."""
        row = self.rows.get(row_id)
        if row is None:
            return None if self.base is None else self.base.packed(row_id)
        return row or None

    def packed(self, row_id: int) -> bytes | None:
        """One row as it is held, a line of JSON; None when there is none."""
        row = self.live(row_id)
        return self.archive.packed(row_id) if row is None and self.archive is not None else row

    def last_id(self) -> int:
        """The highest row id of snapshot and archive."""
        return max(one.last_id if one is not None else 0 for one in (self.base, self.archive))

    def put(self, row_id: int, row: bytes) -> None:
        """Set one row."""
        # Most rows are new or were written a moment ago; then no file need be asked.
        if self._count is not None and (row_id > self._last or (not self.rows.get(row_id) and row_id not in self)):
            self._count += 1
        self.rows[row_id] = row
        if row_id > self._last:
            self._last = row_id

    def drop(self, row_id: int) -> bool:
        """Take one row away, if it is live; gives whether it was."""
        if not self.is_live(row_id):
            return False
        if row_id in self._being_written or self._settled(row_id):
            self.rows[row_id] = GONE
        else:
            del self.rows[row_id]
        if self._count is not None and row_id not in self:
            self._count -= 1
        return True

    def restore(self, row_id: int, row: bytes | None) -> None:
        """Let memory say of a row what it said before; nothing, if that is None."""
        before = row_id in self
        if row is None:
            self.rows.pop(row_id, None)
        else:
            self.rows[row_id] = row
        if self._count is not None:
            self._count += (row_id in self) - before

    def ids(self) -> list[int]:
        """All row ids, in no special order."""
        found = [row_id for row_id, row in self.rows.items() if row is not GONE]
        if self.base is not None:
            found.extend(filterfalse(self.rows.__contains__, self.base))
        if self.archive is not None:
            found.extend(filterfalse(self.is_live, self.archive))
        return found

    def freeze(self) -> Rows:
        """The rows in memory as they stand, for the next snapshot to write; until ``rest_on``, what it has is known."""
        self._being_written = dict(self.rows)
        return self._being_written

    def thaw(self) -> None:
        """The next snapshot came to nothing."""
        self._being_written = {}

    def rest_on(self, base: BaseTable) -> None:
        """Take the next snapshot's table as the ground; with it all rows are what they were."""
        self.base = base
        self._being_written = {}

    def load(self, base: BaseTable, archive: BaseTable | None) -> None:
        """Begin on these grounds."""
        self.base, self.archive, self._count = base, archive, None
        self._last = max(self.last_id(), max(self.rows, default=0))

    def _settled(self, row_id: int) -> bool:
        return self.base is not None and row_id in self.base

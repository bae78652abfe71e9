"""Dedupe keys and mailbox ledgers in journal and snapshot: a row for each would take more room than the tickets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from rules.model import Origin
from storage.base import Base, SeenBefore
from storage.journal import Change
from storage.protocol import LedgerLine
from storage.records import dumps
from storage.snapshot import LEDGER, SEEN
from storage.state import Ledger, Seen, State

Lines = Mapping[tuple[str, int], Mapping[int, LedgerLine]]
"""Mailbox and UIDVALIDITY, then UID to its line."""


def ledger_rows(ledger: Lines) -> dict[int, bytes]:
    """The ledger as one row for each mailbox and UIDVALIDITY.

    UIDs of messages that were not read stand as ranges by outcome, those that were as UID, size and hash by outcome.
    """
    rows = {}
    for row_id, ((mailbox, uid_validity), lines) in enumerate(ledger.items(), 1):
        unread: dict[str, list[int]] = {}
        read: dict[str, list[tuple[int, int, str]]] = {}
        for uid in sorted(lines):
            outcome, size, sha256 = lines[uid]
            if size or sha256:
                read.setdefault(outcome, []).append((uid, size, sha256))
            else:
                unread.setdefault(outcome, []).append(uid)
        ranges = {outcome: list(_ranges(uids)) for outcome, uids in unread.items()}
        row = {"mailbox": mailbox, "uid_validity": uid_validity, "outcomes": ranges}
        rows[row_id] = dumps({**row, "read": read} if read else row)
    return rows


def compact_changes(seen: Seen, ledger: Ledger) -> list[bytes]:
    """What the unit of work changed here, as changes for the journal."""
    changes = [dumps(["seen", digest.hex(), seen.knows(digest)]) for digest in seen.changed]
    for origin in ledger.changed:
        key = [origin.mailbox, origin.uid_validity, origin.uid]
        line = ledger.line(origin)
        proven = line is not None and (line.size or line.sha256)
        changes.append(dumps(["ledger", key, line if line is None or proven else line.outcome]))
    return changes


def restore_compact(state: State, base: Base, changes: Iterable[Change]) -> None:
    """Read both back from a snapshot and the journal's changes after it."""
    state.seen.base = SeenBefore(base.index.seen)
    ledgers = base.table(LEDGER)
    for row in filter(None, map(ledgers.packed, ledgers)):
        line = json.loads(row)
        lines = state.ledger.lines.setdefault((line["mailbox"], line["uid_validity"]), {})
        for outcome, ranges in line["outcomes"].items():
            told = LedgerLine(outcome)
            lines.update((uid, told) for first, last in ranges for uid in range(first, last + 1))
        for outcome, read in line.get("read", {}).items():
            lines.update((uid, LedgerLine(outcome, size, sha256)) for uid, size, sha256 in read)
    for name, key, value in changes:
        if name == SEEN:
            state.seen.revert(bytes.fromhex(key), value)
        else:
            told = LedgerLine(value) if isinstance(value, str) else value and LedgerLine(*value)
            state.ledger.revert(Origin(mailbox=key[0], uid_validity=key[1], uid=key[2]), told)


def _ranges(uids: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Ascending numbers as first and last of each unbroken run."""
    first = last = None
    for uid in uids:
        if first is None or last is None:
            first = last = uid
        elif uid == last + 1:
            last = uid
        else:
            yield first, last
            first = last = uid
    if first is not None and last is not None:
        yield first, last

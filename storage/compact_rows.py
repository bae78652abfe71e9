"""Dedupe keys and mailbox ledger as a few compact rows: one row for each would cost more memory than the tickets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from rules.model import Origin
from storage.journal import Change
from storage.protocol import LedgerLine
from storage.records import dumps
from storage.state import Ledger, Seen, State

DIGEST_LENGTH = 16

Lines = Mapping[tuple[str, int], Mapping[int, LedgerLine]]
"""Mailbox and UIDVALIDITY, then UID to its line."""


def seen_rows(digests: Iterable[bytes]) -> dict[int, bytes]:
    """Dedupe digests as at most 256 rows by their first byte, each one long text of hexadecimal digits."""
    groups: dict[int, list[bytes]] = {}
    for digest in digests:
        groups.setdefault(digest[0], []).append(digest)
    return {first + 1: dumps({"digests": b"".join(sorted(groups[first])).hex()}) for first in sorted(groups)}


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
    changes = [dumps(["seen", digest.hex(), digest in seen.digests]) for digest in seen.changed]
    for origin in ledger.changed:
        key = [origin.mailbox, origin.uid_validity, origin.uid]
        line = ledger.line(origin)
        proven = line is not None and (line.size or line.sha256)
        changes.append(dumps(["ledger", key, line if line is None or proven else line.outcome]))
    return changes


def restore_compact(state: State, tables: dict[str, dict[int, bytes]], changes: Iterable[Change]) -> None:
    """Read both back from a snapshot's tables (taken out of them) and the journal's changes after it."""
    for row in tables.pop("seen", {}).values():
        digests = bytes.fromhex(json.loads(row)["digests"])
        state.seen.digests.update(digests[at : at + DIGEST_LENGTH] for at in range(0, len(digests), DIGEST_LENGTH))
    for row in tables.pop("ledger", {}).values():
        line = json.loads(row)
        lines = state.ledger.lines.setdefault((line["mailbox"], line["uid_validity"]), {})
        for outcome, ranges in line["outcomes"].items():
            told = LedgerLine(outcome)
            lines.update((uid, told) for first, last in ranges for uid in range(first, last + 1))
        for outcome, read in line.get("read", {}).items():
            lines.update((uid, LedgerLine(outcome, size, sha256)) for uid, size, sha256 in read)
    for name, key, value in changes:
        if name == "seen":
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

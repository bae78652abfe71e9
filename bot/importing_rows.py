"""Makes old tickets of the rows of a table, and finds everything that is wrong with them, by line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rules.model import Status
from rules.policy import Policy

OF_TICKET = frozenset(
    {
        "ticket", "subject", "status", "opened_at", "closed_at", "until", "priority", "category", "customer_email",
        "customer_name", "assignee", "solution", "root_cause", "fault_type", "satisfaction", "comment", "language",
        "mailbox",
    }
)  # fmt: skip
OF_MESSAGE = frozenset({"at", "by", "kind", "text", "message_id"})
COLUMNS = OF_TICKET | OF_MESSAGE
NEEDED = ("ticket", "subject", "opened_at", "customer_email")

STATUSES: Mapping[str, Status] = {
    **{status.value: status for status in Status},
    "": Status.CLOSED, "done": Status.CLOSED, "solved": Status.RESOLVED, "pending": Status.WAITING,
    "in_progress": Status.OPEN, "reopened": Status.OPEN, "hold": Status.ON_HOLD,
}  # fmt: skip
"""What the status may be called, our own words and the usual ones of others."""

KINDS: Mapping[str, str] = {
    "customer": "customer", "staff": "staff", "note": "note", "agent": "staff", "reply": "staff", "internal": "note",
    "private": "note",
}  # fmt: skip

_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[ ,]{1,3}(\d{1,2}):(\d{2})(?::(\d{2}))?)?\Z")
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T]{1,2}(\d{1,2}):(\d{2})(?::(\d{2}))?)?\Z")
_ADDRESS = re.compile(r"[^@\s<>,;]{1,200}@[^@\s<>,;]{1,200}\Z")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: where it begins, its cells by column, how far the file was read; or why it could not be."""

    line: int
    cells: Mapping[str, str]
    read_to: int
    problem: str


@dataclass(slots=True)
class Gathered:
    """One ticket of several rows, as plain values, and what is wrong with it (``line: what``)."""

    line: int
    cells: Mapping[str, str]
    told: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    read_to: int = 0


def closest(word: str, known: Collection[str]) -> str:
    """`, did you mean "status"` where something is close."""
    found = difflib.get_close_matches(word, known, n=1)
    return f'; did you mean "{found[0]}"?' if found else ""


class Rows:
    """Gathers the rows of each ticket, which stand together, the ticket's own cells on the first."""

    def __init__(self, policy: Policy, now: datetime) -> None:
        self._policy = policy
        self._now = now
        self._zone = ZoneInfo(policy.timezone)
        self._seen: dict[str, int] = {}
        self._own = {address for box in policy.mailboxes for address in box.addresses}
        self._staff = {name.casefold() for one in policy.staff for name in (one.key, one.email, one.name) if name}

    def tickets(self, rows: Iterable[Row]) -> Iterator[Gathered]:
        """Every ticket with its conversation, the good and the bad."""
        now: Gathered | None = None
        for row in rows:
            number = row.cells.get("ticket", "")
            # A row that cannot be read may be of the ticket above it.
            goes_on = now is not None and (row.problem or number in ("", now.cells.get("ticket", "")))
            if now is None or not goes_on:
                if now is not None:
                    yield now
                now = self._begun(row)
            else:
                self._go_on(now, row)
            now.read_to = row.read_to
        if now is not None:
            yield now

    def _begun(self, row: Row) -> Gathered:
        found, cells = Gathered(row.line, row.cells), row.cells
        if row.problem:
            found.problems.append(f"{row.line}: {row.problem}")
            return found
        number = cells.get("ticket", "")
        if not number:
            found.problems.append(f"{row.line}: the ticket has no number in the column ticket")
        elif (before := self._seen.setdefault(number, row.line)) != row.line:
            found.problems.append(
                f"{row.line}: ticket {number} stands in line {before} already; rows of one ticket stand together"
            )
        read = _Reading(found, row, self._moment, self._now)
        opened_at = read.moment("opened_at", needed=True)
        closed_at = read.moment("closed_at")
        if opened_at and closed_at and closed_at < opened_at:
            read.wrong(f"it was closed ({cells['closed_at']}) before it was opened ({cells['opened_at']})")
        found.told = {
            "number": number,
            "subject": cells.get("subject", ""),
            "status": read.one_of("status", STATUSES),
            "opened_at": _iso(opened_at),
            "closed_at": _iso(closed_at),
            "until_at": _iso(read.moment("until", may_come=True)),
            "customer_email": self._address(read, cells),
            "customer_name": cells.get("customer_name", ""),
            "priority": read.one_of("priority", _same(level.name for level in self._policy.levels), may_lack=True),
            "category": read.one_of("category", _same(self._policy.categories), may_lack=True),
            "mailbox": read.one_of("mailbox", _same(box.name for box in self._policy.mailboxes), may_lack=True),
            "satisfaction": read.score(),
            **{name: cells.get(name, "") for name in _WORDS},
            "messages": [],
        }
        self._hear(found, row, read, opened_at)
        return found

    def _address(self, read: _Reading, cells: Mapping[str, str]) -> str:
        email = cells.get("customer_email", "").lower()
        if email and not _ADDRESS.match(email):
            read.wrong(f'customer_email: "{email}" is no mail address')
        elif not email and not cells.get("customer_name"):
            read.wrong("it has neither customer_email nor customer_name")
        return email

    def _go_on(self, found: Gathered, row: Row) -> None:
        read = _Reading(found, row, self._moment, self._now)
        if row.problem:
            read.wrong(row.problem)
            return
        for name in OF_TICKET & row.cells.keys():
            value, before = row.cells[name], found.cells.get(name, "")
            if value and value != before and name != "ticket":
                read.wrong(f'{name} is "{value[:50]}", and "{before[:50]}" in line {found.line}; it is one ticket')
        self._hear(found, row, read, None)

    def _hear(self, found: Gathered, row: Row, read: _Reading, opened_at: datetime | None) -> None:
        """Add the words of a row to the conversation; those of the first row are as old as the ticket."""
        cells = row.cells
        if not any(cells.get(name) for name in OF_MESSAGE):
            return
        at = read.moment("at") if cells.get("at") else opened_at
        if not cells.get("at") and row.line != found.line:
            read.wrong("the words have no date in the column at")
        kind = read.one_of("kind", KINDS) if cells.get("kind") else self._kind(cells.get("by", ""))
        message_id = cells.get("message_id", "").strip("<>")
        found.told.get("messages", []).append(
            {
                "at": _iso(at), "kind": kind, "by": cells.get("by", ""), "text": cells.get("text", ""),
                "message_id": f"<{message_id}>" if message_id else "",
            }
        )  # fmt: skip

    def _kind(self, by: str) -> str:
        """Whose words they are by who wrote them: staff and our own addresses are ours, everybody else asks."""
        name = by.strip().casefold()
        return "staff" if name in self._staff or name in self._own else "customer"

    def _moment(self, text: str) -> datetime | None:
        """A moment as tables write it, in the desk's time zone unless it says another; ``None`` for what is none."""
        try:
            at = _of_parts(text) or datetime.fromisoformat(text)
            return at if at.tzinfo else at.replace(tzinfo=self._zone)
        except ValueError:
            return None


_WORDS = ("language", "assignee", "solution", "root_cause", "fault_type", "comment")


class _Reading:
    """Reads the cells of one row, and notes what is wrong with them."""

    def __init__(self, found: Gathered, row: Row, moment: Callable[[str], datetime | None], now: datetime) -> None:
        self._found = found
        self._row = row
        self._moment = moment
        self._now = now

    def wrong(self, what: str) -> None:
        """Note a problem."""
        self._found.problems.append(f"{self._row.line}: {what}")

    def moment(self, name: str, *, needed: bool = False, may_come: bool = False) -> datetime | None:
        """A date; nothing when the cell is empty or wrong."""
        text = self._row.cells.get(name, "")
        if not text:
            if needed:
                self.wrong(f"{name} is empty")
            return None
        at = self._moment(text)
        if at is None:
            self.wrong(f'{name}: "{text[:40]}" is no date; write it like 2024-01-31 14:05')
        elif at > self._now and not may_come:
            self.wrong(f'{name}: "{text[:40]}" is still to come')
        return at

    def one_of(self, name: str, known: Mapping[str, str], *, may_lack: bool = False) -> str:
        """One of the known values, however it is capitalised."""
        text = self._row.cells.get(name, "")
        if not text and may_lack:
            return ""
        plain = "_".join(text.casefold().replace("-", " ").split()) if name in ("status", "kind") else text.casefold()
        value = known.get(plain)
        if value is None:
            there = ", ".join(dict.fromkeys(known.values()))
            self.wrong(
                f'{name}: "{text[:40]}" is not known; there are: {there} '
                f"(or read it as one of them: --map {name}:{text[:40]}=...)"
            )
            return ""
        return str(value)

    def score(self) -> int | None:
        """The customer's score, 1 to 5."""
        text = self._row.cells.get("satisfaction", "")
        if text and text not in ("1", "2", "3", "4", "5"):
            self.wrong(f'satisfaction: "{text[:40]}" is not a score from 1 to 5')
            return None
        return int(text) if text else None


def _of_parts(text: str) -> datetime | None:
    """A date with the year or the day in front, in numbers. Raises ValueError for the 31st of February."""
    found = _YEAR_FIRST.match(text)
    order = (1, 2, 3)
    if found is None:
        found, order = _DAY_FIRST.match(text), (3, 2, 1)
    if found is None:
        return None
    year, month, day = (int(found[place]) for place in order)
    hour, minute, second = (int(found[place] or 0) for place in (4, 5, 6))
    return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the desk's zone is put to it after


def _same(names: Iterable[str]) -> dict[str, str]:
    return {name.casefold(): name for name in names}


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None

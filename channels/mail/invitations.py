"""What a calendar invitation says, in a few words: what, when, where, by whom (RFC 5545, RFC 5546)."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_CALENDAR = 200_000
_MOST_LINES = 5_000
_LONGEST = 2_000

_FOLD = re.compile(r"\r?\n[ \t]")
_LINE = re.compile(r"([A-Za-z-]{1,60})((?:;[^:\"]{0,500}(?:\"[^\"]{0,500}\")?){0,20}):(.*)")
_TIME = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})\d{0,2}(Z?))?")
_NAMED = re.compile(r";CN=(?:\"([^\"]{0,200})\"|([^;:\"]{0,200}))", re.IGNORECASE)
_ANSWERED = re.compile(r";PARTSTAT=([A-Za-z-]{1,30})", re.IGNORECASE)
_ZONE = re.compile(r";TZID=\"?([^;:\"]{1,100})", re.IGNORECASE)
_ESCAPED = re.compile(r"\\([nN,;\\])")
_KINDS = {
    "REQUEST": "Invitation",
    "CANCEL": "Cancelled meeting",
    "REPLY": "Answer to an invitation",
    "COUNTER": "Proposal of another time",
    "DECLINECOUNTER": "Refusal of another time",
    "REFRESH": "Question for the latest version of a meeting",
    "ADD": "Further date of a meeting",
}
_EVENTS = frozenset({"VEVENT", "VTODO", "VJOURNAL"})


@dataclass(frozen=True, slots=True)
class Invitation:
    """The first event of a calendar file, each field in words; empty where it says nothing."""

    kind: str
    what: str = ""
    when: str = ""
    where: str = ""
    who: str = ""
    answer: str = ""
    description: str = ""

    @property
    def text(self) -> str:
        """Several lines, for a mail that has no other text."""
        rows = (("When", self.when), ("Where", self.where), ("Organiser", self.who), ("Answer", self.answer))
        lines = [f"{self.kind}: {self.what}", *(f"{label}: {words}" for label, words in rows if words)]
        return "\n".join(lines) + (f"\n\n{self.description}" if self.description else "")

    @property
    def note(self) -> str:
        """One line, for a mail whose text says the rest."""
        words = ", ".join(filter(None, (self.what, self.when, self.where, self.answer)))
        return f"{self.kind[0].lower()}{self.kind[1:]}: {words}" + (f", organised by {self.who}" if self.who else "")


def read_invitation(calendar: str) -> Invitation | None:
    """The first event; nothing when there is none. Never raises."""
    if "BEGIN:V" not in calendar[:MAX_CALENDAR].upper():
        return None
    fields = _fields(_FOLD.sub("", calendar[:MAX_CALENDAR]))
    if fields is None:
        return None
    method = fields.get("METHOD", ("", ""))[1].strip().upper()
    answered = _ANSWERED.search(fields.get("ATTENDEE", ("", ""))[0]) if method == "REPLY" else None
    return Invitation(
        kind=_KINDS.get(method, "Calendar entry"),
        what=_words(fields, "SUMMARY") or "without a title",
        when=_when(fields),
        where=_words(fields, "LOCATION"),
        who=_person(fields),
        answer=answered.group(1).lower() if answered else "",
        description=_words(fields, "DESCRIPTION"),
    )


def _fields(calendar: str) -> dict[str, tuple[str, str]] | None:
    """Parameters and value of the first event's fields, and of the file's method; nothing when there is no event."""
    fields: dict[str, tuple[str, str]] = {}
    inside: list[str] = []
    for line in calendar.splitlines()[:_MOST_LINES]:
        match = _LINE.match(line)
        if not match:
            continue
        name, parameters, value = match.group(1).upper(), match.group(2), match.group(3)
        if name == "BEGIN":
            inside.append(value.strip().upper())
        elif name == "END":
            if value.strip().upper() in _EVENTS:
                return fields
            inside = inside[:-1]
        elif name == "METHOD" or (inside and inside[-1] in _EVENTS):
            fields.setdefault(name, (parameters, value))
    return fields if inside and inside[-1] in _EVENTS else None


def _words(fields: dict[str, tuple[str, str]], name: str) -> str:
    value = fields.get(name, ("", ""))[1][:_LONGEST]
    text = _ESCAPED.sub(lambda match: "\n" if match.group(1) in "nN" else match.group(1), value).strip()
    return text if name == "DESCRIPTION" else " ".join(text.split())


def _when(fields: dict[str, tuple[str, str]]) -> str:
    begin, end = fields.get("DTSTART") or fields.get("DUE"), fields.get("DTEND")
    if not begin:
        return ""
    day, hour, zone = _moment(*begin)
    last_day, last_hour, _ = _moment(*end) if end else ("", "", "")
    shown = f"{day} {hour}".strip()
    if last_hour:
        shown += f"–{last_hour}" if last_day == day else f" – {last_day} {last_hour}"
    return f"{shown} {zone}".strip() + (", repeated" if "RRULE" in fields else "")


def _moment(parameters: str, value: str) -> tuple[str, str, str]:
    """Day, hour and time zone as they stand there: what 14:00 means in Rome is not reckoned out here."""
    match = _TIME.match(value.strip())
    if not match:
        return value.strip()[:40], "", ""
    year, month, day, hour, minute, utc = match.groups()
    zone = _ZONE.search(parameters)
    named = "UTC" if utc else f"({zone.group(1)})" if zone else ""
    return f"{year}-{month}-{day}", f"{hour}:{minute}" if hour else "", named if hour else ""


def _person(fields: dict[str, tuple[str, str]]) -> str:
    parameters, value = fields.get("ORGANIZER", ("", ""))
    named = _NAMED.search(parameters)
    name = (named.group(1) or named.group(2) or "").strip() if named else ""
    email = value.strip().removeprefix("mailto:").removeprefix("MAILTO:")[:320]
    return f"{name} <{email}>" if name and email and name != email else name or email

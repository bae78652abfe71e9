"""When a mail was written: the Date field, also as programs write it that do not keep to the standard."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

from channels.mail.words import raw_text

_LONGEST = 200
_DEEPEST_COMMENT = 4
_COMMENT = re.compile(r"\([^()]{0,200}\)")
_ISO = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})[T ]{1,3}(\d{1,2}):(\d{2})(?::(\d{2}))?(?:[.,]\d{1,9})?\s?"
    r"(?:Z|UTC|GMT)?\s?(?:([+-]\d{2}):?(\d{2}))?"
)
# The offset with a colon or behind a zone's name, and fractions of a second.
_ZONE = re.compile(
    r"(\d{1,2}:\d{2}(?::\d{2})?)(?:[.,]\d{1,9})?\s{0,3}(?:GMT|UTC|UT|Z)?\s{0,3}([+-])(\d{1,2}):?(\d{2})(?!\d)"
)
_FRACTION = re.compile(r"(:\d{2}:\d{2})[.,]\d{1,9}")
_MONTH = re.compile(r"(?<=\d)[\s.-]{1,3}([^\W\d_]{3})[^\W\d_]{0,9}[\s.-]{1,3}(?=\d)")
_MONTHS = {
    "jan": "Jan", "ene": "Jan", "gen": "Jan", "feb": "Feb", "fév": "Feb", "fev": "Feb", "mar": "Mar", "mär": "Mar",
    "mrz": "Mar", "maa": "Mar", "apr": "Apr", "avr": "Apr", "abr": "Apr", "mai": "May", "may": "May", "mag": "May",
    "mei": "May", "maj": "May", "jun": "Jun", "giu": "Jun", "jul": "Jul", "lug": "Jul", "aug": "Aug", "aoû": "Aug",
    "ago": "Aug", "sep": "Sep", "set": "Sep", "oct": "Oct", "okt": "Oct", "ott": "Oct", "out": "Oct", "nov": "Nov",
    "dec": "Dec", "dez": "Dec", "déc": "Dec", "dic": "Dec",
}  # fmt: skip


# What nearly every program writes, as RFC 5322 §3.3 has it.
_STANDARD = re.compile(
    r"(?:[A-Z][a-z]{2}, )?(\d{1,2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ((?:19|20)\d{2})"
    r" (\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})([0-5]\d)(?: \([A-Z]{1,5}\))?\Z"
)
_NUMBERS = {name: number for number, name in enumerate(dict.fromkeys(_MONTHS.values()), start=1)}


def date_of(value: bytes) -> datetime | None:
    """The Date field, or nothing when it cannot be read or lies outside 1970-2100 (RFC 5322 §3.3, RFC 3339).

    It keeps the sender's offset from UTC, which tells the customer's time zone (R-CU-1).
    """
    text = raw_text(value)[:_LONGEST]
    try:
        moment = _standard(text) or _other(_plain(text))
        year = moment.astimezone(UTC).year if moment else 0
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return moment if 1970 <= year <= 2100 else None


def _standard(text: str) -> datetime | None:
    match = _STANDARD.match(text)
    if match is None:
        return None
    day, month, year, hour, minute, second, sign, hours, minutes = match.groups()
    offset = int(hours) * 60 + int(minutes)
    zone = timezone(timedelta(minutes=-offset if sign == "-" else offset))
    return datetime(int(year), _NUMBERS[month], int(day), int(hour), int(minute), int(second), tzinfo=zone)


def _other(text: str) -> datetime | None:
    return _iso(text) or _read(text) or _read(_MONTH.sub(_english, text))


def _plain(text: str) -> str:
    """The field without comments and line ends, its offset written as the standard has it."""
    for _ in range(_DEEPEST_COMMENT):
        shorter = _COMMENT.sub(" ", text)
        if shorter == text:
            break
        text = shorter
    text = " ".join(text.split())
    return _FRACTION.sub(r"\1", _ZONE.sub(lambda m: f"{m[1]} {m[2]}{m[3]:0>2}{m[4]} ", text)).replace(" at ", " ")


def _iso(text: str) -> datetime | None:
    match = _ISO.match(text)
    if match is None:
        return None
    hours, minutes = int(match[7] or 0), int(match[8] or 0)
    offset = timedelta(hours=hours, minutes=-minutes if (match[7] or "").startswith("-") else minutes)
    year, month, day, hour, minute = (int(match[group]) for group in range(1, 6))
    return datetime(year, month, day, hour, minute, int(match[6] or 0), tzinfo=timezone(offset))


def _read(text: str) -> datetime | None:
    parsed = parsedate_tz(text)
    if parsed is None:
        return None
    # RFC 5322 §4.3: three digits count from 1900, as programs wrote that were not ready for 2000.
    year = parsed[0] + 1900 if 100 <= parsed[0] < 200 else parsed[0]
    return datetime(year, *parsed[1:6], tzinfo=timezone(timedelta(seconds=parsed[9] or 0)))


def _english(match: re.Match[str]) -> str:
    return f" {_MONTHS.get(match[1].lower(), match[1])} "

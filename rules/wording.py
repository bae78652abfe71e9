"""What we write, in each language: texts with named gaps, filled without ever reading the filling as a template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from string import Formatter
from zoneinfo import ZoneInfo

_WHOLE_MINUTES_FROM = 1980


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """One language's texts by key, as its file in ``bot/wording/`` has them."""

    language: str
    texts: Mapping[str, str]

    def __hash__(self) -> int:
        # There are as many as languages, and what is made of one again and again is remembered by it.
        return hash(self.language)

    def say(self, key: str, /, **values: object) -> str:
        """The text of that key with its gaps filled. Values are put in as they are."""
        return self.texts[key].format(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """All languages. The first one stands in wherever a language is not written yet."""

    languages: Mapping[str, Texts]
    default: str

    def best(self, language: str) -> str:
        """The language to use for somebody who writes ``language``: itself, one of its family, or the default."""
        if language in self.languages:
            return language
        family = language.partition("-")[0]
        return next((name for name in self.languages if family and name.partition("-")[0] == family), self.default)

    def of(self, language: str) -> Texts:
        """The texts for somebody who writes ``language``."""
        return self.languages[self.best(language)]


def gaps(text: str) -> frozenset[str]:
    """The names of the gaps in a text. Raises ValueError when its braces do not match."""
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name)


def moment(texts: Texts, at: datetime, zone: str) -> str:
    """A moment as people in ``zone`` write it, to the minute, with the offset from UTC so that nobody has to guess."""
    # Long ago some zones were apart from UTC by seconds too.
    return _minute(texts, at.replace(second=0, microsecond=0) if at.year >= _WHOLE_MINUTES_FROM else at, zone)


@lru_cache(maxsize=256)
def _minute(texts: Texts, at: datetime, zone: str) -> str:
    """Remembered, because what comes in the same minute is often due in the same one."""
    local = at.astimezone(ZoneInfo(zone))
    offset = local.utcoffset() or timedelta()
    minutes = int(offset.total_seconds()) // 60
    sign, minutes = ("+", minutes) if minutes >= 0 else ("-", -minutes)
    utc = f"UTC{sign}{minutes // 60}" + (f":{minutes % 60:02d}" if minutes % 60 else "")
    weekday = texts.texts["weekdays"].split()[local.weekday()]
    month = texts.texts["months"].split()[local.month - 1]
    return texts.say(
        "moment", weekday=weekday, year=local.year, month=month, day=local.day, time=f"{local:%H:%M}", utc=utc
    )


def span(texts: Texts, length: timedelta) -> str:
    """A length of time in words, to the minute: ``2 h 30 min``."""
    minutes = max(0, round(length.total_seconds() / 60))
    hours, rest = divmod(minutes, 60)
    parts = []
    if hours:
        parts.append(texts.say("hours", n=hours))
    if rest or not hours:
        parts.append(texts.say("minutes", n=rest))
    return " ".join(parts)

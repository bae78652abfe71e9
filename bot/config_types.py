"""The small values of ``config.yaml``: lengths of time, listeners, paths, secrets, and names that must exist.

What a value may lean on (the folder of the file, the environment, the names used elsewhere in it) comes in the
validation context, a ``Known``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import SequenceMatcher
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr, ValidationInfo

from rules.hours import parse_duration

_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"]+@[^\s@<>()\[\],;:\"]+")
_WORKING_HOURS = re.compile(r"(\d{1,4})\s*wh")
_SIZE = re.compile(r"(\d{1,6})\s*(KB|MB|GB)?", re.IGNORECASE)
_UNITS = {"": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_ALIKE = 0.5
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What values are checked against: where the file is, the environment, and the names it uses elsewhere."""

    folder: Path
    environ: Mapping[str, str]
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Section(BaseModel):
    """A part of ``config.yaml``: unknown keys are problems, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a server listens. Port 0 lets the system pick a free one."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def did_you_mean(word: str, choices: tuple[str, ...]) -> str:
    """``; did you mean "P1"?`` when something close exists, else the choices when they are few."""
    likeness = {choice: SequenceMatcher(None, word.lower(), choice.lower()).ratio() for choice in choices}
    best = max(likeness, key=lambda choice: likeness[choice], default="")
    if likeness.get(best, 0) >= _ALIKE:
        return f'; did you mean "{best}"?'
    return f"; there is {', '.join(choices)}" if 0 < len(choices) <= 12 else ""


def known_of(info: ValidationInfo) -> Known:
    """The context a value is checked in."""
    known = info.context
    if not isinstance(known, Known):
        raise TypeError("config models are validated with a Known as context")
    return known


def read_span(value: object) -> timedelta:
    """Read a length of time with its unit. Raises ValueError with a sentence that names the forms."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError(f'{_quoted(value)} is not a length of time; write it with its unit, such as "15m" or "2h"')
    if working := _WORKING_HOURS.fullmatch(value.strip()):
        return timedelta(hours=int(working[1]))
    try:
        return parse_duration(value)
    except ValueError as error:
        raise ValueError(str(error).rstrip(".").replace("or 2wd", "4wh (working hours) or 2wd")) from None


def _is_off(value: object) -> bool:
    return value is None or value is False or value == "off"


def _read_span_or_off(value: object) -> timedelta | None:
    return None if _is_off(value) else read_span(value)


def _read_size(value: object) -> int | None:
    if _is_off(value):
        return None
    match = _SIZE.fullmatch(str(value).strip())
    if not match or isinstance(value, bool):
        raise ValueError(f'{_quoted(value)} is not a size; write it such as "25MB", or off')
    return int(match[1]) * _UNITS[(match[2] or "").upper()]


def _read_count(value: object) -> int | None:
    if _is_off(value):
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{_quoted(value)} is not a count; write a number from 1 on, or off")
    return value


def _read_minutes(value: object) -> int:
    match = _CLOCK.fullmatch(str(value))
    if not match:
        raise ValueError(f'"{value}" is not a time of day; write it such as "08:30"')
    return int(match[1]) * 60 + int(match[2])


def _read_listen(value: object) -> Listen:
    if isinstance(value, Listen):
        return value
    host, colon, port = str(value).rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f'{_quoted(value)} is not a listener; write host and port, such as "127.0.0.1:2525"')
    return Listen(host, int(port))


def _read_loopback(value: object) -> Listen:
    listen = _read_listen(value)
    if not listen.loopback:
        raise ValueError(
            f'"{listen}" can be reached from other machines, and the page has no sign-in yet; listen on 127.0.0.1 '
            "until sign-in exists, and reach it by an SSH tunnel"
        )
    return listen


def _read_path(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str | Path) or not str(value):
        raise ValueError(f"{_quoted(value)} is not a path")
    return (known_of(info).folder / Path(value).expanduser()).absolute()


def _check_file(path: Path) -> Path:
    if not path.is_file():
        raise ValueError(f'there is no file "{path}"')
    return path


def _read_secret(value: object, info: ValidationInfo) -> SecretStr:
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in ("env", "file"):
        raise ValueError(
            "a secret does not stand in this file; write {env: NAME} to take it from the environment, "
            "or {file: path} to read it from a file"
        )
    (kind, name), known = next(iter(value.items())), known_of(info)
    if not isinstance(name, str) or not name:
        raise ValueError(f"the {kind} of a secret is a name, in quotes where it looks like a number")
    text = _from_environment(name, known) if kind == "env" else _from_file(name, known)
    return SecretStr(text)


def _from_environment(name: str, known: Known) -> str:
    if not known.environ.get(name):
        raise ValueError(f"the environment variable {name} is not set; set it before the desk starts")
    return known.environ[name]


def _from_file(name: str, known: Known) -> str:
    folders = (Path(folder) for folder in (known.environ.get("CREDENTIALS_DIRECTORY"), known.folder) if folder)
    for folder in folders:
        try:
            text = (folder / name).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            continue
        if text:
            return text
    raise ValueError(f'the file "{name}" cannot be read, is not UTF-8 or is empty')


def _check_email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise ValueError(f'"{value}" is not a mail address')
    return value.lower()


def _check_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f'"{value}" is not a time zone; write it such as "Asia/Shanghai" or "UTC"') from None
    return value


def _check_language(value: str) -> str:
    if not _LANGUAGE.fullmatch(value):
        raise ValueError(f'"{value}" is not a language; write it such as "en" or "zh-CN"')
    return value


def _check_filled(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def _named(kind: str) -> Callable[[str, ValidationInfo], str]:
    def check(value: str, info: ValidationInfo) -> str:
        names = known_of(info).names.get(kind, ())
        if value not in names:
            article = "an" if kind[0] in "aeiou" else "a"
            raise ValueError(f'"{value}" is not {article} {kind}{did_you_mean(value, names)}')
        return value

    return check


def shaped(pattern: str, words: str) -> AfterValidator:
    """A check that the whole of a text fits a pattern; ``words`` say what it should be."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f'"{value}" is not {words}')
        return value

    return AfterValidator(check)


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


Span = Annotated[timedelta, BeforeValidator(read_span)]
SpanOrOff = Annotated[timedelta | None, BeforeValidator(_read_span_or_off)]
Size = Annotated[int | None, BeforeValidator(_read_size)]
Count = Annotated[int | None, BeforeValidator(_read_count)]
TimeOfDay = Annotated[int, BeforeValidator(_read_minutes)]
"""Minutes since midnight."""
Listener = Annotated[Listen, BeforeValidator(_read_listen)]
LoopbackListener = Annotated[Listen, BeforeValidator(_read_loopback)]
FolderPath = Annotated[Path, BeforeValidator(_read_path)]
ExistingFile = Annotated[Path, AfterValidator(_check_file), BeforeValidator(_read_path)]
Secret = Annotated[SecretStr, BeforeValidator(_read_secret)]
Text = Annotated[str, AfterValidator(_check_filled)]
Email = Annotated[str, AfterValidator(_check_email)]
Zone = Annotated[str, AfterValidator(_check_zone)]
Language = Annotated[str, AfterValidator(_check_language)]
PriorityName = Annotated[str, AfterValidator(_named("priority"))]
ImpactName = Annotated[str, AfterValidator(_named("impact"))]
UrgencyName = Annotated[str, AfterValidator(_named("urgency"))]
CategoryName = Annotated[str, AfterValidator(_named("category"))]
CalendarName = Annotated[str, AfterValidator(_named("calendar"))]
MailboxName = Annotated[str, AfterValidator(_named("mailbox"))]
StaffKey = Annotated[str, AfterValidator(_named("staff member"))]
Contact = Annotated[str, AfterValidator(_named("contact"))]
Recipient = Annotated[str, AfterValidator(_named("recipient"))]

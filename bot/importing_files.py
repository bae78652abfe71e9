"""Finds old mail in files: mboxes of any size, folders of .eml, Maildirs; and gives it oldest first.

What is found is remembered as date, file and place only, about 30 bytes a mail, so that the largest archive is read
in the order in which people wrote: a conversation whose answers stand before its question is still one.
"""

from __future__ import annotations

import os
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO

from bot.importing import LARGEST, Item
from channels.mail.dates import date_of

CHUNK = 1024 * 1024
_HEAD = 16 * 1024
_LOOK_AHEAD = 2000
_OPEN_AT_ONCE = 50

_FROM_LINE = re.compile(rb"From [^\r\n]{0,500}\r?\n(?=>From |[!-9;-~]{1,80}[ \t]?:)")
_ENVELOPE = re.compile(
    rb"From [^ \r\n]{1,320}[ \t]{1,10}(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[ ,][^\r\n]{0,80}?\b(?:19|20)\d\d\b"
)
_ASCTIME = re.compile(rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? [^\r\n]{5,60}")
_HEADER = re.compile(rb"[!-9;-~]{1,80}[ \t]?:")
_DATE = re.compile(rb"^date:([^\r\n]{1,200})", re.IGNORECASE | re.MULTILINE)
_QUOTED_FROM = re.compile(rb"^>(>{0,200}From )", re.MULTILINE)
_SIZE_LINE = re.compile(rb"(\d{1,12}) *\r?\n")
_MOZILLA = re.compile(rb"^x-mozilla-status: ?([0-9a-f]{4})\s", re.IGNORECASE | re.MULTILINE)
_EXPUNGED = 0x0008
_GMAIL = re.compile(rb"^x-gmail-labels: ?([^\r\n]{1,500})", re.IGNORECASE | re.MULTILINE)
_LABELS = {b"trash": "deleted", b"drafts": "a draft", b"spam": "spam"}
_NO_MAIL = ("dovecot", "maildirsize", "maildirfolder", "subscriptions", "courier", "cyrus.")


@dataclass
class Index:
    """Where every mail stands: for each its date (seconds since 1970), file, place and length in bytes."""

    files: list[Path] = field(default_factory=list)
    when: array[float] = field(default_factory=lambda: array("d"))
    of: array[int] = field(default_factory=lambda: array("L"))
    at: array[int] = field(default_factory=lambda: array("Q"))
    length: array[int] = field(default_factory=lambda: array("Q"))
    boxes: set[int] = field(default_factory=set)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def add(self, file: int, at: int, length: int, when: float, why_not: str = "") -> None:
        """Remember one mail, or only count why it is not wanted."""
        if why_not:
            self.left_out[why_not] += 1
            return
        self.when.append(when)
        self.of.append(file)
        self.at.append(at)
        self.length.append(length)

    @property
    def size(self) -> int:
        """All bytes of all mails."""
        return sum(self.length)

    def __len__(self) -> int:
        return len(self.when)


def indexed(paths: Iterable[Path], since: datetime | None = None) -> Index:
    """Every mail in these files and folders that is not older than ``since``. Raises OSError for what is not there."""
    index = Index()
    earliest = since.timestamp() if since else None
    for path in paths:
        for file in _files(path):
            try:
                _look_into(file, index, earliest, named=file == path)
            except OSError as problem:
                if file == path:
                    raise
                index.skipped.append((str(file), f"it cannot be read: {problem.strerror or problem}"))
    return index


def mails(index: Index) -> Iterator[Item]:
    """The mails, the oldest first."""
    order = array("Q", sorted(range(len(index)), key=index.when.__getitem__))
    with ExitStack() as stack:
        streams: dict[int, BinaryIO] = {}
        for number in order:
            file, at = index.of[number], index.at[number]
            if file not in streams:
                if len(streams) == _OPEN_AT_ONCE:
                    stack.close()
                    streams.clear()
                streams[file] = stack.enter_context(index.files[file].open("rb"))
            streams[file].seek(at)
            length = index.length[number]
            yield _item(index, number, streams[file].read(length if length <= LARGEST else _HEAD))


def _item(index: Index, number: int, raw: bytes) -> Item:
    file, at = index.of[number], index.at[number]
    place, boxed = str(index.files[file]), file in index.boxes
    around_at = datetime.fromtimestamp(index.when[number], UTC)
    size = index.length[number]
    problem = (
        "" if size <= LARGEST else f"it has {size / CHUNK:.0f} MB, more than the {LARGEST // CHUNK} a mail may have"
    )
    return Item(
        place=f"{place}:{at}" if boxed else place, size=size, raw=_unboxed(raw) if boxed else raw,
        around_at=around_at, problem=problem,
    )  # fmt: skip


def _unboxed(raw: bytes) -> bytes:
    """A mail as it was before it was put into an mbox: without its From line, and with one ``>`` less (mboxrd)."""
    _, _, mail = raw.partition(b"\n")
    if mail.endswith(b"\r\n\r\n"):
        mail = mail[:-2]
    elif mail.endswith(b"\n\n"):
        mail = mail[:-1]
    return _QUOTED_FROM.sub(rb"\1", mail) if b"\n>" in mail else mail


def _files(path: Path) -> Iterator[Path]:
    """A file, or all files below a folder by name; of a Maildir also its hidden folders, and nothing half delivered."""
    if not path.is_dir():
        yield path
        return
    for folder, inner, names in os.walk(path):
        here = Path(folder)
        maildir = {"cur", "new"} <= set(inner)
        inner[:] = sorted(one for one in inner if _is_wanted(here / one, one, maildir=maildir))
        for name in sorted(names):
            if not name.startswith((".", *_NO_MAIL)):
                yield here / name


def _is_wanted(folder: Path, name: str, *, maildir: bool) -> bool:
    if name.startswith("."):
        return (folder / "cur").is_dir()
    return not (maildir and name == "tmp")


def _look_into(path: Path, index: Index, earliest: float | None, *, named: bool) -> None:
    """Find the mails of one file. What is no mail is told where a folder was searched, else taken as it is."""
    status = path.stat()
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
        begin = len(head) - len(head.lstrip(b"\xef\xbb\xbf\r\n"))
        number = len(index.files)
        if head.startswith(b"From ", begin):
            index.files.append(path)
            index.boxes.add(number)
            stream.seek(begin)
            for at, length, header in _of_mbox(stream, begin):
                when = _date(header, status.st_mtime)
                if earliest is None or when >= earliest:
                    index.add(number, at, length, when, _why_not(header, ""))
            return
        at, length = _alone(path, head, status.st_size)
        if not named and not _HEADER.match(head, at):
            index.skipped.append((str(path), "it is no mail"))
            return
        header = _header(head[at:])
        when = _date(header, status.st_mtime)
        if earliest is None or when >= earliest:
            index.files.append(path)
            index.add(number, at, length, when, _why_not(header, path.name))


def _alone(path: Path, head: bytes, size: int) -> tuple[int, int]:
    """Where the one mail of a file stands; Apple writes its length before it and its own notes behind (``.emlx``)."""
    if path.suffix == ".emlx" and (counted := _SIZE_LINE.match(head)):
        return counted.end(), min(int(counted[1]), size - counted.end())
    return 0, size


def _of_mbox(stream: BinaryIO, begin: int) -> Iterator[tuple[int, int, bytes]]:
    """Place, length and header of each mail, its From line included; read in pieces, however large the file is."""
    found: tuple[int, bytes] | None = None
    base, buffer = begin, b""
    while True:
        more = stream.read(CHUNK)
        buffer += more
        if found is not None and len(found[1]) < _HEAD:
            found = found[0], found[1] + more[: _HEAD - len(found[1])]
        # What might go on in the next piece is looked at with it.
        ready = len(buffer) if not more else max(len(buffer) - _LOOK_AHEAD - 4, 0)
        for place in _borders(buffer, ready, first=found is None):
            if found is not None:
                yield found[0], base + place - found[0], _header(found[1])
            found = base + place, buffer[place : place + _HEAD]
        if found is not None and not more:
            yield found[0], base + len(buffer) - found[0], _header(found[1])
        if not more:
            return
        kept = max(ready - 4, 0)
        base, buffer = base + kept, buffer[kept:]


def _borders(buffer: bytes, ready: int, *, first: bool) -> Iterator[int]:
    """Where mails begin in a piece of an mbox, before ``ready``.

    A ``From`` at the start of a line is one if an empty line is above it and a header below it. Some programs leave
    the empty line out: then it must look like an envelope.
    """
    if first and buffer.startswith(b"From "):
        yield 0
    place = buffer.find(b"\nFrom ", 4 if not first else 0)
    while 0 <= place < ready:
        begin = place + 1
        match = _FROM_LINE.match(buffer, begin)
        if match and (_is_empty_above(buffer, place) or _ENVELOPE.match(buffer, begin)):
            yield begin
        place = buffer.find(b"\nFrom ", begin)


def _is_empty_above(buffer: bytes, place: int) -> bool:
    """Whether the line that ends at ``place`` is empty."""
    return buffer[max(place - 2, 0) : place].endswith((b"\n", b"\n\r"))


def _header(head: bytes) -> bytes:
    """What stands above the first empty line."""
    return head.replace(b"\r\n", b"\n").partition(b"\n\n")[0]


def _why_not(header: bytes, name: str) -> str:
    """Why a mail is none that anybody sent or kept: deleted, a draft, or spam; empty for all others.

    Thunderbird keeps what is deleted until the folder is compacted, and says so in the header; a Maildir says it in the
    file's name; what Google hands over has its labels.
    """
    status = _MOZILLA.search(header)
    if status and int(status[1], 16) & _EXPUNGED:
        return "deleted"
    flags = name.rpartition(":2,")[2] if ":2," in name else ""
    if "T" in flags or "D" in flags:
        return "deleted" if "T" in flags else "a draft"
    labels = _GMAIL.search(header)
    told = {label.strip().lower() for label in labels[1].split(b",")} if labels else set()
    return next((why for label, why in _LABELS.items() if label in told), "")


def _date(header: bytes, otherwise: float) -> float:
    """When a mail was written, by its Date field, else by its From line, in seconds since 1970."""
    found = _DATE.search(header)
    said = date_of(found[1].strip()) if found else None
    if said is None and header.startswith(b"From ") and (stamped := _ASCTIME.search(header.partition(b"\n")[0])):
        said = _asctime(stamped[0].decode("ascii", "replace"))
    if said is None:
        return otherwise
    return said.timestamp() if said.tzinfo else said.replace(tzinfo=UTC).timestamp()


def _asctime(text: str) -> datetime | None:
    for pattern in ("%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %z %Y", "%a %b %d %H:%M:%S %Z %Y"):
        try:
            return datetime.strptime(" ".join(text.split()), pattern)  # noqa: DTZ007 - a From line is in UTC (RFC 4155)
        except ValueError:
            continue
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None

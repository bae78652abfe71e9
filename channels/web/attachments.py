"""Files on the console page: what staff attach to a reply or a note, and what anybody at the desk may download."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aiohttp import BodyPartReader, hdrs, web

from rules.effects import OwedFile, StaffFile
from rules.files import MEGABYTE, STAFF_COUNT_MOST, STAFF_MOST, size_in_words, source_of
from rules.model import Entry

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What the page shows small; an SVG is a program and never one of them."""

KNOWN_TYPES = PICTURES | {"application/pdf", "text/plain"}
"""The types that a download is labelled with; everything else is bytes that no browser opens by itself."""

FILE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
_SMALL_PICTURE = 5 * MEGABYTE
_LONGEST_COMMAND = 1 << 19
_CHUNK = 1 << 16

Key = tuple[str, int]
"""Where the bytes of a file are: the key they are kept under, and the part of them."""


class TooMuchError(Exception):
    """More was attached than one message takes; its text says what may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLink:
    """A file as the thread shows it; ``path`` is empty where it cannot be downloaded, ``held`` warns of it."""

    name: str
    size: str = ""
    path: str = ""
    picture: bool = False
    held: str = ""

    def as_json(self) -> dict[str, Any]:
        """The file as the page gets it."""
        told = {"name": self.name, "size": self.size, "path": self.path, "picture": self.picture}
        return {**told, "held": self.held}


class Links:
    """The files of a ticket's journal, by where their bytes are.

    A download is named by its place in the journal, so that nobody can ask for anything else the store has.
    """

    def __init__(self, ticket: int, entries: Sequence[Entry]) -> None:
        self._paths: dict[Key, str] = {}
        for number, entry in enumerate(entries):
            for place, attachment in enumerate(entry.attachments):
                owed = source_of(attachment, entry.message_key)
                self._paths.setdefault((owed.message_key, owed.part), f"/api/file/{ticket}/{number}/{place}")

    def of_entry(self, entry: Entry) -> tuple[FileLink, ...]:
        """The files of one journal entry."""
        return self.of(source_of(attachment, entry.message_key) for attachment in entry.attachments)

    def of(self, files: Iterable[OwedFile]) -> tuple[FileLink, ...]:
        """Files as links."""
        return tuple(self._link(file) for file in files)

    def _link(self, file: OwedFile) -> FileLink:
        path = self._paths.get((file.message_key, file.part), "")
        small = not file.held and 0 < file.size <= _SMALL_PICTURE and file.content_type in PICTURES
        size = size_in_words(file.size) if path else ""
        return FileLink(
            name=file.filename or "file", size=size, path=path, picture=bool(path) and small, held=file.held
        )


def at_place(entries: Sequence[Entry], number: int, place: int) -> OwedFile | None:
    """The file at one place in a ticket's journal."""
    if number >= len(entries) or place >= len(entries[number].attachments):
        return None
    return source_of(entries[number].attachments[place], entries[number].message_key)


def download(file: OwedFile, data: bytes) -> web.Response:
    """A file to be saved: never shown as a page, whatever its sender said that it is.

    One that is held is saved under a name that no double click runs.
    """
    known = file.content_type in KNOWN_TYPES and not file.held
    kind = file.content_type if known else "application/octet-stream"
    name = f"{file.filename or 'file'}.held" if file.held else file.filename
    headers = {hdrs.CONTENT_DISPOSITION: _as_attachment(name), "Content-Security-Policy": FILE_POLICY}
    return web.Response(body=data, content_type=kind, headers=headers)


def _as_attachment(filename: str) -> str:
    """RFC 6266 §4.3: the name for old browsers in ASCII, and the name as it is."""
    name = "".join(letter for letter in filename if letter.isprintable()).replace("/", "_") or "file"
    name = name.encode("utf-8", "replace").decode()
    plain = "".join(letter if letter.isascii() and letter not in '"\\%' else "_" for letter in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


async def read_command(request: web.Request) -> tuple[Any, tuple[StaffFile, ...]]:
    """The JSON of a command and the files sent with it: a ``command`` part, then ``file`` parts, or JSON alone.

    Raises ValueError when it cannot be read, TooMuchError when it is more than a message takes.
    """
    if request.content_type == "application/json":
        return await request.json(), ()
    asked: Any = None
    files: list[StaffFile] = []
    left = STAFF_MOST
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise ValueError("A command has parts, and they have none of their own.")
        if part.name == "command":
            asked = json.loads(await _read(part, _LONGEST_COMMAND))
        elif part.name == "file":
            files.append(_file(part, await _read(part, left)))
            left -= len(files[-1].data)
        if len(files) > STAFF_COUNT_MOST:
            raise TooMuchError(f"One message takes at most {STAFF_COUNT_MOST} files.")
    return asked, tuple(files)


async def _read(part: BodyPartReader, most: int) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(_CHUNK):
        data += chunk
        if len(data) > most:
            raise TooMuchError(f"All files of one message may have {STAFF_MOST // MEGABYTE} MB together.")
    return bytes(data)


def _file(part: BodyPartReader, data: bytes) -> StaffFile:
    headers: Mapping[str, str] = part.headers
    kind = headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()
    return StaffFile(filename=part.filename or "file", content_type=kind or "application/octet-stream", data=data)

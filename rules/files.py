"""Files that go both ways: a customer's are shown to staff, what staff attach goes out with their reply (R-HA-2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256

from rules.draft import CHAT, Draft
from rules.effects import OutboxEntry, OwedFile, Upload
from rules.model import Attachment, Command, Message, Refusal
from rules.wording import Texts

MEGABYTE = 1024 * 1024

STAFF_MOST = 20 * MEGABYTE
"""All files of one reply or note together: a mail grows by a third on its way, few relays take more (complaint 65)."""

STAFF_COUNT_MOST = 20
"""So many files one reply or note may have."""

CHAT_MOST = 20 * MEGABYTE
"""A larger file of a customer is named in the thread and not put there; the console page has it."""

CHAT_COUNT_MOST = 20
"""So many files of one message are put into the thread; the rest is named there."""

_PICTURE_LEAST = 20 * 1024
"""A picture in the text of a mail that is smaller is taken for a logo and stays out of the thread."""

_LONGEST_NAME = 200
_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,80}")


def of_message(message: Message) -> tuple[OwedFile, ...]:
    """The files of a message that staff should see: what is attached, and pictures that are more than a logo."""
    return tuple(
        OwedFile(
            filename=file.filename, content_type=file.content_type, message_key=file.kept_key or message.key,
            part=0 if file.kept_key else file.part, size=file.size, sha256=file.sha256, held=file.held,
        )
        for file in message.attachments
        if not file.inline or (file.content_type.startswith("image/") and file.size >= _PICTURE_LEAST)
    )  # fmt: skip


def fits_chat(file: OwedFile) -> bool:
    """Whether a file is put into the thread; an empty one cannot be, and one that is held must not be."""
    return not file.held and 0 < file.size <= CHAT_MOST


def size_in_words(size: int) -> str:
    """So many bytes for people: ``812 bytes``, ``12 KB``, ``1.4 MB``."""
    if size < 1024:
        return f"{size} bytes"
    if size < MEGABYTE:
        return f"{size / 1024:.0f} KB"
    return f"{size / MEGABYTE:.1f} MB"


def show(draft: Draft, after: str, files: Iterable[OwedFile]) -> None:
    """Owe each file to the ticket's thread, behind the post with the key ``after``.

    Each is an effect of its own, so one that is refused or of unknown fate holds back none of the others (law 5).
    """
    number = draft.ticket.number
    fitting = [file for file in files if fits_chat(file)][:CHAT_COUNT_MOST]
    for place, file in enumerate(fitting, start=1):
        draft.owe(
            OutboxEntry(
                key=f"{after}:file:{place}", channel=CHAT, lane=f"chat:{number}", due_at=draft.now, ticket=number,
                content=Upload(ticket=number, file=file, after=after),
            )
        )  # fmt: skip


def problem_with(command: Command, texts: Texts) -> Refusal | None:
    """Why the files of a command are not taken, in words; nothing goes out without a file meant to go with it."""
    most = STAFF_MOST // MEGABYTE
    for file in command.files:
        if file.problem:
            name = _name(file.filename)
            return Refusal(code="file", text=texts.say(f"refused_file_{file.problem}", name=name, most=most))
    if len(command.files) > STAFF_COUNT_MOST:
        return Refusal(code="file", text=texts.say("refused_files_many", most=STAFF_COUNT_MOST))
    if sum(len(file.data) for file in command.files) > STAFF_MOST:
        names = ", ".join(_name(file.filename) for file in command.files)
        return Refusal(code="file", text=texts.say("refused_files_large", names=names, most=most))
    return None


def attached(command: Command) -> tuple[OwedFile, ...]:
    """The files of a command as something that can be owed."""
    return tuple(
        OwedFile(
            filename=_name(file.filename), content_type=_type(file.content_type), message_key=key, size=len(file.data),
            sha256=sha256(file.data).hexdigest(),
        )
        for file, (key, _) in zip(command.files, kept(command), strict=True)
    )  # fmt: skip


def kept(said: Command | Message) -> Iterator[tuple[str, bytes]]:
    """What the store keeps of the files of a command or of words in chat, in the commit that records it."""
    for place, file in enumerate(said.files, start=1):
        yield f"{said.key}:file:{place}", file.data


def shared(message: Message, texts: Texts) -> tuple[Attachment, ...]:
    """The files of words in chat as a journal entry lists them; one that could not be had says so."""
    return tuple(
        Attachment(
            filename=_name(file.filename), content_type=_type(file.content_type), size=len(file.data),
            sha256=sha256(file.data).hexdigest(), kept_key=key,
            held=texts.say("chat_file_not_had") if file.problem else "",
        )
        for file, (key, _) in zip(message.files, kept(message), strict=True)
    )  # fmt: skip


def listed(files: Iterable[OwedFile]) -> tuple[Attachment, ...]:
    """Files of staff as a journal entry lists them."""
    return tuple(
        Attachment(
            filename=file.filename, content_type=file.content_type, size=file.size, sha256=file.sha256,
            part=file.part, kept_key=file.message_key,
        )
        for file in files
    )  # fmt: skip


def source_of(attachment: Attachment, message_key: str) -> OwedFile:
    """Where the bytes of a file in a journal entry are; ``message_key`` is the entry's."""
    return OwedFile(
        filename=attachment.filename,
        content_type=attachment.content_type,
        message_key=attachment.kept_key or message_key,
        part=attachment.part,
        size=attachment.size,
        sha256=attachment.sha256,
        held=attachment.held,
    )


def _type(content_type: str) -> str:
    return content_type if _TYPE.fullmatch(content_type) else "application/octet-stream"


def _name(filename: str) -> str:
    """A file's name on one line, without folders."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    plain = "".join(letter for letter in last if letter.isprintable()).strip()
    return plain[-_LONGEST_NAME:] or "file"

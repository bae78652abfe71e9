"""Which parts of a mail are its text and which are files; every part is one or the other, so that nothing is lost."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from channels.mail.attachments import MAX_ATTACHMENTS, attachment_of, content_id_of, filename_of
from channels.mail.charsets import decode
from channels.mail.flowed import unflowed
from channels.mail.html_quotes import Span
from channels.mail.html_text import html_to_text
from channels.mail.invitations import MAX_CALENDAR, Invitation, read_invitation
from channels.mail.packed import Unpacked, unpack, words_of
from channels.mail.protected import note_of_text
from channels.mail.rtf import rtf_words
from channels.mail.structure import Part, Tree
from channels.mail.transfer import decoded
from channels.mail.uuencode import without_files
from rules.message import Attachment

MAX_TEXT = 4_000_000
_MAX_CODED = MAX_TEXT * 3
_ORDINARY = 65_536

_FILE_TEXT = frozenset(
    (
        *("text/calendar", "text/x-vcalendar", "text/x-vcard", "text/vcard", "text/directory"),
        *("text/rfc822-headers", "text/csv", "text/x-amp-html"),
    )
)
_CALENDARS = frozenset({"text/calendar", "text/x-vcalendar", "application/ics"})
_META_CHARSET = re.compile(rb"<meta\b[^<>]{0,300}charset\s{0,5}=\s{0,5}[\"']?([\w-]{1,40})", re.IGNORECASE)
_META_WITHIN = 4_096
# What a plain form says when the words are in the HTML form only.
_NO_HTML = re.compile(
    r"(?:not?|n't)\b.{0,40}\bhtml|\bhtml\b.{0,40}\b(?:view|reader|client|capable|enabled|required|only)"
    r"|view.{0,30}\b(?:browser|html)|kein.{0,20}html",
    re.IGNORECASE,
)
_SHORT_FORM = 300
_MAX_SEARCHED = 3


@dataclass(slots=True)
class Body:
    """The text of a mail, its files, and what a mail client marked in the text as quoted (HTML only)."""

    text: str = ""
    spans: tuple[Span, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    notes: list[str] = field(default_factory=list)

    def note(self, *texts: str) -> None:
        """Say something once."""
        self.notes += [text for text in texts if text and text not in self.notes]


@dataclass(slots=True)
class _Found:
    raw: bytes
    texts: list[Part] = field(default_factory=list)
    files: list[tuple[Part, bool]] = field(default_factory=list)
    unpacked: Unpacked = field(default_factory=Unpacked)


def read_body(raw: bytes, tree: Tree) -> Body:
    """Text and attachments. Parts that are neither chosen as text nor shown are listed as files: nothing is lost.

    What was packed inside parts is added to the tree.
    """
    return _plain_body(raw, tree.root) or sorted_body(raw, tree)


def _plain_body(raw: bytes, root: Part) -> Body | None:
    """The same by a short way for a mail that is one plain text of ordinary size; nothing for any other."""
    if (
        root.type != "text/plain"
        or root.end - root.start > _ORDINARY
        or root.source is not None
        or root.children
        or root.disposition
        or root.disposition_params
        or "name" in root.params
    ):
        return None
    text, _, notes = _text(raw, root)
    if "\nend" in text:
        # A file may stand in it.
        return None
    body = Body(text=text if text.strip() else "")
    body.note(*notes, note_of_text(body.text))
    return body


def sorted_body(raw: bytes, tree: Tree) -> Body:
    """Text and attachments of a mail by the long way, part by part."""
    found = _Found(raw, unpacked=unpack(raw, tree))
    _sort(tree.root, found, related=False, first=True)
    body = Body()
    body.note(*found.unpacked.notes)
    pieces = _read_texts(raw, tree, found, body)
    if not pieces and found.unpacked.words:
        pieces = [_lines(words_of(found.unpacked.words[0]))]
    invitation = _invitation(raw, found)
    if invitation and not pieces:
        pieces = [invitation.text]
    elif invitation:
        body.note(invitation.note)
    body.text = "\n\n".join(pieces)[:MAX_TEXT]
    body.note(note_of_text(body.text))
    if len(found.files) > MAX_ATTACHMENTS:
        body.note("more than 1,000 files; the rest stays in the raw mail")
    listed = [
        attachment_of(raw, part, inline=_is_inline(raw, tree, part, related=related))
        for part, related in found.files[:MAX_ATTACHMENTS]
    ]
    body.attachments = tuple(attachment for attachment, _ in listed)
    body.note(*(note for _, notes in listed for note in notes))
    return body


def _read_texts(raw: bytes, tree: Tree, found: _Found, body: Body) -> list[str]:
    pieces: list[str] = []
    size = 0
    for part in found.texts:
        text, spans, notes = _text(raw, part)
        if part.type != "text/html":
            text, packed = without_files(text)
            text = text if not packed else text.strip("\n").rstrip()
            files = [tree.unpacked_file(part, name, "application/octet-stream", data) for name, data in packed]
            found.files += [(file, False) for file in files if file]
        body.note(*notes)
        if text.strip():
            begin = size + 2 * len(pieces)
            body.spans += tuple(span._replace(start=begin + span.start, end=begin + span.end) for span in spans)
            pieces.append(text)
            size += len(text)
        if size > MAX_TEXT:
            body.note("the text is larger than 4 MB; the rest stays in the raw mail")
            break
    return pieces


def _invitation(raw: bytes, found: _Found) -> Invitation | None:
    """What the first calendar file says."""
    for part, _ in found.files:
        if part.type in _CALENDARS:
            data, _ = decoded(raw, part, limit=MAX_CALENDAR * 2)
            return read_invitation(decode(data, part.params.get("charset", ""))[0])
    return None


def _is_inline(raw: bytes, tree: Tree, part: Part, *, related: bool) -> bool:
    """Whether a file is shown within the text: it says so, stands beside its HTML, or the HTML names it by its cid."""
    if part.disposition == "inline" or (related and part.disposition != "attachment"):
        return True
    name = content_id_of(part)
    if not name or part.type.startswith("message/"):
        return False
    wanted = f"cid:{name}".encode("utf-8", "replace")
    pages = [candidate for candidate in tree.root.walk() if candidate.type == "text/html"][:_MAX_SEARCHED]
    return any(wanted in decoded(raw, page, limit=_MAX_CODED)[0] for page in pages)


def _sort(part: Part, found: _Found, *, related: bool, first: bool) -> None:
    """Put a part, and all under it, among the texts or the files."""
    if not part.type.startswith("multipart/"):
        if _is_text(part, first and not found.texts):
            found.texts.append(part)
        elif part.number not in found.unpacked.emptied:
            found.files.append((part, related))
        for child in part.children:
            _sort(child, found, related=False, first=first)
    elif part.type == "multipart/alternative":
        _sort_alternative(part, found, related=related, first=first)
    elif part.type == "multipart/report":
        for index, child in enumerate(part.children):
            if index == 0:
                _sort(child, found, related=False, first=first)
            else:
                found.files += [(leaf, False) for leaf in child.walk() if not leaf.children]
    else:
        inner = part.type == "multipart/related"
        for index, child in enumerate(part.children):
            _sort(child, found, related=inner and index > 0, first=first and index == 0)


def _sort_alternative(part: Part, found: _Found, *, related: bool, first: bool) -> None:
    """Of several forms of one text take the plain one, else the HTML one; files among them stay files."""
    forms = []
    for child in part.children:
        inner = _Found(found.raw, unpacked=found.unpacked)
        _sort(child, inner, related=related, first=True)
        forms.append(inner)
        found.files += inner.files
    written = [form for form in forms if form.texts]
    plain = next((form for form in written if form.texts[0].type != "text/html" and not _is_blank(form)), None)
    chosen = plain or next((form for form in written if form.texts[0].type == "text/html"), None)
    if chosen is None and written:
        chosen = written[0]
    if chosen is not None:
        found.texts += chosen.texts


def _is_blank(form: _Found) -> bool:
    """Whether a form says nothing, as the empty plain form that some clients put beside a full HTML one.

    Or it says only that the words are in the other form.
    """
    if any(part.end - part.start > _SHORT_FORM * 2 for part in form.texts):
        return False
    text = "".join(_text(form.raw, part)[0] for part in form.texts).strip()
    return not text.strip("\xa0\u200b\ufeff") or (len(text) < _SHORT_FORM and _NO_HTML.search(text) is not None)


def _is_text(part: Part, first: bool) -> bool:
    if not part.type.startswith("text/") or part.type in _FILE_TEXT or part.disposition == "attachment":
        return False
    return first or not filename_of(part)


def _text(raw: bytes, part: Part) -> tuple[str, tuple[Span, ...], list[str]]:
    """The text of a part, what its client marked in it as quoted, and what was odd."""
    data, notes = decoded(raw, part, limit=_MAX_CODED)
    if part.end - part.start > _MAX_CODED or len(data) > MAX_TEXT * 2:
        notes = [*notes, "the text is larger than 4 MB; the rest stays in the raw mail"]
        data = data[: MAX_TEXT * 2]
    label = part.params.get("charset", "")
    if not label and part.type == "text/html" and not data.isascii():
        meta = _META_CHARSET.search(data, 0, _META_WITHIN)
        label = meta.group(1).decode("ascii", "replace") if meta else ""
    text, odd = decode(data, label)
    if odd:
        notes = [*notes, odd]
    if "\x00" in text:
        text = text.replace("\x00", "")
        notes = [*notes, "NUL bytes were left out of the text"]
    # A byte order mark is no word, also where mails were put together in the middle of a text.
    text = text.replace("\ufeff", "")
    if part.type == "text/html":
        text, spans, html_notes = html_to_text(text)
        return text, spans, notes + html_notes
    if part.type in ("text/rtf", "text/richtext") and text.startswith("{\\rtf"):
        text, is_html = rtf_words(data)
        text = html_to_text(text)[0] if is_html else text
    text = _lines(text)
    if part.params.get("format", "").lower() == "flowed" and part.type == "text/plain":
        text = unflowed(text, delete_space=part.params.get("delsp", "").lower() == "yes")
    return text, (), notes


def _lines(text: str) -> str:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.strip("\n").rstrip()

"""Opens what holds other parts inside: a signed S/MIME envelope, a ``winmail.dat``, a multipart that was encoded."""

from __future__ import annotations

from dataclasses import dataclass, field

from channels.mail.html_text import html_to_text
from channels.mail.protected import S_MIME, note_of, read_smime
from channels.mail.rtf import decompressed, rtf_words
from channels.mail.structure import Part, Tree
from channels.mail.tnef import Tnef, read_tnef
from channels.mail.transfer import coding_of, decoded

MAX_ROUNDS = 3

_TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_TNEF_NAME = "winmail.dat"


@dataclass(slots=True)
class Unpacked:
    """What was found out: notes, the parts that need not be listed any more, and words of mails without a text."""

    notes: list[str] = field(default_factory=list)
    emptied: set[int] = field(default_factory=set)
    words: list[Tnef] = field(default_factory=list)


def unpack(raw: bytes, tree: Tree) -> Unpacked:
    """Put what is packed inside parts below them in the tree; three envelopes deep, and no archive is ever opened."""
    found = Unpacked()
    pending = list(tree.root.walk())
    for _ in range(MAX_ROUNDS):
        opened = [part for part in pending if _open(raw, tree, part, found)]
        if not opened:
            break
        pending = [inner for part in opened for child in part.children for inner in child.walk()]
    return found


def _open(raw: bytes, tree: Tree, part: Part, found: Unpacked) -> bool:
    """Look at one part; whether parts were put below it."""
    kind = part.type
    if kind.startswith("multipart/"):
        note = note_of(part)
        if note:
            found.notes.append(note)
        return not part.children and _decode_multipart(raw, tree, part)
    if kind in S_MIME:
        data, _ = decoded(raw, part)
        note, content = read_smime(data, part.params.get("smime-type", ""))
        found.notes.append(note)
        if content:
            tree.unpacked(part, content)
        return bool(content)
    if kind in _TNEF or _name_of(part) == _TNEF_NAME:
        return _open_tnef(raw, tree, part, found)
    return False


def _name_of(part: Part) -> str:
    return (part.disposition_params.get("filename") or part.params.get("name") or "").lower()


def _decode_multipart(raw: bytes, tree: Tree, part: Part) -> bool:
    """A multipart must not be in base64, but some software does that (RFC 2045 §6.4)."""
    if coding_of(part) not in (b"base64", b"quoted-printable"):
        return False
    data, _ = decoded(raw, part)
    tree.unpacked(part, b"Content-Type:" + part.first("content-type").strip() + b"\r\n\r\n" + data)
    return True


def _open_tnef(raw: bytes, tree: Tree, part: Part, found: Unpacked) -> bool:
    data, _ = decoded(raw, part)
    tnef = read_tnef(data)
    if tnef is None:
        found.notes.append("winmail.dat (Outlook's package) could not be unpacked; it is kept as a file")
        return False
    for file in tnef.files:
        tree.unpacked_file(part, file.name, file.kind, file.content, file.content_id)
    if tnef.text or tnef.html or tnef.rtf:
        found.words.append(tnef)
    if tnef.whole:
        found.emptied.add(part.number)
    else:
        found.notes.append("winmail.dat (Outlook's package) is cut off; what is left of it was unpacked")
    return bool(tnef.files)


def words_of(tnef: Tnef) -> str:
    """The words packed in a ``winmail.dat``: plain ones if it has them, else those of its HTML or RTF."""
    if tnef.text.strip():
        return tnef.text
    if tnef.html.strip():
        return html_to_text(tnef.html)[0]
    words, is_html = rtf_words(decompressed(tnef.rtf))
    return html_to_text(words)[0] if is_html else words

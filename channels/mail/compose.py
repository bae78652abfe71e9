"""A mail we owe becomes bytes that any mail program reads and threads, and into which nobody can smuggle a header."""

from __future__ import annotations

import binascii
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote

from channels.mail.addresses import Mailbox, OwnAddresses
from channels.mail.attachments import safe_filename
from channels.mail.html_part import html_part, quoted_text
from rules.automatic import LOOP_HEADER
from rules.effects import Mail, OwedFile
from rules.errors import PermanentDeliveryError
from rules.probing import PROBE_HEADER

FileBytes = Callable[[OwedFile], bytes]

# RFC 5322 §2.1.1: 998 is the limit of a line, 78 what is asked for.
_LONGEST_LINE = 900
_FOLD_AT = 76
_WORD_BYTES = 42
_LAST_REFERENCES = 10
_MADE_UP = "@deskbell.invalid>"

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_ADDRESS = re.compile(
    r"(?:[^\s<>()\",;:\\\x00-\x20\x7f@]{1,320}"
    # A local part in quotes may have spaces and more (RFC 5321 §4.1.2).
    r'|"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e]){1,64}")'
    r"@[^\s<>()\",;:\\\x00-\x20\x7f@]{1,320}\Z"
)
_ID = re.compile(r"<[!-;=?-~]{1,900}>\Z")
_PLAIN_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*\Z")
_TYPE = re.compile(r"(?!message/|multipart/)[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,80}\Z")
_ODD_BREAKS = ("\r", "\x0b", "\x0c", "\u2028", "\u2029", "\x85")
_LINE_BREAK = re.compile(r"\r\n|\r|\n|\x0b|\x0c|\u2028|\u2029|\x85")


def compose(mail: Mail, *, mailbox: Mailbox, own: OwnAddresses, now: datetime, files: FileBytes) -> bytes:
    """The mail in RFC 5322 form with CRLF line ends.

    Our own addresses are never among the recipients (complaint 24), but for a probe. Raises PermanentDeliveryError when
    no recipient is left, or what ``files`` raises.
    """
    to, cc = recipients_of(mail, own)
    lines = [
        f"From: {_mailbox_text(mailbox.address, mail.from_name or mailbox.display_name)}",
        _listed("To", to),
        _text("Subject", mail.subject),
        f"Date: {_date(now.replace(microsecond=0))}",
        f"Message-ID: {_message_id(mail.message_id)}",
    ]
    if cc:
        lines.insert(2, _listed("Cc", cc))
    if mail.reply_to and _ADDRESS.match(mail.reply_to):
        lines.append(f"Reply-To: {_mailbox_text(mail.reply_to, mail.from_name or mailbox.display_name)}")
    lines += _threading(mail)
    if mail.automatic:
        lines += _automatic(mail, mailbox)
    if mail.probe:
        lines.append(f"{PROBE_HEADER}: {_clean(mail.probe)}")
    lines.append("MIME-Version: 1.0")
    return "\r\n".join(lines).encode("utf-8") + b"\r\n" + _content(mail, files)


@lru_cache(maxsize=8)
def _date(second: datetime) -> str:
    """In a flood many mails leave in the same second."""
    return format_datetime(second)


def recipients_of(mail: Mail, own: OwnAddresses) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """To and Cc without our own addresses (but for a probe), malformed ones and repetitions.

    Raises PermanentDeliveryError when nobody is left.
    """
    seen: set[str] = set()
    lists = []
    for addresses in (mail.to, mail.cc):
        kept = []
        for address in addresses:
            address = address.strip()
            if _ADDRESS.match(address) and address.lower() not in seen and (address not in own or mail.probe):
                seen.add(address.lower())
                kept.append(address)
        lists.append(tuple(kept))
    to, cc = lists
    if not to and not cc:
        wanted = ", ".join((*mail.to, *mail.cc)) or "nobody"
        raise PermanentDeliveryError(f"the mail has no recipient left but our own or malformed ones ({wanted!a})")
    return (to, cc) if to else (cc, ())


def _threading(mail: Mail) -> list[str]:
    """In-Reply-To and References: the first and the last ten ids, one a line (RFC 5322 §3.6.4, complaint 36)."""
    lines = []
    if _is_real_id(mail.in_reply_to):
        lines.append(f"In-Reply-To: {mail.in_reply_to}")
    references = [name for name in dict.fromkeys((*mail.references, mail.in_reply_to)) if _is_real_id(name)]
    if len(references) > _LAST_REFERENCES + 1:
        references = [references[0], *references[-_LAST_REFERENCES:]]
    if references:
        lines.append("References: " + "\r\n ".join(references))
    return lines


def _is_real_id(name: str) -> bool:
    """Whether an id is well formed and was seen in a mail rather than made up by us for one without."""
    return _ID.match(name) is not None and not name.endswith(_MADE_UP)


def _automatic(mail: Mail, mailbox: Mailbox) -> list[str]:
    """What tells other machines not to answer (RFC 3834 §5, complaint 23)."""
    kind = "auto-replied" if mail.in_reply_to else "auto-generated"
    return [f"Auto-Submitted: {kind}", "X-Auto-Response-Suppress: All", f"{LOOP_HEADER}: {_clean(mailbox.name)}"]


def _message_id(name: str) -> str:
    if not _ID.match(name):
        raise PermanentDeliveryError(f"{name!a} cannot be a Message-ID; it must be <…@…> in ASCII without spaces")
    return name


def _clean(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text.strip()
    return _CONTROL.sub(" ", text).strip()


def _text(name: str, value: str) -> str:
    """An unstructured header field, folded; encoded where it is not plain ASCII (RFC 2047)."""
    value = " ".join(_clean(value).split())
    if value.isascii() and "=?" not in value and len(value) <= _LONGEST_LINE:
        return _folded(f"{name}: {value}")
    return f"{name}: {_encoded_words(value)}"


def _folded(line: str) -> str:
    """The field over several lines, broken at its spaces; never right behind its name."""
    if len(line) <= _FOLD_AT:
        return line
    name, first, *words = line.split(" ")
    lines = [f"{name} {first}"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > _FOLD_AT:
            lines.append(word)
        else:
            lines[-1] += f" {word}"
    return "\r\n ".join(lines)


def _encoded_words(value: str) -> str:
    words, chunk = [], b""
    for character in value:
        encoded = character.encode("utf-8")
        if len(chunk) + len(encoded) > _WORD_BYTES:
            words.append(chunk)
            chunk = b""
        chunk += encoded
    words.append(chunk)
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word).decode('ascii')}?=" for word in words)


def _mailbox_text(address: str, name: str) -> str:
    """``name <address>``; an address with anything odd in it is the configuration's mistake and is refused."""
    if not _ADDRESS.match(address):
        raise PermanentDeliveryError(f"{address!a} is no address to send from")
    phrase = _phrase(name)
    return f"{phrase} <{_ascii_domain(address)}>" if phrase else _ascii_domain(address)


@lru_cache(maxsize=128)
def _phrase(name: str) -> str:
    """A display name as it may stand before an address; the same few stand in all our mails."""
    name = _clean(name)[:200]
    if not name:
        return ""
    if not name.isascii() or "=?" in name:
        return _encoded_words(name) + "\r\n"
    if _PLAIN_PHRASE.match(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _listed(name: str, addresses: Sequence[str]) -> str:
    return f"{name}: " + ",\r\n ".join(map(_ascii_domain, addresses))


def _ascii_domain(address: str) -> str:
    """International domains travel in their ASCII form; a local part outside ASCII needs SMTPUTF8 (RFC 6532)."""
    if address.isascii():
        return address
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return address


def _content(mail: Mail, files: FileBytes) -> bytes:
    """The content headers, an empty line and the body."""
    body = _text_part("plain", quoted_text(mail))
    html = mail.html or (html_part(mail) if mail.language else "")
    if html:
        body = _multipart("alternative", mail.message_id, [body, _text_part("html", html)])
    handed = [file for file in mail.files if not file.held]
    if handed:
        parts = [body, *(_file_part(file, files(file)) for file in handed)]
        body = _multipart("mixed", mail.message_id, parts)
    return body


def _text_part(subtype: str, text: str) -> bytes:
    if "\x00" in text:
        text = text.replace("\x00", "")
    if any(map(text.__contains__, _ODD_BREAKS)):
        text = _LINE_BREAK.sub("\n", text)
    text = text.replace("\n", "\r\n")
    if not text.endswith("\r\n"):
        text += "\r\n"
    data = text.encode("utf-8", "replace")
    if data.isascii() and (len(data) <= _LONGEST_LINE or max(map(len, data.split(b"\r\n"))) <= _LONGEST_LINE):
        encoding = b"7bit"
    elif sum(byte > 127 for byte in data[:4000]) * 6 > len(data[:4000]):
        encoding, data = b"base64", _base64(data)
    else:
        encoding, data = b"quoted-printable", _quoted_printable(data)
    head = b"Content-Type: text/" + subtype.encode("ascii") + b"; charset=utf-8\r\nContent-Transfer-Encoding: "
    return head + encoding + b"\r\n\r\n" + data


def _quoted_printable(data: bytes) -> bytes:
    return binascii.b2a_qp(data.replace(b"\r\n", b"\n"), istext=True).replace(b"\n", b"\r\n")


def _base64(data: bytes) -> bytes:
    encoded = b64encode(data)
    return b"".join(encoded[at : at + 76] + b"\r\n" for at in range(0, len(encoded), 76))


def _file_part(file: OwedFile, data: bytes) -> bytes:
    """An attached file (RFC 2183); a name outside ASCII as RFC 2231 says, and as old mail programs read it."""
    kind = file.content_type.lower()
    kind = kind if _TYPE.match(kind) else "application/octet-stream"
    name = safe_filename(file.filename) or "file"
    if name.isascii():
        shown, named = "", f' filename="{name}"'
    else:
        shown, named = f';\r\n name="{_encoded_words(name)}"', f"\r\n filename*=utf-8''{quote(name, safe='')}"
    head = (
        f"Content-Type: {kind}{shown}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment;{named}\r\n\r\n"
    )
    return head.encode("ascii") + _base64(data)


def _multipart(subtype: str, message_id: str, parts: Iterable[bytes]) -> bytes:
    parts = list(parts)
    seal = sha256(b"".join((subtype.encode("ascii"), message_id.encode("utf-8", "replace"), *parts))).hexdigest()
    # The boundary depends on all that it separates, so nothing in a part can have guessed it.
    boundary = f"=_{seal[:40]}".encode("ascii")
    pieces = [b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (subtype.encode("ascii"), boundary)]
    for part in parts:
        pieces += [b"--", boundary, b"\r\n", part, b"\r\n"]
    pieces += [b"--", boundary, b"--\r\n"]
    return b"".join(pieces)

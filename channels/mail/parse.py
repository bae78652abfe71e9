"""A raw mail, as received, becomes a message that the desk can decide on. Never fails, whatever the bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from channels.mail import bodies, headers
from channels.mail.authentication import read_authentication
from channels.mail.charsets import bounded_detection
from channels.mail.dates import date_of
from channels.mail.enclosed import read_enclosed
from channels.mail.forwards import read_forward
from channels.mail.language import detect
from channels.mail.reply import Split, split_reply
from channels.mail.reports import arrived, read_bounces, returned_id
from channels.mail.sameness import content_hash
from channels.mail.structure import Part, Tree, read_tree
from channels.mail.trace import relayed_at
from channels.mail.transfer import decoded
from rules.automatic import judge
from rules.message import Address, AutomaticVerdict, Bounce, Message, Origin
from rules.probing import PROBE_HEADER

SYNTHETIC_DOMAIN = "deskbell.invalid"
_LONGEST_PROBE = 200
_AT_ONCE = 262_144


@dataclass(frozen=True, slots=True)
class _Delivery:
    """All that is known of a mail besides its bytes."""

    received_at: datetime
    channel: str
    recipients: tuple[str, ...]
    origin: Origin | None
    envelope_sender: str | None
    own_addresses: Collection[str]
    trusted_hosts: Collection[str]
    arrived_at: datetime | None


def parse(
    raw: bytes,
    *,
    received_at: datetime,
    channel: str,
    recipients: tuple[str, ...] = (),
    origin: Origin | None = None,
    envelope_sender: str | None = None,
    own_addresses: Collection[str] = (),
    trusted_hosts: Collection[str] = (),
    arrived_at: datetime | None = None,
) -> Message:
    """Understand one mail. ``recipients`` and ``envelope_sender`` are what SMTP said, where it was SMTP.

    ``trusted_hosts`` are the receiving hosts whose word on SPF, DKIM and DMARC counts (RFC 8601); ``arrived_at`` is
    when our mail server got the mail, where that is known.
    Never raises: what cannot be understood is left out and said in ``notes``; ``raw`` stays the truth (complaint 8).
    The key is the same for every delivery of the same mail to the same mailbox, whatever its way (complaints 18-20).
    """
    delivery = _Delivery(
        received_at, channel, recipients, origin, envelope_sender, own_addresses, trusted_hosts, arrived_at
    )
    try:
        with bounded_detection():
            return _parsed(raw, delivery)
    except Exception as problem:  # noqa: BLE001 - a bug in reading one ugly mail must never lose it
        return _unread(raw, delivery, problem)


def part_bytes(raw: bytes, part: int) -> bytes:
    """The bytes of the file ``Attachment.part`` names, without transfer encoding; empty when there is no such part."""
    with bounded_detection():
        tree = read_tree(raw)
        found = tree.numbered(part)
        if found is None:
            # It is counted behind all parts, as it was packed inside one of them or inside the text.
            bodies.read_body(raw, tree)
            found = tree.numbered(part)
        return decoded(raw, found)[0] if found else b""


def _parsed(raw: bytes, delivery: _Delivery) -> Message:
    tree = read_tree(raw)
    root = tree.root
    body = bodies.read_body(raw, tree)
    senders = _addresses(root, "from")
    sender = _sender(root, senders, delivery.envelope_sender)
    subject = headers.text_of(root.first("subject"), root.params.get("charset", ""))
    message_id = headers.id_of(root.first("message-id"))
    fingerprint = _fingerprint(raw, root)
    forwarded = read_forward(body.text, subject)
    split = Split(body.text, "") if forwarded else split_reply(body.text, body.spans)
    verdict = _verdict(raw, tree, delivery, sender, subject, split.reply_text)
    return Message(
        key=f"{_key_prefix(delivery.channel)}:{message_id or '-'}:{fingerprint[:16]}",
        channel=delivery.channel,
        sender=sender,
        subject=subject,
        text=body.text,
        received_at=delivery.received_at,
        raw=raw,
        reply_text=split.reply_text,
        quoted_text=split.quoted_text,
        reply_to=_addresses(root, "reply-to"),
        to=_addresses(root, "to"),
        cc=_addresses(root, "cc"),
        recipients=delivery.recipients,
        message_id=message_id or f"<{fingerprint[:32]}@{SYNTHETIC_DOMAIN}>",
        in_reply_to=headers.ids_of(root.fields.get("in-reply-to", [])),
        references=headers.ids_of(root.fields.get("references", [])),
        sent_at=date_of(root.first("date")) if "date" in root.fields else None,
        attachments=body.attachments,
        language=detect(split.reply_text, split.quoted_text),
        automatic=verdict,
        bounces=_bounces(raw, tree, verdict, body.text, sender.email),
        notes=_notes(tree, body, message_id),
        origin=delivery.origin,
        arrived_at=delivery.arrived_at or relayed_at(root.fields.get("received", ()), delivery.trusted_hosts),
        envelope_sender=delivery.envelope_sender,
        authentication=read_authentication(
            root.fields.get("authentication-results", ()), delivery.trusted_hosts, senders, root.fields.get("from", ())
        ),
        forwarded=forwarded or (None if verdict.is_automatic else read_enclosed(raw, tree, split.reply_text.strip())),
        content_hash=content_hash(subject, split.reply_text, body.attachments),
        returned=returned_id(raw, tree) if root.type == "multipart/report" else "",
        probe=headers.text_of(root.first(PROBE_HEADER.lower()))[:_LONGEST_PROBE],
    )


def _verdict(
    raw: bytes, tree: Tree, delivery: _Delivery, sender: Address, subject: str, reply_text: str
) -> AutomaticVerdict:
    """Whether a machine wrote it, by all that the mail shows."""
    root = tree.root
    return judge(
        headers.Judged(root.fields),
        sender=sender.email,
        envelope_sender=delivery.envelope_sender,
        subject=subject,
        own_addresses=delivery.own_addresses,
        text=reply_text,
        parts=[part.type for part in root.walk()][1:] if root.children else (),
        arrived=root.type == "multipart/report" and arrived(raw, tree),
    )


def _bounces(raw: bytes, tree: Tree, verdict: AutomaticVerdict, text: str, sender: str) -> tuple[Bounce, ...]:
    """Whom a mail of ours did not reach; read from the text only where a mail system surely wrote it."""
    if not verdict.is_automatic and tree.root.type != "multipart/report":
        return ()
    others = {sender, *(address.email for address in _addresses(tree.root, "to"))}
    return read_bounces(raw, tree, text=text if verdict.kind == "bounce" else "", others=others)


def _key_prefix(channel: str) -> str:
    """The mailbox is part of the key: the same mail to two mailboxes is two messages (complaint 19)."""
    return channel if channel.startswith("mail:") else f"mail:{channel}"


def _addresses(root: Part, name: str) -> tuple[Address, ...]:
    """The addresses of a header field; raw 8-bit names in it are likely in the charset of the body."""
    return headers.addresses_of(root.fields.get(name, []), root.params.get("charset", ""))


def _sender(root: Part, written: tuple[Address, ...], envelope_sender: str | None) -> Address:
    """Who wrote: the first From that holds an address, else Sender, Reply-To, Return-Path, the envelope."""
    name = ""
    for field in ("from", "sender", "reply-to", "return-path"):
        for address in written if field == "from" else _addresses(root, field):
            if "@" in address.email:
                return Address(email=address.email, name=address.name or name)
            name = name or address.name
    return Address(email=(envelope_sender or "").strip("<>").lower(), name=name)


def _fingerprint(raw: bytes, root: Part) -> str:
    """A hash over sender, date, subject and body: not over trace headers, so that a retransmission has the same."""
    digest = sha256()
    for name in ("from", "date", "subject"):
        digest.update(b" ".join(root.first(name).split()) + b"\n")
    for piece in _pieces(raw, root.start, root.end):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(raw: bytes, start: int, end: int) -> Iterator[bytes]:
    """These bytes with line feeds for line ends and without blanks at their end.

    They come piece by piece, because no other thread runs while a large one is copied.
    """
    while end > start and not raw[max(start, end - _AT_ONCE) : end].strip():
        end = max(start, end - _AT_ONCE)
    last = raw[max(start, end - _AT_ONCE) : end]
    end -= len(last) - len(last.rstrip())
    while start < end:
        stop = min(end, start + _AT_ONCE)
        while stop < end and raw[stop - 1 : stop] == b"\r":
            stop += 1
        yield raw[start:stop].replace(b"\r\n", b"\n")
        start = stop


def _notes(tree: Tree, body: bodies.Body, message_id: str) -> tuple[str, ...]:
    notes = tree.notes + body.notes
    fields = tree.root.fields
    if not message_id:
        notes.append("the mail has no Message-ID; one was made from its content")
    if len(fields.get("from", ())) != 1:
        notes.append("the mail has several From fields" if "from" in fields else "the mail has no From field")
    if not fields:
        notes.append("the mail has no header")
    return tuple(dict.fromkeys(notes))


def _unread(raw: bytes, delivery: _Delivery, problem: Exception) -> Message:
    """What is left when reading failed by a bug of ours: the bytes, a stable key, and a note that says so."""
    fingerprint = sha256(raw.rstrip().replace(b"\r\n", b"\n")).hexdigest()
    text = raw[: bodies.MAX_TEXT].decode("utf-8", "replace").replace("\x00", "")
    return Message(
        key=f"{_key_prefix(delivery.channel)}:-:{fingerprint[:16]}",
        channel=delivery.channel,
        sender=Address(email=""),
        subject="",
        text=text,
        received_at=delivery.received_at,
        raw=raw,
        reply_text=text,
        recipients=delivery.recipients,
        message_id=f"<{fingerprint[:32]}@{SYNTHETIC_DOMAIN}>",
        notes=(f"the mail could not be read ({type(problem).__name__}: {problem}); see the raw mail",),
        origin=delivery.origin,
        arrived_at=delivery.arrived_at,
        envelope_sender=delivery.envelope_sender,
        content_hash=content_hash("", text, ()),
    )

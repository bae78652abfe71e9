"""A mail that was passed on to us as a file: who wrote it, and what, when the cover has little to say itself."""

from __future__ import annotations

from channels.mail import bodies, headers
from channels.mail.structure import Tree, read_tree
from channels.mail.transfer import decoded
from rules.message import Address, Forwarded

LONGEST_COMMENT = 2_000
LARGEST_MAIL = 30_000_000

_MAIL = "message/rfc822"
_BESIDE = ("text/", "image/", "multipart/", "application/pgp-signature", "application/pkcs7-signature")


def read_enclosed(raw: bytes, tree: Tree, comment: str) -> Forwarded | None:
    """The one mail that another one carries as its only file, pictures and signatures aside; else nothing.

    A report of a mail system, a long letter and a collection of several mails are no forwards.
    """
    if tree.root.type == "multipart/report" or len(comment) > LONGEST_COMMENT:
        return None
    parts = list(tree.root.walk())
    enclosed = [part for part in parts if part.type == _MAIL]
    others = (part for part in parts if part.type != _MAIL and not part.type.startswith(_BESIDE))
    if len(enclosed) != 1 or any(others):
        return None
    content, _ = decoded(raw, enclosed[0])
    if len(content) > LARGEST_MAIL:
        return None
    inner = read_tree(content)
    root = inner.root
    senders = headers.addresses_of(root.fields.get("from", []) + root.fields.get("reply-to", []))
    sender = next((address for address in senders if "@" in address.email), None)
    if sender is None:
        return None
    return Forwarded(
        sender=Address(email=sender.email, name=sender.name),
        subject=headers.text_of(root.first("subject"), root.params.get("charset", "")),
        text=bodies.read_body(content, inner).text,
        comment=comment,
        message_id=headers.id_of(root.first("message-id")),
    )

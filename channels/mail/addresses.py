"""Which addresses are ours: each mailbox with its aliases and its ``support+anything@`` forms."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rules.policy import Mailbox

__all__ = ["Mailbox", "OwnAddresses", "delivered_to"]

_HEAD_MOST = 64 * 1024
_DELIVERED = re.compile(
    rb"^(?:delivered-to|x-original-to|x-delivered-to|envelope-to|x-envelope-to):[ \t\r\n]{0,20}"
    rb"<?([!-;=?-\xff]{3,320})>?[ \t]{0,20}\r?$",
    re.IGNORECASE | re.MULTILINE,
)


class OwnAddresses:
    """Tells our addresses from all others (complaint 24)."""

    def __init__(self, mailboxes: Iterable[Mailbox]) -> None:
        self._mailboxes = {address: mailbox for mailbox in mailboxes for address in mailbox.addresses}
        self.all = frozenset(self._mailboxes)
        self._trusted = {mailbox.name: mailbox.trusted_hosts for mailbox in self._mailboxes.values()}

    def mailbox_of(self, address: str) -> Mailbox | None:
        """The mailbox an address leads to, or nothing; what stands after a ``+`` does not count."""
        address = address.strip().lower()
        found = self._mailboxes.get(address)
        if found is None and "+" in address:
            local, _, domain = address.rpartition("@")
            found = self._mailboxes.get(f"{local.partition('+')[0]}@{domain}")
        return found

    def trusted_hosts(self, mailbox: str) -> tuple[str, ...]:
        """The hosts whose word on SPF, DKIM and DMARC counts for the mailbox of that name."""
        return self._trusted.get(mailbox, ())

    def __contains__(self, address: str) -> bool:
        return self.mailbox_of(address) is not None


def delivered_to(raw: bytes, own: OwnAddresses) -> tuple[str, ...]:
    """Our addresses that mail servers on the way wrote down as the envelope's, in their order, each once.

    Where a mail is fetched, nobody tells the envelope; a signed address may stand in none of To and Cc (a bounce, a
    blind copy, a list). A sender can write such a header too and gains by it what an address in To would give.
    """
    head = raw[:_HEAD_MOST].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    found = (match[1].decode("utf-8", "replace") for match in _DELIVERED.finditer(head))
    return tuple(dict.fromkeys(address for address in found if address in own))

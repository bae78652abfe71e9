"""Which addresses are ours: each mailbox with its aliases and its ``support+anything@`` forms."""

from __future__ import annotations

from collections.abc import Iterable

from rules.policy import Mailbox

__all__ = ["Mailbox", "OwnAddresses"]


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

"""Which addresses are ours: each mailbox with its aliases and its ``support+anything@`` forms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """One support mailbox: the channel's name, its address, and other addresses that lead to it."""

    name: str
    address: str
    aliases: tuple[str, ...] = ()
    display_name: str = ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """All addresses of the mailbox in lower case, the main one first."""
        return (self.address.lower(), *(alias.lower() for alias in self.aliases))


class OwnAddresses:
    """Tells our addresses from all others (complaint 24)."""

    def __init__(self, mailboxes: Iterable[Mailbox]) -> None:
        self._mailboxes = {address: mailbox for mailbox in mailboxes for address in mailbox.addresses}
        self.all = frozenset(self._mailboxes)

    def mailbox_of(self, address: str) -> Mailbox | None:
        """The mailbox an address leads to, or nothing; what stands after a ``+`` does not count."""
        address = address.strip().lower()
        found = self._mailboxes.get(address)
        if found is None and "+" in address:
            local, _, domain = address.rpartition("@")
            found = self._mailboxes.get(f"{local.partition('+')[0]}@{domain}")
        return found

    def __contains__(self, address: str) -> bool:
        return self.mailbox_of(address) is not None

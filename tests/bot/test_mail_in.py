"""The doors for mail are those that the configuration names, each with the mailboxes behind it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

from bot.desk import Desk
from bot.mail_in import mail_listeners
from storage.memory import MemoryStore
from tests.bot.config_files import loaded
from tests.stage import HandClock

TWO_HOUSES = """
desk: {name: Acme}
channels:
  mail:
    - {name: support, address: support@example.com, smtp_in: {listen: "127.0.0.1:2525"}}
    - {name: sales, address: sales@example.com, smtp_in: {listen: "127.0.0.1:2525"}}
    - name: store
      address: store@example.com
      smtp_in: {listen: "127.0.0.1:2526"}
      lmtp_in: {listen: "127.0.0.1:2424"}
"""


def test_mailboxes_that_name_the_same_address_share_a_door(tmp_path: Path) -> None:
    """SMTP and LMTP are doors of their own; behind each is nobody else's mailbox."""
    config = loaded(tmp_path, base=TWO_HOUSES)
    clock = HandClock()
    desk = Desk(MemoryStore(), config.policy, clock, lambda tickets: None)
    with ThreadPoolExecutor(1) as executor:
        doors = mail_listeners(config, desk, clock, executor, nullcontext)
    addresses = ("support@example.com", "sales@example.com", "store@example.com")
    behind = [(door.name, [address for address in addresses if door.mailbox_of(address)]) for door in doors]
    assert behind == [
        ("smtp_in", ["support@example.com", "sales@example.com"]),
        ("smtp_in", ["store@example.com"]),
        ("lmtp_in", ["store@example.com"]),
    ]

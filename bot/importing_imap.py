"""Finds old mail in folders of a mailbox on its server, without changing anything there: not a flag is touched."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from imapclient.exceptions import IMAPClientError

from bot.importing import LARGEST, Item
from channels.mail.imap_account import Described, ImapAccount, ImapSettings
from rules.errors import ChannelError

_AT_ONCE = 500


@dataclass
class Folders:
    """What lies in some folders of one mailbox: of each message the folder, the UID, its size and when it came."""

    name: str
    accounts: list[tuple[str, ImapAccount]]
    of: array[int]
    uids: array[int]
    sizes: array[int]
    when: array[float]

    @property
    def size(self) -> int:
        """All bytes of all messages."""
        return sum(self.sizes)

    def __len__(self) -> int:
        return len(self.uids)


def listed(
    stack: ExitStack, name: str, settings: ImapSettings, folders: Sequence[str], since: datetime | None
) -> Folders:
    """List folders of a mailbox; the lines stay open until ``stack`` ends. Raises ChannelError when that fails."""
    found = Folders(name, [], array("L"), array("Q"), array("Q"), array("d"))
    for number, folder in enumerate(folders or (settings.folder,)):
        # Read only: what somebody else archived stays as it is, read or unread.
        wanted = replace(settings, folder=folder, after="keep", move_to="", largest=LARGEST)
        try:
            account = ImapAccount(wanted)
            stack.callback(account.close)
            found.accounts.append((folder, account))
            aside = account.put_aside()
            uids = [uid for uid in account.uids() if uid not in aside]
            for at in range(0, len(uids), _AT_ONCE):
                _describe(found, number, account, uids[at : at + _AT_ONCE], since)
        except (IMAPClientError, OSError) as problem:
            raise ChannelError(f"{name}, folder {folder}: {_words(problem)}") from problem
    return found


def _describe(found: Folders, number: int, account: ImapAccount, uids: Sequence[int], since: datetime | None) -> None:
    for uid, told in sorted(account.described(uids).items()):
        at = told.arrived_at
        if since is not None and at is not None and at < since:
            continue
        found.of.append(number)
        found.uids.append(uid)
        found.sizes.append(told.size)
        found.when.append(at.timestamp() if at else 0.0)


def mails(found: Folders) -> Iterator[Item]:
    """The messages of all folders, those that came first before the others. Raises ChannelError."""
    for number in sorted(range(len(found)), key=found.when.__getitem__):
        folder, account = found.accounts[found.of[number]]
        uid, size, when = found.uids[number], found.sizes[number], found.when[number]
        at = datetime.fromtimestamp(when, UTC) if when else None
        place = f"imap:{found.name}/{folder};UID={uid}"
        try:
            fetched = account.fetch(uid, Described(size, at))
        except (IMAPClientError, OSError) as problem:
            raise ChannelError(f"{place}: {_words(problem)}; run it again, it goes on where it stopped") from problem
        if fetched is None:
            continue
        problem_of_it = "" if fetched.whole else f"it has {size / 2**20:.0f} MB, more than is fetched"
        if not fetched.raw:
            problem_of_it = "the server gives nothing of it"
        yield Item(place=place, size=size, raw=fetched.raw, around_at=at, problem=problem_of_it)


def _words(problem: BaseException) -> str:
    return " ".join(f"{type(problem).__name__}: {problem}".split())[:300]

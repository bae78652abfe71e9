"""The Maildir way out: each mail lies there once, whole, under a name that its effect gives it."""

from __future__ import annotations

import errno
import mailbox
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from channels.mail.maildir import Maildir, file_name
from rules.effects import Card, Mail, OutboxEntry
from rules.errors import PermanentDeliveryError, TemporaryDeliveryError, UncertainDeliveryError
from storage.files import DISK, Disk, OpenFile

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RAW = b"Subject: x\r\n\r\nhello\r\n"


def owed(key: str = "17:acknowledgement") -> OutboxEntry:
    content = Mail(mailbox="support", to=("ana@example.org",), subject="x", text="y", message_id="<1@example.com>")
    return OutboxEntry(key=key, channel="mail:support", lane="17", content=content, due_at=NOW)


def maildir(folder: Path, disk: Disk = DISK) -> Maildir:
    return Maildir("mail:support", folder, write=lambda mail: RAW, now=lambda: NOW, files=disk)


class FailingDisk(Disk):
    """A disk that fails at one step, once."""

    def __init__(self, step: str) -> None:
        self.step = step
        self.steps: list[str] = []

    def _at(self, step: str) -> None:
        self.steps.append(step)
        if step == self.step:
            self.step = ""
            raise OSError(errno.ENOSPC, "No space left on device")

    def open(self, path: Path) -> OpenFile:
        self._at("open")
        return super().open(path)

    def names(self, folder: Path) -> list[str]:
        self._at("names")
        return super().names(folder)

    def rename(self, old: Path, new: Path) -> None:
        self._at("rename")
        super().rename(old, new)

    def sync_folder(self, folder: Path) -> None:
        self._at("sync_folder")
        super().sync_folder(folder)


async def test_a_mail_lies_in_new_and_any_mail_program_reads_it(tmp_path: Path) -> None:
    receipt = await maildir(tmp_path / "out").send(owed())
    assert [path.name for path in (tmp_path / "out" / "new").iterdir()] == [receipt.text]
    assert list((tmp_path / "out" / "tmp").iterdir()) == []
    assert (tmp_path / "out" / "new" / receipt.text).read_bytes() == RAW
    program = mailbox.Maildir(tmp_path / "out", create=False)
    assert [message["Subject"] for message in program] == ["x"]


async def test_where_bounces_go_stands_on_top_of_the_mail(tmp_path: Path) -> None:
    """As whoever delivers a mail for good writes it (RFC 5321 §4.4)."""
    entry = owed()
    assert isinstance(entry.content, Mail)
    mail = replace(entry.content, return_path="support+b.17.reply.2.abcdefghijklmnop@example.com")
    receipt = await maildir(tmp_path).send(replace(entry, content=mail))
    assert (tmp_path / "new" / receipt.text).read_bytes() == (
        b"Return-Path: <support+b.17.reply.2.abcdefghijklmnop@example.com>\r\n" + RAW
    )


async def test_the_same_effect_is_written_once_also_after_a_restart(tmp_path: Path) -> None:
    first = await maildir(tmp_path).send(owed())
    again = maildir(tmp_path)
    assert (await again.send(owed())).text == (await again.send(owed())).text == first.text
    assert len(list((tmp_path / "new").iterdir())) == 1


async def test_a_mail_somebody_has_read_is_not_written_again(tmp_path: Path) -> None:
    receipt = await maildir(tmp_path).send(owed())
    (tmp_path / "new" / receipt.text).rename(tmp_path / "cur" / f"{receipt.text}:2,RS")
    assert await maildir(tmp_path).find(owed()) == receipt
    await maildir(tmp_path).send(owed())
    assert list((tmp_path / "new").iterdir()) == []


async def test_other_effects_are_other_files(tmp_path: Path) -> None:
    out = maildir(tmp_path)
    for key in ("17:acknowledgement", "17:survey:1", "../../etc/passwd", "digest:2026-W12:ana"):
        await out.send(owed(key))
    assert len(list((tmp_path / "new").iterdir())) == 4
    assert await out.find(owed("18:acknowledgement")) is None


@pytest.mark.parametrize("step", ["open", "rename", "sync_folder", "names"])
async def test_a_full_disk_is_tried_again_and_the_mail_lies_there_once(tmp_path: Path, step: str) -> None:
    disk = FailingDisk(step)
    out = maildir(tmp_path, disk)
    with pytest.raises(TemporaryDeliveryError, match="No space left"):
        await out.send(owed())
    await out.send(owed())
    assert [path.name for path in (tmp_path / "new").iterdir()] == [file_name(owed().key)]
    assert disk.steps[-1] == "sync_folder"


async def test_what_an_interrupted_try_left_is_not_part_of_the_mail(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir(parents=True)
    (tmp_path / "tmp" / file_name(owed().key)).write_bytes(b"half a ma")
    receipt = await maildir(tmp_path).send(owed())
    assert (tmp_path / "new" / receipt.text).read_bytes() == RAW


async def test_a_folder_that_cannot_be_read_leaves_a_fate_uncertain(tmp_path: Path) -> None:
    with pytest.raises(UncertainDeliveryError, match="cannot read the Maildir"):
        await maildir(tmp_path, FailingDisk("names")).find(owed())


async def test_a_card_is_not_a_mail(tmp_path: Path) -> None:
    entry = OutboxEntry(key="17:card", channel="mail", lane="17", content=Card(ticket=17), due_at=NOW)
    with pytest.raises(PermanentDeliveryError, match="17:card is not a mail"):
        await maildir(tmp_path).send(entry)

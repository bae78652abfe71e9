"""A desk that is asked to stop, is started twice, or runs out of disk under load keeps all that it confirmed."""

from __future__ import annotations

import random
import resource
import smtplib

import pytest

from tests.crashes.loader import Busy, Load
from tests.crashes.places import TINYDB, Place
from tests.crashes.promises import check_effects, check_mails
from tests.end_to_end.parts import OURS, DeskProcess, letter, mails_in, until

SEED = 20260321


def loaded(desk: DeskProcess, load: Load, mails: int) -> Busy:
    """Customers and staff at work on a desk, once it has taken so many mails."""
    before = load.taken
    busy = Busy(load, desk)
    until(lambda: load.taken - before >= mails or busy.refused, "the desk to take mails", every_s=0.001)
    return busy


def check_all_promises(place: Place, desk: DeskProcess, load: Load) -> None:
    """The store of an ended desk verifies and holds what was promised, once."""
    verified = desk.command("verify", "--json")
    assert (verified.code, verified.lines[-1]["problems"]) == (0, 0), verified.out
    with place.kept() as store:
        check_mails(store, load)
        check_effects(store, load)


@pytest.mark.timeout(300)
def test_a_desk_asked_to_stop_under_load_finishes_what_is_half_done(place: Place) -> None:
    """SIGTERM: no mail that was answered 250 is lost, nothing stays claimed and unsettled, the exit code is 0."""
    load = Load(random.Random(SEED))
    with place.desk() as desk:
        for _ in range(3):
            desk.start()
            busy = loaded(desk, load, mails=10)
            assert desk.stop() == 0
            busy.join()
            load.after_kill()
            owed = desk.command("outbox", "list", "--json").lines
            assert [line for line in owed if line["state"] != "queued"] == []
        check_all_promises(place, desk, load)


def test_a_second_desk_on_the_same_folder_is_told_in_one_sentence_who_has_it(own_place: Place) -> None:
    """It ends with exit code 1; the first one goes on."""
    with own_place.desk() as desk:
        desk.start()
        second = desk.command("run")
        assert second.code == 1
        assert second.out == ""
        assert len(second.err.splitlines()) == 1, second.err
        who = f"process {desk.pid}" if own_place.kind == TINYDB else "another process"
        assert f"is in use by {who}" in second.err
        assert desk.ask("ticket list") == [{"exit": 0}]


def test_a_mail_that_finds_no_room_on_the_disk_is_answered_451(own_place: Place) -> None:
    """The sender keeps it, the log says loudly why, and the embedded store's desk ends with an error, not going on."""
    with own_place.desk() as desk:
        desk.start()
        assert write(desk, "before", size=100)[0] == 250
        leave_room(desk, 100_000)
        code, said = write(desk, "too large for what is left", size=300_000)
        assert (code, said[:5]) == (451, b"4.3.0")
        if own_place.kind == TINYDB:
            assert desk.wait() == 1
        loud = [line for line in desk.logged() if line["level"] == "error"]
        told = "the disk refused a write" if own_place.kind == TINYDB else "desk.db refused: "
        assert any(told in str(line) for line in loud), desk.log_text()
        desk.kill()
        desk.start()
        assert write(desk, "too large for what is left", size=300_000)[0] == 250
        assert [line["subject"] for line in desk.ask("ticket list")[:-1]] == ["before", "too large for what is left"]


def test_a_disk_that_fills_up_under_load_loses_nothing_that_was_confirmed(own_place: Place) -> None:
    """The desk ends with an error; with room again everything that was answered 250 is there, and it takes mail."""
    load = Load(random.Random(SEED))
    with own_place.desk() as desk:
        desk.start()
        busy = loaded(desk, load, mails=10)
        leave_room(desk, 50_000)
        assert desk.wait(within_s=60) == 1
        busy.join()
        load.after_kill()
        assert [said for said in busy.refused if not said.startswith(("451 ", "421 "))] == []
        desk.start()
        assert write(desk, "after the flood", size=100)[0] == 250
        until(lambda: not desk.outbox(everything=False), "everything owed to be delivered", every_s=0.1)
        assert desk.stop() == 0
        check_all_promises(own_place, desk, load)
        names = [mail["Message-ID"] for mail in mails_in(desk.maildir)]
        assert len(names) == len(set(names))


def leave_room(desk: DeskProcess, size: int) -> None:
    """From now on the running desk may let no file grow by more bytes; for it, that is a full disk."""
    files = [path for path in desk.data.rglob("*") if path.is_file()]
    most = max(path.stat().st_size for path in files) + size
    resource.prlimit(desk.pid, resource.RLIMIT_FSIZE, (most, most))


def write(desk: DeskProcess, subject: str, *, size: int) -> tuple[int, bytes]:
    """A customer's mail of some size, and what the desk says to it."""
    chance = random.Random(size)
    text = "\r\n".join(chance.randbytes(35).hex() for _ in range(size // 72 + 1))
    raw = letter("kim@example.org", subject, text, message_id=f"<{subject.replace(' ', '.')}@example.org>")
    with smtplib.SMTP(*desk.smtp(), timeout=20) as smtp:
        smtp.ehlo("customer.example.org")
        smtp.mail("kim@example.org")
        smtp.rcpt(OURS)
        return smtp.data(raw)

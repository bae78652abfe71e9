"""A disk that is full, or gone, at whatever file a desk writes, and other things that run out: 451, nothing lost."""

from __future__ import annotations

import os
import resource
import smtplib
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.crashes.places import SOAK, TINYDB, Place
from tests.crashes.test_stop_and_full_disk import write
from tests.end_to_end.parts import DeskProcess, mails_in, until

ROOMS = [1_000, 3_000, 6_000, 12_000, 20_000, 40_000, 80_000, 160_000, 320_000]
MAILS = 8
SIZES = [100, 4_000, 100, 20_000]
"""Of the mails, over and over: what fills the journal, what fills the segments."""


def limited(kind: int, most: int) -> Callable[[], None]:
    """Called in a process that is to have no more of something."""
    return partial(resource.setrlimit, kind, (most, most))


def came(desk: DeskProcess) -> bool:
    """Whether a desk that was launched got ready; one that ended instead said why and ended with 1."""
    assert desk.process is not None
    process = desk.process
    until(lambda: process.poll() is not None or '"ready"' in desk.log_text(), "the desk to be ready or to end")
    if process.poll() is None:
        desk.wait_ready()
        return True
    assert process.returncode == 1, desk.log_text()
    check_told(desk)
    return False


def check_told(desk: DeskProcess) -> None:
    """What is in the log is words for people, as far as the log had room."""
    assert "Traceback" not in desk.log_text()


def send(desk: DeskProcess, number: int) -> int:
    """One mail, and the code of the answer to it; 421 where the desk hung up."""
    try:
        return write(desk, f"mail {number}", size=SIZES[number % len(SIZES)])[0]
    except (smtplib.SMTPServerDisconnected, ConnectionError):
        return 421
    except smtplib.SMTPResponseException as refused:
        return refused.smtp_code


def send_until_refused(desk: DeskProcess, first: int = 1) -> tuple[set[int], list[int]]:
    """The numbers of the mails that were taken, and the answers that were not 250."""
    taken = set[int]()
    for number in range(first, first + MAILS):
        code = send(desk, number)
        if code != 250:
            return taken, [code]
        taken.add(number)
    return taken, []


def end(desk: DeskProcess) -> int:
    """Stop it if it runs; its exit code."""
    assert desk.process is not None
    return desk.stop() if desk.process.poll() is None else desk.wait()


def check_nothing_lost(place: Place, desk: DeskProcess, taken: set[int]) -> None:
    """With room again: what was taken is there once, what was not is taken now, and nobody gets a mail twice."""
    desk.start()
    for number in range(MAILS + 1):
        if number not in taken:
            assert send(desk, number) == 250
    until(lambda: not desk.outbox(everything=False), "everything owed to be delivered", every_s=0.2)
    assert desk.stop() == 0
    verified = desk.command("verify", "--json")
    assert (verified.code, verified.lines[-1]["problems"]) == (0, 0), verified.out
    with place.kept() as store, store.read() as look:
        subjects = Counter(ticket.subject for ticket in look.tickets())
    assert subjects == {f"mail {number}": 1 for number in range(MAILS + 1)}
    arrived = Counter(str(mail["Message-ID"]) for mail in mails_in(desk.maildir))
    assert set(arrived.values()) == {1}


@pytest.mark.parametrize("room", ROOMS if SOAK else ROOMS[1:7:3])
def test_a_disk_that_is_full_from_the_start_loses_nothing_whichever_file_it_is(own_place: Place, room: int) -> None:
    """No file may be larger: the journal, a segment, the snapshot, the index, a mail in the Maildir, the log."""
    with own_place.desk() as desk:
        desk.start()
        taken = {0}
        assert send(desk, 0) == 250
        assert desk.stop() == 0
        desk.launch(limited(resource.RLIMIT_FSIZE, room))
        if came(desk):
            more, refused = send_until_refused(desk)
            taken |= more
            assert set(refused) <= {451, 421}
            if refused and own_place.kind == TINYDB:
                # It ends by itself (ADR 8); SQLite may refuse one commit and take the next.
                assert desk.wait() == 1
            else:
                end(desk)
        check_nothing_lost(own_place, desk, taken)


@pytest.mark.parametrize("files", [24, 32, 48] if SOAK else [32])
def test_a_desk_without_file_descriptors_refuses_and_goes_on_later(own_place: Place, files: int) -> None:
    """It does not start, and says so, or takes what it can; what it took is there."""
    with own_place.desk() as desk:
        desk.start()
        assert send(desk, 0) == 250
        assert desk.stop() == 0
        desk.launch(limited(resource.RLIMIT_NOFILE, files))
        taken = {0}
        if came(desk):
            more, refused = send_until_refused(desk)
            taken |= more
            assert set(refused) <= {451, 421}
            end(desk)
        check_nothing_lost(own_place, desk, taken)


def test_a_data_folder_that_vanishes_is_told_and_confirms_nothing_more(tmp_path: Path) -> None:
    """A disk that was unplugged: 451, exit with 1 and a sentence; back again, everything confirmed is there."""
    place = Place(TINYDB, tmp_path / "desk")
    with place.desk() as desk:
        desk.start()
        assert send(desk, 0) == 250
        unplugged = tmp_path / "unplugged"
        place.data.rename(unplugged)
        taken, refused = send_until_refused(desk)
        assert set(refused) <= {451, 421}
        end(desk)
        check_told(desk)
        assert not place.data.exists() or not any(place.data.glob("desk-*.json"))
        if place.data.exists():
            os.rename(place.data, tmp_path / "made anew")
        unplugged.rename(place.data)
        check_nothing_lost(place, desk, taken | {0})

"""A desk that runs finds what it heard, also after it was killed and its search file is gone."""

from __future__ import annotations

import smtplib
from pathlib import Path

import pytest

from storage.search import FILE
from tests.end_to_end.parts import OURS, DeskProcess, configuration, letter, until

pytestmark = pytest.mark.timeout(180)
COUNT = 12


def found(desk: DeskProcess, words: str) -> list[int]:
    """The tickets that a search names."""
    return sorted(line["number"] for line in desk.ask("ticket search", words=words, limit=100) if "number" in line)


def send(desk: DeskProcess, subjects: list[str]) -> None:
    """A mail of its own customer for each subject."""
    with smtplib.SMTP(*desk.smtp(), timeout=20) as client:
        for subject in subjects:
            sender = f"{subject}@customer.example.net"
            mail = letter(sender, subject, "打印机 and a toaster.", message_id=f"<{subject}@customer.example.net>")
            client.sendmail(sender, [OURS], mail)


def test_what_was_heard_before_a_kill_is_found_after_it(tmp_path: Path) -> None:
    """Nobody has to do anything for it (R-CO-5)."""
    with DeskProcess(tmp_path, configuration()) as desk:
        desk.start()
        send(desk, [f"early{number}" for number in range(COUNT)])
        until(lambda: found(desk, "打印机 toaster") == list(range(1, COUNT + 1)), "the first to be found")
        send(desk, [f"late{number}" for number in range(COUNT)])
        desk.kill()
        desk.start()
        until(lambda: found(desk, "toaster") == list(range(1, 2 * COUNT + 1)), "all to be found")
        desk.kill()
        (desk.data / FILE).unlink()
        desk.start()
        until(lambda: found(desk, "late3") == [COUNT + 4], "the file to be made anew")
        assert desk.stop() == 0
        told = desk.command("ticket", "search", "late3", "--json")
        assert [line["subject"] for line in told.lines] == ["late3"]

"""The demonstration plays the whole story on real sockets and leaves something to open."""

from __future__ import annotations

import email
from email.policy import default
from pathlib import Path

import pytest

from bot.demo import DemoError, play


def test_the_demo_plays_from_the_first_mail_to_the_digest(tmp_path: Path) -> None:
    told: list[str] = []

    play(tmp_path / "demo", told.append)

    story = "\n".join(told)
    mails = [
        email.message_from_bytes(path.read_bytes(), policy=default) for path in (tmp_path / "demo/mails").iterdir()
    ]
    subjects_to = {(str(mail["To"]), str(mail["Auto-Submitted"])) for mail in mails}
    assert ("alice@northwind.test", "auto-replied") in subjects_to
    assert ("alice@northwind.test", "None") in subjects_to, "a staff member's answer is not automatic"
    assert not [mail for mail in mails if "carla" in str(mail["To"])], "an absence note is never answered"
    assert [name in story for name in ("@mei-chen", "@tom-baker", "@zhao-min")] == [True] * 3
    assert "已受理" in story
    assert "held for a person's word: the signed reply address of #2 was made for somebody else" in story
    assert not [mail for mail in mails if "mallory" in str(mail["To"])], "a stranger hears nothing"
    digest = (tmp_path / "demo/digest.html").read_text(encoding="utf-8")
    assert "2026-03-02" in digest


def test_the_demo_never_writes_over_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")

    with pytest.raises(DemoError, match="not empty"):
        play(tmp_path, lambda text: None)

    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]

"""How mails are shown to people and scripts: every field of the contract, from files, folders, mboxes and a pipe."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from channels.mail.inspect import inspect, read_messages

MAIL = (
    b"From: Ana <ana@example.org>\r\nTo: a@example.com, B <b@example.com>\r\nSubject: Printer\r\nMessage-ID: <1@x>\r\n"
    b"Date: Mon, 02 Mar 2026 10:00:00 +0100\r\nReferences: <0@x>\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nThe printer is down again.\r\n\r\n> old\r\n"
    b"--b\r\nContent-Type: image/png; name=a.png\r\n\r\nabc\r\n--b--\r\n"
)


def test_every_field_of_the_contract_is_there() -> None:
    record = inspect(MAIL, file="a.eml")
    assert json.loads(json.dumps(record)) == {
        "file": "a.eml",
        "message_id": "<1@x>",
        "date": "2026-03-02T09:00:00+00:00",
        "from": {"name": "Ana", "address": "ana@example.org"},
        "to": ["a@example.com", "b@example.com"],
        "cc": [],
        "reply_to": [],
        "subject": "Printer",
        "text": "The printer is down again.\n\n> old",
        "reply_text": "The printer is down again.",
        "quoted_text": "> old",
        "attachments": [
            {
                "filename": "a.png",
                "content_type": "image/png",
                "size": 3,
                "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                "inline": False,
            }
        ],
        "in_reply_to": [],
        "references": ["<0@x>"],
        "automatic": {"is_automatic": False, "kind": "person", "may_answer": True, "because": []},
        "bounces": [],
        "language": "en",
        "notes": [],
    }


def test_a_bounce_is_shown_with_its_recipient() -> None:
    raw = b"From: MAILER-DAEMON@x\r\nX-Failed-Recipients: ana@example.org\r\n\r\nno\r\n"
    assert inspect(raw)["bounces"] == [
        {"recipient": "ana@example.org", "status": "5.0.0", "permanent": True, "original_message_id": ""}
    ]


@pytest.mark.parametrize("raw", [b"", b"\x00" * 100, b"\xff\xfe", b"=?" * 1000])
def test_ugly_mail_is_no_error(raw: bytes) -> None:
    assert json.dumps(inspect(raw))


def test_a_folder_is_read_by_name_without_hidden_files(tmp_path: Path) -> None:
    (tmp_path / "b.eml").write_bytes(b"Subject: b\n\n")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "c.eml").write_bytes(b"Subject: c\n\n")
    (tmp_path / "a.eml").write_bytes(b"Subject: a\n\n")
    (tmp_path / ".hidden").write_bytes(b"x")
    found = list(read_messages([tmp_path]))
    assert [Path(name).name for name, _ in found] == ["a.eml", "b.eml", "c.eml"]
    assert found[0][1] == b"Subject: a\n\n"


def test_an_mbox_is_read_mail_by_mail(tmp_path: Path) -> None:
    mbox = tmp_path / "all.mbox"
    mbox.write_bytes(
        b"From a@x Mon Mar  2 10:00:00 2026\nSubject: one\n\nHi\n>From here\nFrom there\n\n"
        b"From b@x Mon Mar  2 10:00:00 2026\nSubject: two\n\nYo\n\n"
        b"From c@x Mon Mar  2 10:00:00 2026\nSubject: three\n\n"
    )
    found = list(read_messages([str(mbox)]))
    assert [name.rpartition("/")[2] for name, _ in found] == ["all.mbox#1", "all.mbox#2", "all.mbox#3"]
    assert [inspect(raw)["subject"] for _, raw in found] == ["one", "two", "three"]
    assert found[0][1] == b"Subject: one\n\nHi\nFrom here\nFrom there\n"


def test_one_mail_behind_an_mbox_line_is_one_mail(tmp_path: Path) -> None:
    path = tmp_path / "one.eml"
    path.write_bytes(b"From a@x Mon Mar  2 10:00:00 2026\nSubject: one\n\nHi\n")
    assert list(read_messages([path])) == [(str(path), b"Subject: one\n\nHi\n")]


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(MAIL)))
    assert list(read_messages(["-"])) == [("-", MAIL)]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(read_messages([tmp_path / "none.eml"]))
